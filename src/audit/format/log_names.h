/*
 * The names of a log's files, and what is done by their names. Beside FILE.jsonl stand
 * FILE.checkpoint (its last signed note), FILE-FIRSTSEQ.jsonl and .checkpoint (rotated),
 * FILE.torn-TIME (a torn end), FILE.broken-TIME… (a chain that did not hold, moved aside
 * whole) and, while that is being moved, FILE.breaking; and FILE.lock, which is empty.
 * Nothing is ever overwritten but the note and FILE.breaking.
 */
#pragma once

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/audit/checkpoint.h"
#include "cathgate/base/clock.h"

#define LOG_NAME_SIZE  PATH_MAX
#define LOG_STAMP_SIZE UTC_TEXT_SIZE

/* The path without its `.jsonl`, and `format` behind it. */
void log_name(char ret[LOG_NAME_SIZE], const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The file's own name within a path. */
const char *log_name_base(const char *path);
/* The name of the lock file that the log's writer holds. */
void log_name_lock(char ret[LOG_NAME_SIZE], const char *path);
/* The directory of a path, with its slash, or `.`. */
void log_name_directory(const char *path, char ret[LOG_NAME_SIZE]);
/* The time as names bear it: 20260131T120000.123456Z. */
void log_name_stamp(char ret[LOG_STAMP_SIZE]);
/* The same of a line's time. */
void log_name_stamp_of(const char *time, char ret[LOG_STAMP_SIZE]);

struct log_rotated {
	uint64_t first_seq;
	unsigned again; /* 0; more where a name was taken: FILE-FIRSTSEQ.AGAIN.jsonl */
};

/* The path of a rotated file, or with `.checkpoint` of its note. */
void log_name_rotated(char ret[LOG_NAME_SIZE], const char *path,
		      const struct log_rotated *rotated, const char *suffix);

/* Reads such a name, without its directory, of the log whose live file is `path`. */
MUST_USE bool log_name_read_rotated(const char *name, const char *path,
				    const char *suffix, struct log_rotated *ret);

/* The directory that holds the log's files. NULL with errno. */
MUST_USE DIR *log_open_directory(const char *path);
/* Makes what was created, renamed or removed beside `path` durable. -1 with errno. */
MUST_USE int log_sync_directory(const char *path);

/* Renames, and overwrites nothing: -1 with EEXIST where the new name is taken. */
MUST_USE int log_rename(const char *from, const char *to);

/* Renames the live file as rotated, under the first free name. -1 with errno. */
MUST_USE int log_rename_rotated(const char *path, uint64_t first_seq,
				struct log_rotated *ret);

/* Makes or replaces a small file, whole or not at all, durably. -1 with errno. */
MUST_USE int log_put_file(const char *path, const char *text, size_t size);
/* Reads one, of at most `room` - 1 bytes, and ends it with a NUL. Its size; -1 with
 * errno, EFBIG when it is larger. */
MUST_USE long log_get_file(const char *path, char *ret, size_t room);

/* Reads a note. -1 with errno; EBADMSG when the file holds none. */
MUST_USE int log_get_note(const char *path, struct checkpoint *ret);
