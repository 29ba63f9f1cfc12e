#include "keep.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct kept {
	struct kept *before;
	char *text;
};

static struct kept *newest;

static char *keep(char *text)
{
	struct kept *kept = text != NULL ? malloc(sizeof(*kept)) : NULL;

	if (kept == NULL) {
		fprintf(stderr, "cathgate: out of memory\n");
		exit(CLI_USAGE);
	}
	*kept = (struct kept){ .before = newest, .text = text };
	newest = kept;
	return text;
}

char *keep_format(const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	return keep(length < 0 ? NULL : text);
}

char *keep_copy(const char *text, size_t size)
{
	char *copy = malloc(size + 1);

	if (copy != NULL) {
		memcpy(copy, text, size);
		copy[size] = '\0';
	}
	return keep(copy);
}
