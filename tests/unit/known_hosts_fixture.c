/* What the known_hosts tests share. */
#include "known_hosts_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/b64.h"

struct crypto *crypto;

int crypto_setup(void **state)
{
	(void)state;
	return crypto_new(&crypto, NULL);
}

int crypto_teardown(void **state)
{
	(void)state;
	crypto_free(crypto);
	return 0;
}

struct buf key_blob(const char *key)
{
	struct buf b = BUF(PKEY_BLOB_MAX);

	assert_int_equal(b64_decode(&b, span_str(strchr(key, ' ') + 1)), OK);
	return b;
}

char *temp_dir(void)
{
	char *dir = strdup("/tmp/adit-test-XXXXXX");

	assert_non_null(dir);
	assert_non_null(mkdtemp(dir));
	return dir;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void remove_dir(char *dir)
{
	assert_int_equal(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(dir);
}

char *path_in(const char *dir, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
	return path;
}

char *temp_file(const char *dir, const char *name, const char *content, size_t n)
{
	char *path = path_in(dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(content, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	return path;
}

char *file_content(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t cap = 0;

	if (!f)
		return NULL;
	if (getdelim(&text, &cap, -1, f) < 0 && text)
		text[0] = 0;
	fclose(f);
	return text;
}
