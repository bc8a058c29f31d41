/* Service tickets by MIT's libkrb5, none of them stored, as kerbside-bench gets its own.
 *
 *   mit_tickets COUNT KEYTAB CLIENT SERVER       environment: KRB5_CONFIG
 *
 * Logs in by the keytab into a cache in memory, gets 100 tickets for warming up and then COUNT. Prints one line: tickets,
 * wall seconds, CPU seconds. Any failure ends the program with 1.
 */
#include <krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static krb5_context context;

static void need(krb5_error_code code, const char *what) {
  if (code == 0) return;
  fprintf(stderr, "mit_tickets: %s: %s\n", what, krb5_get_error_message(context, code));
  exit(1);
}

static double at(clockid_t which) {
  struct timespec now;
  clock_gettime(which, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void get(krb5_ccache cache, krb5_creds *wanted, long count) {
  for (long i = 0; i < count; i++) {
    krb5_creds *found = NULL;
    need(krb5_get_credentials(context, KRB5_GC_NO_STORE, cache, wanted, &found), "service ticket");
    if (found->ticket.length == 0 || !krb5_principal_compare(context, found->server, wanted->server)) {
      fprintf(stderr, "mit_tickets: another ticket\n");
      exit(1);
    }
    krb5_free_creds(context, found);
  }
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: mit_tickets COUNT KEYTAB CLIENT SERVER\n");
    return 1;
  }
  krb5_creds first = {0}, wanted = {0};
  krb5_keytab keytab;
  krb5_ccache cache;
  need(krb5_init_context(&context), "context");
  need(krb5_parse_name(context, argv[3], &wanted.client), "client");
  need(krb5_parse_name(context, argv[4], &wanted.server), "server");
  need(krb5_kt_resolve(context, argv[2], &keytab), "keytab");
  need(krb5_cc_resolve(context, "MEMORY:tickets", &cache), "cache");
  need(krb5_get_init_creds_keytab(context, &first, wanted.client, keytab, 0, NULL, NULL), "login");
  need(krb5_cc_initialize(context, cache, wanted.client), "cache");
  need(krb5_cc_store_cred(context, cache, &first), "cache");
  get(cache, &wanted, 100);
  long count = atol(argv[1]);
  double wall = at(CLOCK_MONOTONIC), cpu = at(CLOCK_PROCESS_CPUTIME_ID);
  get(cache, &wanted, count);
  printf("%ld %.6f %.6f\n", count, at(CLOCK_MONOTONIC) - wall, at(CLOCK_PROCESS_CPUTIME_ID) - cpu);
  return 0;
}
