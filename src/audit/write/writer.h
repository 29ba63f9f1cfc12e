/*
 * Makes durable, sealed lines of entries, which gather in a queue and are written
 * together, with one sync. While the log can't be written they stay in the queue, which
 * holds WRITER_QUEUE_MAX. When it can, they are written in their order, followed by an
 * alert that says how many came late and how many found no room. After a failed sync they
 * are written anew, in a new file.
 *
 * Checkpoints go with the lines that they follow, so that they cost no sync of their own.
 * Chain and tree move on only with what is durable.
 */
#pragma once

#include "cathgate/base/histogram.h"

#include "live_log.h"
#include "audit/format/record.h"
#include "retention.h"

#define WRITER_QUEUE_MAX 1024

struct writer {
	struct live_log log;
	char *node;
	struct digest *digest;
	struct record_entry *queue;
	size_t count;
	char *buffer;
	size_t buffered;
	/* Of the lines that are being written, and not durable yet. */
	struct log_end next;
	struct checkpoint next_note;
	bool is_checkpoint_due, is_checkpoint_written;
	int64_t uncovered_ms; /* since when there are lines without a checkpoint */
	int64_t findings_ms;  /* when to write findings if no record comes before */
	int64_t retry_ms;     /* no note and no rotation before that */
	struct retention retention;
	/* In trouble: the last commit was refused. */
	bool is_in_trouble;
	char trouble_since[UTC_TEXT_SIZE];
	size_t lost;
	struct histogram sync; /* how long each took */
};

/* `audit` must outlive it. 0, or -1 after logging what is wrong. */
MUST_USE int writer_open(const struct config_audit *audit, int wait_ms, const char *node,
			 struct writer *ret);
void writer_close(struct writer *writer);

bool writer_is_full(const struct writer *writer);

/* Puts a record into the queue, stamped with the time; association and peer may be "".
 * False when there is no room for it: it is lost, and counted. */
bool writer_add(struct writer *writer, const char *association, const char *peer,
		const struct audit_record *record);

/* Writes the queue and what is due, and makes it durable. On LOG_FILE_REFUSED all records
 * are still queued. Never LOG_FILE_UNKNOWN. */
enum log_file_result writer_commit(struct writer *writer);

/* Does what no sender waits for, once the answers are out: note, rotation, retention. */
void writer_tend(struct writer *writer);

/* How long until writer_commit or writer_tend has something to do although no record
 * comes; -1: never. */
int writer_wait_ms(const struct writer *writer);

/* Writes the last lines: what is due, and a checkpoint over all. */
void writer_finish(struct writer *writer);
