#include "writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/log.h"

#define BUFFER_SIZE (1024 * 1024)

int writer_open(const char *path, int wait_ms, const char *node, struct writer *ret)
{
	struct writer writer = { .file = { .fd = -1 } };
	writer.node = strndup(node, RECORD_NODE_MAX);
	writer.queue = calloc(WRITER_QUEUE_MAX, sizeof(*writer.queue));
	writer.buffer = malloc(BUFFER_SIZE);
	if (!writer.node || !writer.queue || !writer.buffer) {
		log_error("the audit log's writer has no memory: give the gateway more");
		goto fail;
	}
	if (log_file_open(path, wait_ms, &writer.file))
		goto fail;
	*ret = writer;
	return 0;
fail:
	writer_close(&writer);
	return -1;
}

void writer_close(struct writer *writer)
{
	log_file_close(&writer->file);
	free(writer->node);
	free(writer->queue);
	free(writer->buffer);
	*writer = (struct writer){ .file = { .fd = -1 } };
}

bool writer_is_full(const struct writer *writer)
{
	return writer->count == WRITER_QUEUE_MAX;
}

bool writer_add(struct writer *writer, const char *association, const char *peer,
		const struct audit_record *record)
{
	if (writer_is_full(writer)) {
		writer->lost++;
		return false;
	}
	struct record_entry *entry = &writer->queue[writer->count++];
	clock_utc(entry->time);
	snprintf(entry->association, sizeof(entry->association), "%s", association);
	snprintf(entry->peer, sizeof(entry->peer), "%s", peer);
	entry->record = *record;
	return true;
}

static enum log_file_result flush(struct writer *writer)
{
	enum log_file_result result =
		log_file_append(&writer->file, writer->buffer, writer->buffered);
	writer->buffered = 0;
	return result;
}

static enum log_file_result put_line(struct writer *writer,
				     const struct record_entry *entry)
{
	enum log_file_result result = LOG_FILE_DONE;
	if (BUFFER_SIZE - writer->buffered < RECORD_LINE_MAX)
		result = flush(writer);
	writer->buffered +=
		record_write(entry, writer->file.next_seq + writer->line_count,
			     writer->node, writer->buffer + writer->buffered);
	writer->line_count++;
	return result;
}

static struct record_entry new_alert(void)
{
	struct record_entry alert = { .time = "" };
	clock_utc(alert.time);
	audit_record_init(&alert.record);
	alert.record.event = AUDIT_ALERT;
	alert.record.outcome = AUDIT_RAISED;
	alert.record.reason = REASON_AUDIT_UNAVAILABLE;
	return alert;
}

/* What was found when the log was opened: part of the `start` line where that comes
 * first, and else, after a crash of the auditor alone, an alert. */
static enum log_file_result put_note(struct writer *writer)
{
	char *note = writer->file.note;
	struct audit_record *first = &writer->queue[0].record;
	if (!note[0])
		return LOG_FILE_DONE;
	if (first->event == AUDIT_START) {
		char detail[sizeof(first->detail)];
		memcpy(detail, first->detail, sizeof(detail));
		size_t length = strlen(note);
		memcpy(first->detail, note, length + 1);
		snprintf(first->detail + length, sizeof(detail) - length, "%s%s",
			 detail[0] ? "; " : "", detail);
		note[0] = '\0';
		return LOG_FILE_DONE;
	}
	struct record_entry alert = new_alert();
	memcpy(alert.record.detail, note, sizeof(alert.record.detail));
	return put_line(writer, &alert);
}

static enum log_file_result put_recovery(struct writer *writer)
{
	if (!writer->is_in_trouble)
		return LOG_FILE_DONE;
	struct record_entry alert = new_alert();
	snprintf(alert.record.detail, sizeof(alert.record.detail),
		 "the log could not be written since %s: the %zu records before this one "
		 "came late, %zu more are lost",
		 writer->trouble_since, writer->count, writer->lost);
	return put_line(writer, &alert);
}

static enum log_file_result put_all(struct writer *writer)
{
	enum log_file_result result = put_note(writer);
	for (size_t i = 0; i < writer->count && result == LOG_FILE_DONE; i++)
		result = put_line(writer, &writer->queue[i]);
	if (result == LOG_FILE_DONE)
		result = put_recovery(writer);
	if (result == LOG_FILE_DONE)
		result = flush(writer);
	return result;
}

static void note_trouble(struct writer *writer, int error)
{
	if (writer->is_in_trouble)
		return;
	writer->is_in_trouble = true;
	clock_utc(writer->trouble_since);
	log_error("%s: the audit log can't be written: %s; until it can, nothing is "
		  "acknowledged to a modality: free space, or mend its file system",
		  writer->file.path, strerror(error));
}

/* Who waits for these is told that they are not durable, and tells its modality so. */
static void doubt_queue(struct writer *writer)
{
	for (size_t i = 0; i < writer->count; i++)
		audit_record_doubt(&writer->queue[i].record);
}

static void note_done(struct writer *writer)
{
	if (writer->is_in_trouble)
		log_info("%s: the audit log can be written again; %zu records came late, "
			 "%zu are lost",
			 writer->file.path, writer->count, writer->lost);
	writer->is_in_trouble = false;
	writer->lost = 0;
	writer->count = 0;
	writer->file.note[0] = '\0';
}

enum log_file_result writer_commit(struct writer *writer)
{
	if (writer->count == 0)
		return LOG_FILE_DONE;
	writer->buffered = 0;
	writer->line_count = 0;
	enum log_file_result result = log_file_follow(&writer->file);
	if (result == LOG_FILE_DONE)
		result = put_all(writer);
	if (result == LOG_FILE_REFUSED) {
		note_trouble(writer, errno);
		doubt_queue(writer);
		return log_file_undo(&writer->file) == LOG_FILE_DONE ? LOG_FILE_REFUSED
								     : LOG_FILE_UNKNOWN;
	}
	if (result == LOG_FILE_DONE)
		result = log_file_commit(&writer->file, writer->line_count);
	if (result == LOG_FILE_DONE)
		note_done(writer);
	return result;
}
