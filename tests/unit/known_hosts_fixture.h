/* What the known_hosts tests share: libcrypto, keys from text, files in a directory of their own. */
#ifndef ADIT_TESTS_KNOWN_HOSTS_FIXTURE_H
#define ADIT_TESTS_KNOWN_HOSTS_FIXTURE_H

#include <errno.h>

#include "conf/known_hosts.h"
#include "known_hosts_keys.h"

/* The start of a binary list of revoked keys: magic, version (the last byte), three numbers, two empty strings. */
#define ZEROS8		   "\0\0\0\0\0\0\0\0"
#define KRL_START(version) "SSHKRL\n\0\0\0\0" version ZEROS8 ZEROS8 ZEROS8 ZEROS8
/* Its section of certificates, of any CA, with 8 bytes of key IDs. */
#define KRL_IDS(ids) "\1\0\0\0\25" ZEROS8 "\43\0\0\0\10" ids

extern struct crypto *crypto;

int crypto_setup(void **state);
int crypto_teardown(void **state);

/* The blob of "type base64"; the caller does buf_fini(). */
struct buf key_blob(const char *key);

/* A new directory under /tmp; remove_dir() removes it with everything in it, and frees the name. */
char *temp_dir(void);
void remove_dir(char *dir);

/* "dir/name"; the caller frees it. */
char *path_in(const char *dir, const char *name);
/* The same, and writes the file. */
char *temp_file(const char *dir, const char *name, const char *content, size_t n);
/* The whole file with a NUL behind it; the caller frees it. NULL when there is none. */
char *file_content(const char *path);

#endif
