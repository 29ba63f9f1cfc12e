/* Runs a fuzzer over files, directories of files, or, without any, standard input. */
#include <err.h>
#include <string.h>

#include "fuzz.h"
#include "hex.h"

static void replay(const char *path, void *count)
{
	uint8_t *bytes, *exact;
	size_t size;

	hex_read_file(path, &bytes, &size);
	/* To the byte, so that a sanitizer sees each read outside. */
	exact = malloc(size > 0 ? size : 1);
	if (exact == NULL)
		err(2, "%s", path);
	memcpy(exact, bytes, size);
	free(bytes);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	++*(unsigned *)count;
}

int main(int argc, char **argv)
{
	unsigned count = 0;

	if (argc < 2)
		replay("/dev/stdin", &count);
	for (int i = 1; i < argc; i++)
		hex_each_file(argv[i], replay, &count);
	printf("%u inputs\n", count);
	return count > 0 ? 0 : 1;
}
