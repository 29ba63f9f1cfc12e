/*
 * Moves aside what doesn't belong into the log any more, but is evidence: a torn end, and
 * a log whose chain is broken. Each leaves a finding, a text of a few clauses that goes
 * into a line's detail.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "audit/format/log_names.h"

#define ASIDE_FINDING_SIZE 256 /* as a line's detail */

/* Adds a clause as far as there is room; "" is none. */
void aside_add_clause(char finding[ASIDE_FINDING_SIZE], const char *clause);

/* Moves what `path`, open as `fd`, holds behind `at` into FILE.torn-TIME of the log
 * `log_path`: durable there before it is cut off here. `time` is that of the last good
 * line, or "". `ret` says what was moved where. -1 after logging what is wrong and its
 * cure. */
MUST_USE int aside_torn(int fd, const char *path, const char *log_path, const char *time,
			off_t at, char ret[ASIDE_FINDING_SIZE]);
/* Adds the torn ends that were moved aside after that time, a line's, and that `finding`
 * doesn't name: a crash came before a line could tell of them. */
void aside_untold_torn(const char *log_path, const char *time,
		       char finding[ASIDE_FINDING_SIZE]);

/* Moves all of the log's files aside, the newest last: it becomes FILE.broken-TIME.jsonl,
 * the others FILE.broken-TIME-FIRSTSEQ.jsonl, and their notes likewise. `why`, a clause,
 * and TIME are kept durably in FILE.breaking until aside_broken_told, so that the auditor
 * after a crash goes on where this one broke off. `is_live`: the live file has something
 * in it. -1 after logging. */
MUST_USE int aside_broken(const char *path, bool is_live, const char *why);
/* Goes on with what a crash broke off. `ret` is the finding that no line tells yet, or
 * "". `head`: the live file's first lines, which may tell it already. *ret_is_moved: the
 * live file is not at its path any more. -1 after logging. */
MUST_USE int aside_broken_resume(const char *path, bool is_live, const char *head,
				 size_t head_size, bool *ret_is_moved,
				 char ret[ASIDE_FINDING_SIZE]);
/* To be called when the new chain's first lines tell of it, durably. */
void aside_broken_told(const char *path);

/* Renames one file to FILE.broken-TIME.jsonl, which `ret_name` gets. -1 with errno. */
MUST_USE int aside_one(const char *path, char ret_name[LOG_NAME_SIZE]);
