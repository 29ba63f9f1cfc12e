/*
 * The files of a log: the live one, and beside it the rotated ones, STEM-FIRSTSEQ.jsonl
 * (or, where that was taken, STEM-FIRSTSEQ.1.jsonl and so on). The stem is the live
 * file's name without .jsonl.
 *
 * A file counts for what it holds, not for its name: an operator may have moved or copied
 * the log to a name with a date.
 */
#pragma once

#include "audit/format/log_names.h"

/* For the writer: the rotated files that it has made, oldest first; the caller frees the
 * list. 0; -1 with errno. */
MUST_USE int log_rotated_list(const char *path, struct log_rotated **ret,
			      size_t *ret_count);

/* The notes of rotated files that are not in that list, as another such list. A note
 * counts for the line that its text names, too. */
MUST_USE int log_stray_notes(const char *path, const struct log_rotated *rotated,
			     size_t count, struct log_rotated **ret, size_t *ret_count);

struct log_listed {
	char *path;
	bool is_live;
	uint64_t first_seq; /* of its first line; by its name where that can't be read;
			       UINT64_MAX of the live one */
	unsigned again;	    /* of several with that number */
};

struct log_listing {
	struct log_listed *files; /* oldest first, the live one last where there is one */
	size_t count;
};

/* For readers: the same files and the live one, and files that bear another number than
 * that of their first line, if no other file begins with that line. 0, or -1 with errno.
 * A log without any file is an empty listing. */
MUST_USE int log_listing_read(const char *path, struct log_listing *ret);
/* Keeps errno, as glibc's free() does. */
void log_listing_free(struct log_listing *listing);
