/*
 * One start's search for the end of its log, in parts: a file read to its end and mended
 * (search_file.c), the notes beside it (search_note.c), and what is said of all that
 * (search_words.c). recovery.c puts them together.
 */
#ifndef AUDIT_SEARCH_H
#define AUDIT_SEARCH_H

#include "cathgate/audit/log_verify.h"
#include "recovery.h"

/* One start. */
struct search {
	const char *path;
	const struct signing_key *key;
	struct digest *digest;
	char *buffer; /* of LOG_VERIFY_LINE_MAX bytes */
	struct log_rotated *rotated;
	size_t rotated_count;
	struct checkpoint note;
	bool has_note;
	bool is_live;			/* the live file has something in it */
	char last_time[CLOCK_UTC_SIZE]; /* of the last good line; "" without one */
	char why[ASIDE_WORDS_SIZE];	/* the log is broken; "" when it isn't */
	uint64_t unvouched; /* lines at the end that no checkpoint of ours covers */
	bool lacks_note;    /* there are checkpoints, but not the note of one */
	char missing[ASIDE_WORDS_SIZE]; /* lines that are in no file; "" without any */
	struct recovery *ret;
};

/* What the live file begins with. */
struct search_beginning {
	bool has_line;
	size_t head;  /* of search.buffer: its first lines, whole ones */
	bool goes_on; /* of a file that was lost in use it tells, and goes on from it */
	uint64_t first_seq;
};

/* Why the log is broken: a clause. */
void search_set_broken(struct search *search, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Says that it can't, with errno. Returns -1. */
int search_cannot_read(const char *path);

/* A file to its end, mended where a crash can have left it so; else `why` is set. `note`,
 * the one that is its own, may be NULL. -1 after logging. */
int search_read_file(struct search *search, int fd, const char *path,
		     const struct checkpoint *note, struct log_verify_file *ret);

/* Reads the note beside the live file, and brings it behind its file where a crash came
 * in between. */
void search_read_note(struct search *search, const struct search_beginning *live);
/* Whether it is that of the file that was found. */
void search_check_note(struct search *search);
/* Whether some note tells of a file behind the newest that is there. With nothing live
 * the chain would go on before it, and give its numbers a second time. 0; -1 logged. */
int search_check_lost(struct search *search);

/* Puts what was found into words: what the next checkpoint will cover although nothing
 * vouches for it is said first. */
void search_tell(const struct search *search);

#endif
