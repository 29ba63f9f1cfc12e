#include "complain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/pki/pki.h"
#include "shown.h"

static const char *about;

void complain_about(const char *what)
{
	about = what;
}

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
	if (about) {
		shown_message(stderr, about);
		fputs(": ", stderr);
	}
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

const char *complain_cure(int error)
{
	bool is_root = geteuid() == 0;

	switch (error) {
	case EROFS:
		return "its file system is read-only: remount it for writing";
	case EACCES:
	case EPERM:
		return is_root ? "not even root may: it is a network file system's, "
				 "immutable (lsattr), or this program is confined"
			       : "run this as root";
	case ENOENT:
		return "make the folder above it first";
	case ENOTDIR:
		return "a file stands where a folder is needed";
	case ENOSPC:
	case EDQUOT:
		return "make room there";
	default:
		return "see to that first";
	}
}

int complain_openssl(void)
{
	complain("OpenSSL refuses: %s", pki_failure());
	return -1;
}
