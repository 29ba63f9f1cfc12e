#include "complain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/pki/pki.h"
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

int complain_memory(void)
{
	complain("out of memory");
	return -1;
}

int complain_file(const char *path)
{
	complain("%s: %s", path, strerror(errno));
	return -1;
}

int complain_openssl(void)
{
	complain("OpenSSL refuses: %s", pki_failure());
	return -1;
}
