/*
 * What is moved aside because it doesn't belong into the log any more, but is evidence:
 * a torn end, and a log whose chain is broken.
 */
#ifndef AUDIT_ASIDE_H
#define AUDIT_ASIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "audit/format/log_names.h"

#define ASIDE_WORDS_SIZE 256 /* what a line's detail holds */

/* Adds a clause to those that are there, as far as there is room; nothing where it is "".
 */
void aside_add_words(char words[ASIDE_WORDS_SIZE], const char *more);

/* Moves what `path`, open as `fd`, holds behind `at` into FILE.torn-TIME of the log
 * `log_path`: durable there before it is cut off here. `time` is that of the last good
 * line, or "". What was moved where is left in `ret`. -1 after logging what is wrong and
 * its cure. */
int aside_torn(int fd, const char *path, const char *log_path, const char *time, off_t at,
	       char ret[ASIDE_WORDS_SIZE]);
/* Adds to `words` the torn ends that were moved aside after that time, a line's, and that
 * they don't name yet: no line tells of them, since a crash came first. */
void aside_untold_torn(const char *log_path, const char *time,
		       char words[ASIDE_WORDS_SIZE]);

/* Moves all of the log's files aside, the newest last: it becomes FILE.broken-TIME.jsonl,
 * the others FILE.broken-TIME-FIRSTSEQ.jsonl, and their notes likewise. `why`, a clause,
 * and TIME are kept durably in FILE.breaking until aside_broken_told, so that whoever
 * comes after a crash goes on where this broke off. `is_live`: the live file has
 * something in it. -1 after logging. */
int aside_broken(const char *path, bool is_live, const char *why);
/* Goes on with what a crash broke off, and reads what is still to be told: `ret` is ""
 * when there is nothing. `head`: the live file's first lines, which may tell it already.
 * *ret_is_moved: the live file is not at its path any more. -1 after logging. */
int aside_broken_resume(const char *path, bool is_live, const char *head,
			size_t head_size, bool *ret_is_moved, char ret[ASIDE_WORDS_SIZE]);
/* The new chain's first line tells of it, durably. */
void aside_broken_told(const char *path);

/* Moves one file under the name FILE.broken-TIME.jsonl, which is left in `ret_name`. -1
 * with errno. */
int aside_one(const char *path, char ret_name[LOG_NAME_SIZE]);

#endif
