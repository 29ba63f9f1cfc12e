/*
 * The files of a log by their names: the rotated ones, STEM-FIRSTSEQ.jsonl (or, where
 * that was taken, STEM-FIRSTSEQ.1.jsonl and so on), beside the live one. The stem is the
 * live file's name without .jsonl.
 */
#ifndef AUDIT_LOG_LISTING_H
#define AUDIT_LOG_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_listed {
	char *path;
	bool is_live;
	uint64_t first_seq; /* as its name says; UINT64_MAX of the live one, which doesn't
			     */
	uint64_t again;	    /* of several with that number, STEM-FIRSTSEQ.AGAIN.jsonl */
};

struct log_listing {
	struct log_listed *files; /* oldest first, the live one last where there is one */
	size_t count;
};

/* 0, or -1 with errno. A log without any file is an empty listing. */
int log_listing_read(const char *path, struct log_listing *ret);
void log_listing_free(struct log_listing *listing);

/* The directory that holds the log, with its last slash; "./" of a bare name. Freed by
 * the caller; NULL without memory. */
char *log_listing_directory(const char *path);

#endif
