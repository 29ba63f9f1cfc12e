/*
 * Entries to durable lines: they gather in a queue and are written together, with one
 * sync. When the log refuses them they stay in the queue, which holds WRITER_QUEUE_MAX,
 * and are written when it takes lines again, in their order, followed by an alert line
 * that tells how many came late and how many found no room.
 *
 * The hash chain and the checkpoints belong where lines are made (writer_commit), the
 * rotation where the log is followed.
 */
#ifndef AUDIT_WRITER_H
#define AUDIT_WRITER_H

#include "log_file.h"
#include "record.h"

#define WRITER_QUEUE_MAX 1024

struct writer {
	struct log_file file;
	char *node;
	struct record_entry *queue;
	size_t count;
	char *buffer;
	size_t buffered;
	uint64_t line_count; /* formatted and not committed */
	/* In trouble: the last commit was refused. */
	bool is_in_trouble;
	char trouble_since[CLOCK_UTC_SIZE];
	size_t lost;
};

/* 0, or -1 after logging what is wrong. */
int writer_open(const char *path, int wait_ms, const char *node, struct writer *ret);
void writer_close(struct writer *writer);

bool writer_is_full(const struct writer *writer);

/* Puts a record into the queue, stamped with the time; association and peer may be "".
 * False when there is no room for it: it is lost, and counted. */
bool writer_add(struct writer *writer, const char *association, const char *peer,
		const struct audit_record *record);

/* Writes the queue and makes it durable. On LOG_FILE_REFUSED it is all still queued; on
 * LOG_FILE_UNKNOWN this writer must not be used any more. */
enum log_file_result writer_commit(struct writer *writer);

#endif
