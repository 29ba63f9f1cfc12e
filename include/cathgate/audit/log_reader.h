/*
 * Reads an audit log line by line, in order, through its rotated files into the one that
 * is being written, and on as lines come. Checks nothing: that is the verifier's work.
 * Needs no lock and disturbs no writer.
 *
 * Promises: every whole line from the asked-for one on is given once, across rotation and
 * an operator's mv; a line is given only once its newline is there. If a line was given
 * and the writer takes it back (a failed write), LOG_READER_GAP comes before what stands
 * there now. Memory is constant, whatever the files hold. What is no line of an audit log
 * (no number, or more than 64 KiB) is passed over, with LOG_READER_GAP before the next.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"

struct log_reader;

struct log_reader_line {
	const char *text; /* without its newline; the reader's, until its next call */
	size_t size;
	uint64_t seq;
	const char *file; /* the path that its file was opened by */
	uint64_t number;  /* of the line in that file, from 1; 0: not known */
};

enum log_reader_result {
	LOG_READER_LINE,
	LOG_READER_END,	  /* no more now */
	LOG_READER_GAP,	  /* the next line isn't the one after the last: a file is gone, a
			     new chain began, lines were taken back (the next seq is then
			     not above the last), or something else stood between. Said
			     once, when that line is there; the next call gives it */
	LOG_READER_FAILED /* errno; logged by the caller */
};

/* Opens the log whose live file is `path` (audit.jsonl; the rotated ones,
 * audit-FIRSTSEQ.jsonl, stand beside it). The first line given is `seq`, or the first
 * there is behind it; a log that ends before `seq` gives none until it gets there. So a
 * program that goes on where it stopped asks for the last line that it had, and looks
 * whether that is still the same. NULL with errno; a log that doesn't exist yet is
 * followed once it does, if its directory exists. */
MUST_USE struct log_reader *log_reader_open(const char *path, uint64_t seq);
/* The same for one file alone, from its first line to its last; it has no descriptor. */
MUST_USE struct log_reader *log_reader_open_file(const char *path);
/* As log_reader_open, but what that file (one of log_reader_files) holds before `offset`
 * isn't read: there a line begins, or the file ends behind one. If the line `seq` isn't
 * found so, because the files changed or their numbers don't ascend, it is the same as
 * log_reader_open. The lines' `number` isn't known then. */
MUST_USE struct log_reader *log_reader_open_at(const char *path, uint64_t seq,
					       const char *file, off_t offset);
/* The log from that file's first line on, which is `seq`; if it isn't, since the file was
 * rotated or removed meanwhile, the same as log_reader_open. */
MUST_USE struct log_reader *log_reader_open_from(const char *path, uint64_t seq,
						 const char *file);
void log_reader_close(struct log_reader *reader);

/* The lines of one file from the last to the first, until the visitor returns false.
 * `offset`: where the line begins. 0, or -1 with errno. */
typedef bool log_reader_visitor(void *context, const struct log_reader_line *line,
				off_t offset);
MUST_USE int log_reader_backwards(const char *path, log_reader_visitor *visit,
				  void *context);

/* The next line; never waits for one. */
MUST_USE enum log_reader_result log_reader_next(struct log_reader *reader,
						struct log_reader_line *ret);

/* Makes durable what was given, so that no other host is told what a failed sync or a
 * power cut takes back. 0; -1 with errno: not now; 1 when the line given last doesn't
 * stand there any more. */
MUST_USE int log_reader_settle(struct log_reader *reader);

/* A descriptor (inotify) that becomes readable when there may be more; to be waited on
 * together with others, after LOG_READER_END. log_reader_next drains it. */
int log_reader_descriptor(const struct log_reader *reader);

/* The paths of a log's files that exist, oldest first, the live one last, without logs
 * that were moved aside (audit.broken-…). The caller frees the list
 * (log_reader_files_free). 0, or -1 with errno. */
MUST_USE int log_reader_files(const char *path, char ***ret, size_t *ret_count);
void log_reader_files_free(char **files, size_t count);
/* Whether the log still has just these files. A rotation adds a path, so that no path
 * leads to another file since then: what was read by these paths belongs together. True
 * also when that can't be looked up: opening the files tells why. */
bool log_reader_files_stay(const char *path, char *const *files, size_t count);
