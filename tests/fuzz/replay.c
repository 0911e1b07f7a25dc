/* Runs a fuzz target on every file of the directories given, without libFuzzer: the regression test of its corpus. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz.h"

/* Exactly as many bytes are allocated as the file has, so that a sanitizer sees a read behind the end. */
static int replay_file(const char *path, size_t size)
{
	uint8_t *data = malloc(size ? size : 1);
	FILE *f = fopen(path, "rb");
	int bad = !data || !f || fread(data, 1, size, f) != size;

	if (bad)
		perror(path);
	else
		LLVMFuzzerTestOneInput(data, size);
	if (f)
		fclose(f);
	free(data);
	return bad;
}

/* Adds the files that were run to *count. */
static int replay_dir(const char *dir, unsigned *count)
{
	struct dirent **entry;
	int n = scandir(dir, &entry, NULL, alphasort), bad = 0;

	if (n < 0) {
		perror(dir);
		return 1;
	}
	for (int i = 0; i < n; i++) {
		char path[4096];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", dir, entry[i]->d_name);
		free(entry[i]);
		if (stat(path, &st) || !S_ISREG(st.st_mode))
			continue;
		bad |= replay_file(path, (size_t)st.st_size);
		++*count;
	}
	free(entry);
	return bad;
}

int main(int argc, char **argv)
{
	unsigned count = 0;
	int bad = 0;

	for (int i = 1; i < argc; i++)
		bad |= replay_dir(argv[i], &count);
	printf("%u inputs replayed\n", count);
	return bad || count == 0;
}
