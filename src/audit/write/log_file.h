/*
 * The log's live file: appended to, and never left with half a line; and the lock that
 * only one auditor holds, in a file beside it. What is appended counts only after
 * log_file_commit; log_file_undo takes it back, durably. A file whose sync has failed, or
 * that was renamed, is retired: it is given up for a new one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"

struct log_file {
	char *path;
	int fd, lock;
	off_t good_size, size; /* up to the last commit; with what came since */
	bool is_retired;       /* log_file_begin comes next */
};

enum log_file_result {
	LOG_FILE_DONE,
	LOG_FILE_REFUSED, /* nothing was written: the disk is full, say; errno */
	LOG_FILE_UNKNOWN  /* what is on disk is no longer known: retire the file; errno */
};

/* Locks the log, waiting at most `wait_ms` while another process has it locked, and opens
 * or makes it. The caller reads where it ends, and sets its size. -1 after logging what
 * is wrong and its cure. */
MUST_USE int log_file_open(const char *path, int wait_ms, struct log_file *ret);
void log_file_close(struct log_file *file);

/* Makes and locks another lock's file if it was moved away or removed. -1 with errno:
 * EWOULDBLOCK when another process has locked the log meanwhile. */
int log_file_keep_lock(struct log_file *file);

/* Makes an empty file, durable, in place of one that is retired or not at its path any
 * more, and keeps the lock. -1 with errno, the file then as it was; EEXIST when a file
 * with something in it, or a link, is at the path. */
MUST_USE int log_file_begin(struct log_file *file);

enum log_file_state {
	LOG_FILE_HERE,
	LOG_FILE_GONE, /* another file, or none, is at the path */
	LOG_FILE_EMPTIED,
	LOG_FILE_CHANGED /* in its size */
};
/* To be asked before appending. */
enum log_file_state log_file_look(const struct log_file *file);

MUST_USE enum log_file_result log_file_append(struct log_file *file, const char *bytes,
					      size_t size);
MUST_USE enum log_file_result log_file_commit(struct log_file *file);
MUST_USE enum log_file_result log_file_undo(struct log_file *file);
