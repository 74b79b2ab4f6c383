/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for libFuzzer in the tests: runs every file of a corpus folder through the target, one
 * TAP line a file. Each input lies in a heap block of exactly its own size, so that the address
 * sanitizer sees one octet too many. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX ((size_t)4 << 20)

static uint8_t *file_read(const char *path, size_t *ret_len)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		return NULL;
	uint8_t *all = malloc(INPUT_MAX);
	size_t len = all ? fread(all, 1, INPUT_MAX, file) : 0;
	bool whole = all && !ferror(file) && feof(file);
	(void)fclose(file);
	uint8_t *exact = whole ? malloc(len ? len : 1) : NULL;
	if (exact && len)
		memcpy(exact, all, len);
	free(all);
	*ret_len = len;
	return exact;
}

static bool file_replay(const char *folder, const char *name)
{
	char path[4096];
	size_t len;
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return false;
	uint8_t *input = file_read(path, &len);
	if (!input)
		return false;
	(void)LLVMFuzzerTestOneInput(input, len);
	free(input);
	return true;
}

static int name_is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	int entries_n = argc == 2 ? scandir(argv[1], &entries, name_is_shown, alphasort) : -1;
	if (entries_n <= 0) {
		printf("Bail out! usage: %s FOLDER, which holds at least one file\n", argv[0]);
		return 1;
	}
	int failed_n = 0;
	printf("1..%d\n", entries_n);
	for (int i = 0; i < entries_n; i++) {
		bool ok = file_replay(argv[1], entries[i]->d_name);
		failed_n += !ok;
		printf("%s %d - %s\n", ok ? "ok" : "not ok", i + 1, entries[i]->d_name);
		(void)fflush(stdout);
		free(entries[i]);
	}
	free(entries);
	return failed_n > 0;
}
