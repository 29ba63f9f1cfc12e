/*
 * The log's file: locked, appended to, and never left with half a line.
 *
 * What is appended counts only after log_file_commit; log_file_undo takes it back. Bytes
 * behind the last newline, found at opening (a write that a crash cut off), are moved
 * into a file of their own beside the log, durably, before they leave it. A log that an
 * operator moves away or removes is followed by a new one at the same path, whose numbers
 * go on.
 */
#ifndef AUDIT_LOG_FILE_H
#define AUDIT_LOG_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct log_file {
	char *path;
	int fd;
	off_t good_size, size; /* up to the last commit; with what came since */
	uint64_t next_seq;
	char note[256]; /* what was found at opening and belongs into the log; or "" */
};

enum log_file_result {
	LOG_FILE_DONE,
	LOG_FILE_REFUSED, /* nothing was written: the disk is full, say. Try again later
			   */
	LOG_FILE_UNKNOWN  /* what is on disk is no longer known: end, and open it anew */
};

/* Opens or makes the log, waiting at most `wait_ms` while another process has it locked,
 * and reads where it ends. -1 after logging what is wrong and its cure. */
int log_file_open(const char *path, int wait_ms, struct log_file *ret);
void log_file_close(struct log_file *file);

/* Whether the log is still the file at its path, and as long as it was left; opens the
 * path anew where it is not the same file. To be asked before appending. */
enum log_file_result log_file_follow(struct log_file *file);

enum log_file_result log_file_append(struct log_file *file, const char *bytes,
				     size_t size);
enum log_file_result log_file_commit(struct log_file *file, uint64_t line_count);
enum log_file_result log_file_undo(struct log_file *file);

#endif
