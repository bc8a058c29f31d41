/* Wrap + unwrap by MIT's libgssapi_krb5, both ends in this process, as kerbside-bench measures its own.
 *
 *   mit_wrap SECONDS BYTES         environment: KRB5_CONFIG, KRB5CCNAME (a TGT), KRB5_KTNAME (HTTP@localhost)
 *
 * Prints one line: messages, wall seconds, CPU seconds. One message in 64 is compared with the original, every one by
 * its length; a message with one bit turned has to be refused first. Any failure ends the program with 1.
 */
#include <gssapi/gssapi_krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void need(int good, const char *what, OM_uint32 minor) {
  if (good) return;
  fprintf(stderr, "mit_wrap: %s (minor status %u)\n", what, minor);
  exit(1);
}

static double at(clockid_t which) {
  struct timespec now;
  clock_gettime(which, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* One mutual context with sequencing and replay detection. */
static void connect_ends(gss_ctx_id_t *client, gss_ctx_id_t *server) {
  gss_buffer_desc text = {14, "HTTP@localhost"}, request = GSS_C_EMPTY_BUFFER, reply = GSS_C_EMPTY_BUFFER, none = GSS_C_EMPTY_BUFFER;
  gss_name_t name;
  OM_uint32 minor, ignored;
  OM_uint32 flags = GSS_C_MUTUAL_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG;
  need(gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &name) == GSS_S_COMPLETE, "import", minor);
  OM_uint32 major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, client, name, (gss_OID)gss_mech_krb5, flags, 0,
                                         GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER, NULL, &request, NULL, NULL);
  need(major == GSS_S_CONTINUE_NEEDED, "initiator, first token", minor);
  major = gss_accept_sec_context(&minor, server, GSS_C_NO_CREDENTIAL, &request, GSS_C_NO_CHANNEL_BINDINGS, NULL, NULL, &reply,
                                 NULL, NULL, NULL);
  need(major == GSS_S_COMPLETE, "acceptor", minor);
  major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, client, name, (gss_OID)gss_mech_krb5, flags, 0,
                               GSS_C_NO_CHANNEL_BINDINGS, &reply, NULL, &none, NULL, NULL);
  need(major == GSS_S_COMPLETE, "initiator, second token", minor);
  gss_release_buffer(&ignored, &request);
  gss_release_buffer(&ignored, &reply);
  gss_release_buffer(&ignored, &none);
  gss_release_name(&ignored, &name);
}

static void pass_one(gss_ctx_id_t client, gss_ctx_id_t server, gss_buffer_t message, int compare) {
  gss_buffer_desc token, opened;
  OM_uint32 minor;
  int confidential = 0;
  need(gss_wrap(&minor, client, 1, GSS_C_QOP_DEFAULT, message, &confidential, &token) == GSS_S_COMPLETE, "wrap", minor);
  need(confidential, "wrap did not encrypt", 0);
  need(gss_unwrap(&minor, server, &token, &opened, &confidential, NULL) == GSS_S_COMPLETE, "unwrap", minor);
  need(confidential && opened.length == message->length, "unwrap gave something else", 0);
  need(!compare || memcmp(opened.value, message->value, message->length) == 0, "the text changed", 0);
  gss_release_buffer(&minor, &token);
  gss_release_buffer(&minor, &opened);
}

/* On contexts of its own: a refused message leaves a gap in the sequence. */
static void must_refuse(gss_buffer_t message) {
  gss_ctx_id_t client = GSS_C_NO_CONTEXT, server = GSS_C_NO_CONTEXT;
  gss_buffer_desc token, opened = GSS_C_EMPTY_BUFFER;
  OM_uint32 minor;
  connect_ends(&client, &server);
  need(gss_wrap(&minor, client, 1, GSS_C_QOP_DEFAULT, message, NULL, &token) == GSS_S_COMPLETE, "wrap", minor);
  ((unsigned char *)token.value)[token.length / 2] ^= 4;
  need(GSS_ERROR(gss_unwrap(&minor, server, &token, &opened, NULL, NULL)) != 0, "a damaged message is accepted", 0);
  gss_release_buffer(&minor, &token);
  gss_delete_sec_context(&minor, &client, GSS_C_NO_BUFFER);
  gss_delete_sec_context(&minor, &server, GSS_C_NO_BUFFER);
}

int main(int argc, char **argv) {
  double seconds = argc == 3 ? atof(argv[1]) : 0;
  long bytes = argc == 3 ? atol(argv[2]) : 0;
  need(seconds > 0 && bytes >= 16 && bytes <= 1 << 24, "usage: mit_wrap SECONDS BYTES", 0);
  gss_buffer_desc message = {(size_t)bytes, malloc((size_t)bytes)};
  need(message.value != NULL, "no memory", 0);
  for (long i = 0; i < bytes; i++) ((unsigned char *)message.value)[i] = (unsigned char)(i * 131 + (i >> 8));

  must_refuse(&message);
  gss_ctx_id_t client = GSS_C_NO_CONTEXT, server = GSS_C_NO_CONTEXT;
  connect_ends(&client, &server);
  for (int i = 0; i < 256; i++) pass_one(client, server, &message, 1);

  double wall = at(CLOCK_MONOTONIC), cpu = at(CLOCK_PROCESS_CPUTIME_ID), took;
  long count = 0;
  do {
    for (int i = 0; i < 8; i++, count++) pass_one(client, server, &message, count % 64 == 0);
    took = at(CLOCK_MONOTONIC) - wall;
  } while (took < seconds);
  printf("%ld %.6f %.6f\n", count, took, at(CLOCK_PROCESS_CPUTIME_ID) - cpu);
  return 0;
}
