/* Contexts, or messages, by any C library of the GSS-API, both ends in this process, as kerbside-bench measures its own.
 *
 *   gss_library LIBRARY CACHE SECONDS contexts krb5|spnego mutual|one-way
 *   gss_library LIBRARY CACHE SECONDS messages BYTES
 *
 * LIBRARY is loaded as it is: libgssapi_krb5.so.2 is MIT's, libgssapi.so.3 Heimdal's. CACHE is "file", or Heimdal's
 * libkrb5.so.26, by which the credential cache is copied into memory first. Environment: KRB5_CONFIG, KRB5CCNAME (a TGT),
 * KRB5_KTNAME (HTTP@localhost). Credentials are acquired once.
 *
 * Prints one line: contexts or messages, wall seconds, CPU seconds. Before the clock starts a token offered twice (but to
 * Heimdal, which keeps no replay cache), a MIC for another text and a damaged message have to be refused; one message in
 * 64 is compared with the original. Any failure ends the program with 1. The types are those of RFC 2744, so no header of
 * either library is needed.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct { size_t length; void *value; } buffer;
typedef struct { uint32_t length; void *elements; } oid;
typedef struct { size_t count; oid *elements; } oid_set;
typedef void *handle;

static uint32_t (*import_name)(uint32_t *, buffer *, oid *, handle *);
static uint32_t (*acquire)(uint32_t *, handle, uint32_t, oid_set *, int, handle *, void *, void *);
static uint32_t (*init)(uint32_t *, handle, handle *, handle, oid *, uint32_t, uint32_t, void *, buffer *, void *, buffer *,
                        uint32_t *, void *);
static uint32_t (*take)(uint32_t *, handle *, handle, buffer *, void *, handle *, void *, buffer *, uint32_t *, void *, void *);
static uint32_t (*delete)(uint32_t *, handle *, buffer *);
static uint32_t (*release)(uint32_t *, buffer *);
static uint32_t (*release_name)(uint32_t *, handle *);
static uint32_t (*wrap)(uint32_t *, handle, int, uint32_t, buffer *, int *, buffer *);
static uint32_t (*unwrap)(uint32_t *, handle, buffer *, buffer *, int *, uint32_t *);
static uint32_t (*get_mic)(uint32_t *, handle, uint32_t, buffer *, buffer *);
static uint32_t (*verify_mic)(uint32_t *, handle, buffer *, buffer *, uint32_t *);

enum { MUTUAL = 2, REPLAY = 4, SEQUENCE = 8, CONF = 16, INTEG = 32, CONTINUE = 1 };
#define IS_ERROR(major) ((major) & 0xffff0000u)

static oid KRB5 = {9, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"}, SPNEGO = {6, "\x2b\x06\x01\x05\x05\x02"},
           HOSTBASED = {10, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04"};
static handle name, client_cred, server_cred;
static uint32_t minor;
static int keeps_no_replays;

static void need(int good, const char *what) {
  if (good) return;
  fprintf(stderr, "gss_library: %s (minor status %u)\n", what, minor);
  exit(1);
}

static double at(clockid_t which) {
  struct timespec now;
  clock_gettime(which, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void load(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  if (!library) { fprintf(stderr, "gss_library: %s\n", dlerror()); exit(1); }
  struct { void *place; const char *call; } calls[] = {
      {&import_name, "gss_import_name"}, {&acquire, "gss_acquire_cred"}, {&init, "gss_init_sec_context"},
      {&take, "gss_accept_sec_context"}, {&delete, "gss_delete_sec_context"}, {&release, "gss_release_buffer"},
      {&release_name, "gss_release_name"}, {&wrap, "gss_wrap"}, {&unwrap, "gss_unwrap"}, {&get_mic, "gss_get_mic"},
      {&verify_mic, "gss_verify_mic"}};
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    void *address = dlsym(library, calls[i].call);
    need(address != NULL, calls[i].call);
    memcpy(calls[i].place, &address, sizeof address);
  }
}

/* Heimdal's calls; the cache in memory is the default one from here on. */
static void cache_in_memory(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  need(library != NULL, path);
  int (*init_context)(handle *) = NULL, (*default_cache)(handle, handle *) = NULL, (*resolve)(handle, const char *, handle *) = NULL,
      (*copy)(handle, handle, handle) = NULL;
  *(void **)&init_context = dlsym(library, "krb5_init_context");
  *(void **)&default_cache = dlsym(library, "krb5_cc_default");
  *(void **)&resolve = dlsym(library, "krb5_cc_resolve");
  *(void **)&copy = dlsym(library, "krb5_cc_copy_cache");
  need(init_context && default_cache && resolve && copy, "the calls of Heimdal's libkrb5");
  handle context, file, memory;
  need(init_context(&context) == 0 && default_cache(context, &file) == 0, "the credential cache");
  need(resolve(context, "MEMORY:bench", &memory) == 0 && copy(context, file, memory) == 0, "copying it into memory");
  setenv("KRB5CCNAME", "MEMORY:bench", 1);
}

typedef struct { handle client, server, who; } pair;

/* Tokens back and forth until both ends are done. `again` gets a copy of the first one. */
static pair establish(oid *mech, uint32_t flags, buffer *again) {
  pair ends = {NULL, NULL, NULL};
  buffer request = {0, NULL}, reply = {0, NULL};
  uint32_t of_client = CONTINUE, of_server = CONTINUE;
  do {
    of_client = init(&minor, client_cred, &ends.client, name, mech, flags, 0, NULL, &reply, NULL, &request, NULL, NULL);
    need(!IS_ERROR(of_client), "initiator");
    release(&minor, &reply);
    if (request.length == 0) break;
    if (again && !again->value) {
      again->length = request.length;
      again->value = malloc(request.length);
      memcpy(again->value, request.value, request.length);
    }
    if (ends.who) release_name(&minor, &ends.who);
    of_server = take(&minor, &ends.server, server_cred, &request, NULL, &ends.who, NULL, &reply, NULL, NULL, NULL);
    need(!IS_ERROR(of_server), "acceptor");
    release(&minor, &request);
  } while (reply.length);
  need(of_client == 0 && of_server == 0, "the exchange ended before both ends were done");
  return ends;
}

