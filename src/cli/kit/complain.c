#include "complain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "shown.h"

void complain(const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	int size;

	va_start(arguments, format);
	size = vasprintf(&text, format, arguments);
	va_end(arguments);
	fflush(stdout); /* so that the two stay in order */
	fputs("cathgate: ", stderr);
	shown_message(stderr, size < 0 ? "out of memory" : text);
	fputc('\n', stderr);
	if (size >= 0)
		free(text);
}
