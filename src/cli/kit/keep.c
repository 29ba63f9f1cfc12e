#include "keep.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "complain.h"

/* All that is kept can be reached from here: a leak checker finds nothing lost. */
static struct kept {
	struct kept *before;
	void *bytes;
} * newest;

static void *keep_pointer(void *bytes)
{
	struct kept *kept = bytes ? malloc(sizeof(*kept)) : NULL;

	if (!kept) {
		complain_memory();
		exit(CLI_USAGE);
	}
	*kept = (struct kept){ .before = newest, .bytes = bytes };
	newest = kept;
	return bytes;
}

void *keep_bytes(size_t size)
{
	return keep_pointer(calloc(1, size));
}

char *keep_format(const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	return keep_pointer(length < 0 ? NULL : text);
}

char *keep_copy(const char *text, size_t size)
{
	return memcpy(keep_bytes(size + 1), text, size);
}

const char *keep_listed(const char *list, const char *separator, const char *item)
{
	return keep_format("%s%s%s", list, list[0] ? separator : "", item);
}