static void discard(pair *ends) {
  delete(&minor, &ends->client, NULL);
  delete(&minor, &ends->server, NULL);
  if (ends->who) release_name(&minor, &ends->who);
}

static void must_refuse(oid *mech, uint32_t flags) {
  buffer again = {0, NULL}, reply = {0, NULL}, text = {4, "text"}, other = {4, "next"}, mic;
  pair ends = establish(mech, flags, &again);
  handle second = NULL;
  /* Heimdal's acceptor keeps no replay cache: its contexts cost that much less. */
  need(IS_ERROR(take(&minor, &second, server_cred, &again, NULL, NULL, NULL, &reply, NULL, NULL, NULL)) || keeps_no_replays,
       "a token is accepted twice");
  release(&minor, &reply);
  if (second) delete(&minor, &second, NULL);
  free(again.value);
  need(get_mic(&minor, ends.client, 0, &text, &mic) == 0 && verify_mic(&minor, ends.server, &text, &mic, NULL) == 0, "MIC");
  release(&minor, &mic);
  need(get_mic(&minor, ends.client, 0, &text, &mic) == 0, "MIC");
  need(IS_ERROR(verify_mic(&minor, ends.server, &other, &mic, NULL)), "a MIC is accepted for another text");
  release(&minor, &mic);
  discard(&ends);
}

static void said(double count, double wall, double cpu) {
  printf("%.0f %.6f %.6f\n", count, at(CLOCK_MONOTONIC) - wall, at(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}

static void contexts(double seconds, oid *mech, uint32_t flags) {
  must_refuse(mech, flags);
  for (int i = 0; i < 50; i++) { pair ends = establish(mech, flags, NULL); discard(&ends); }
  double wall = at(CLOCK_MONOTONIC), cpu = at(CLOCK_PROCESS_CPUTIME_ID), count = 0;
  while (at(CLOCK_MONOTONIC) - wall < seconds) {
    pair ends = establish(mech, flags, NULL);
    discard(&ends);
    count++;
  }
  said(count, wall, cpu);
}

static void pass_one(pair *ends, buffer *message, int compare) {
  buffer token, opened;
  int confidential = 0;
  need(wrap(&minor, ends->client, 1, 0, message, &confidential, &token) == 0 && confidential, "wrap");
  need(unwrap(&minor, ends->server, &token, &opened, &confidential, NULL) == 0 && confidential, "unwrap");
  need(opened.length == message->length, "unwrap gave another length");
  need(!compare || memcmp(opened.value, message->value, message->length) == 0, "the text changed");
  release(&minor, &token);
  release(&minor, &opened);
}

static void messages(double seconds, size_t length) {
  uint32_t flags = MUTUAL | REPLAY | SEQUENCE | CONF | INTEG;
  must_refuse(&KRB5, flags);
  unsigned char *text = malloc(length);
  for (size_t i = 0; i < length; i++) text[i] = (unsigned char)(i * 131 + (i >> 8));
  buffer message = {length, text}, token, opened = {0, NULL};
  int confidential = 0;
  pair ends = establish(&KRB5, flags, NULL);
  need(wrap(&minor, ends.client, 1, 0, &message, &confidential, &token) == 0, "wrap");
  ((unsigned char *)token.value)[token.length / 2] ^= 4;
  need(IS_ERROR(unwrap(&minor, ends.server, &token, &opened, &confidential, NULL)), "a damaged message is accepted");
  release(&minor, &token);
  discard(&ends);
  ends = establish(&KRB5, flags, NULL);
  int batch = length < 4096 ? 64 : 4;
  for (int i = 0; i < 4 * batch; i++) pass_one(&ends, &message, 1);
  double wall = at(CLOCK_MONOTONIC), cpu = at(CLOCK_PROCESS_CPUTIME_ID);
  long count = 0;
  while (at(CLOCK_MONOTONIC) - wall < seconds)
    for (int i = 0; i < batch; i++, count++) pass_one(&ends, &message, count % 64 == 0);
  said((double)count, wall, cpu);
}

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  load(argv[1]);
  keeps_no_replays = strcmp(argv[2], "file") != 0;
  if (keeps_no_replays) cache_in_memory(argv[2]);
  double seconds = atof(argv[3]);
  oid *mech = strcmp(argv[5], "spnego") == 0 ? &SPNEGO : &KRB5;
  oid_set set = {1, mech};
  buffer service = {14, "HTTP@localhost"};
  need(import_name(&minor, &service, &HOSTBASED, &name) == 0, "import");
  need(acquire(&minor, NULL, 0xffffffffu, &set, 1, &client_cred, NULL, NULL) == 0, "the initiator's credential");
  need(acquire(&minor, name, 0xffffffffu, &set, 2, &server_cred, NULL, NULL) == 0, "the acceptor's credential");
  if (strcmp(argv[4], "messages") == 0) {
    messages(seconds, strtoul(argv[5], NULL, 10));
  } else if (argc > 6) {
    uint32_t flags = REPLAY | SEQUENCE | CONF | INTEG | (strcmp(argv[6], "mutual") == 0 ? MUTUAL : 0);
    contexts(seconds, mech, flags);
  } else {
    return 2;
  }
  return 0;
}
