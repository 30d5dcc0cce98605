/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A fuzz target without a fuzzer: main() gives each file of the folders named as arguments (or a
 * file itself) to LLVMFuzzerTestOneInput(), so that the kept corpus runs with every `make check`.
 * Fails if there was nothing to run.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes are put into memory of exactly their size, so that sanitizers see one read too many. */
static int run_file(const char *path, size_t size)
{
	uint8_t *data = malloc(size ? size : 1);
	FILE *f = fopen(path, "rb");
	int ok = data && f && fread(data, 1, size, f) == size;

	if (ok)
		LLVMFuzzerTestOneInput(data, size);
	else
		fprintf(stderr, "%s: cannot be read\n", path);
	if (f)
		fclose(f);
	free(data);
	return ok;
}

static int run_path(const char *path, unsigned *count);

static int run_folder(const char *path, unsigned *count)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	char name[4096];
	int ok = folder != NULL;

	if (!ok)
		perror(path);
	while (ok && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		ok = run_path(name, count);
	}
	if (folder)
		closedir(folder);
	return ok;
}

static int run_path(const char *path, unsigned *count)
{
	struct stat st;

	if (stat(path, &st)) {
		perror(path);
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return run_folder(path, count);
	++*count;
	return run_file(path, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
	unsigned count = 0;

	for (int i = 1; i < argc; i++) {
		if (!run_path(argv[i], &count))
			return EXIT_FAILURE;
	}
	fprintf(stderr, "%s: %u inputs\n", argv[0], count);
	return count ? EXIT_SUCCESS : EXIT_FAILURE;
}
