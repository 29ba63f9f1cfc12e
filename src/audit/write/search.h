/*
 * How an auditor that starts searches for the end of its log: search_file.c reads a file
 * to its end and mends that, search_note.c compares the notes beside it, and recovery.c
 * puts both together.
 */
#pragma once

#include "cathgate/audit/log_verify.h"
#include "recovery.h"

struct search {
	const char *path;
	const struct signing_key *key;
	struct digest *digest;
	char *buffer; /* of LOG_VERIFY_LINE_MAX bytes */
	struct log_rotated *rotated;
	size_t rotated_count;
	struct checkpoint note;
	bool has_note;
	bool is_live;		       /* the live file has something in it */
	char last_time[UTC_TEXT_SIZE]; /* of the last good line; "" without one */
	char why[ASIDE_FINDING_SIZE];  /* the log is broken; "" when it isn't */
	uint64_t unvouched; /* lines at the end that no checkpoint of ours covers */
	bool lacks_note;    /* there are checkpoints, but not the note of one */
	char missing[ASIDE_FINDING_SIZE]; /* lines that are in no file; "" without any */
	struct recovery *ret;
};

/* What the live file begins with. */
struct search_beginning {
	bool has_line;
	size_t head;  /* of search.buffer: its first lines, whole ones */
	bool goes_on; /* the first one is an alert about the loss of the file before it */
	struct chain_line first; /* where has_line */
};

/* Sets `why`, a clause. */
void search_set_broken(struct search *search, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Logs it, with errno, and returns -1. */
int search_cannot_read(const char *path);

/* Reads a file to its end, and mends that if a crash can have left it so; else sets
 * `why`. `note`, the one that is its own, may be NULL. -1 after logging. */
MUST_USE int search_read_file(struct search *search, int fd, const char *path,
			      const struct checkpoint *note, struct log_verify_file *ret);

/* Reads the note beside the live file. If a crash came between the renaming of a file and
 * that of its note, renames the note. */
void search_read_note(struct search *search, const struct search_beginning *live);
/* Sets `why` if that note isn't the live file's. */
void search_check_note(struct search *search);
/* Sets `why` if some note tells of a file behind the newest that is there: with nothing
 * live the chain would go on before it, and give its numbers a second time. -1 after
 * logging. */
MUST_USE int search_check_lost(struct search *search);
