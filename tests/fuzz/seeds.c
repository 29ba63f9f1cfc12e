/* Writes the seeds of a directory as the bytes that libFuzzer and AFL++ start from. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hex.h"

static void write_seed(const char *path, void *directory)
{
	uint8_t *bytes;
	size_t size;
	char *to;
	FILE *file;

	hex_read_file(path, &bytes, &size);
	if (asprintf(&to, "%s/%s", (const char *)directory, strrchr(path, '/') + 1) < 0)
		err(2, "%s", path);
	if (strcmp(to + strlen(to) - 4, ".hex") == 0)
		to[strlen(to) - 4] = '\0';
	file = fopen(to, "wb");
	if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
		err(2, "%s", to);
	free(to);
	free(bytes);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: fuzz_seeds CORPUS DIRECTORY");
	hex_each_file(argv[1], write_seed, argv[2]);
	return 0;
}
