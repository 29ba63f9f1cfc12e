#include "writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/log.h"
#include "cathgate/base/utc.h"

#define BUFFER_SIZE	(1024 * 1024)
#define RETRY_MS	1000  /* in trouble */
#define TEND_RETRY_MS	10000 /* for what no sender waits for */
#define FINDINGS_MS	5000
#define RETENTION_MS	3600000
#define WAIT_MAX_MS	3600000
#define SECONDS_AN_HOUR 3600

int writer_open(const struct config_audit *audit, int wait_ms, const char *node,
		struct writer *ret)
{
	struct writer writer = { .log = { .file = { .fd = -1, .lock = -1 } } };
	writer.node = strndup(node, RECORD_NODE_MAX);
	writer.digest = digest_new();
	writer.queue = calloc(WRITER_QUEUE_MAX, sizeof(*writer.queue));
	writer.buffer = malloc(BUFFER_SIZE);
	if (!writer.node || !writer.digest || !writer.queue || !writer.buffer) {
		log_error("the audit log's writer has no memory: give the gateway more");
		goto fail;
	}
	if (live_log_open(audit, wait_ms, &writer.log))
		goto fail;
	retention_begin(&writer.retention, writer.log.found_time);
	if (audit->keep_days > 0)
		retention_resume(&writer.retention, audit->file.path);
	writer.uncovered_ms = clock_ms();
	writer.findings_ms = clock_ms() + FINDINGS_MS;
	*ret = writer;
	return 0;
fail:
	writer_close(&writer);
	return -1;
}

void writer_close(struct writer *writer)
{
	live_log_close(&writer->log);
	free(writer->node);
	digest_free(writer->digest);
	free(writer->queue);
	free(writer->buffer);
	*writer = (struct writer){ .log = { .file = { .fd = -1, .lock = -1 } } };
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

static enum log_file_result flush_buffer(struct writer *writer)
{
	enum log_file_result result =
		log_file_append(&writer->log.file, writer->buffer, writer->buffered);
	writer->buffered = 0;
	return result;
}

/* Seals the line that stands open at the buffer's end. */
static enum log_file_result seal_line(struct writer *writer,
				      const struct record_entry *entry, size_t size)
{
	struct log_end *next = &writer->next;
	char *line = writer->buffer + writer->buffered;
	size = chain_seal(&next->chain, writer->digest, line, size);
	if (size == 0 || merkle_add(&next->tree, writer->digest, next->chain.last_hash)) {
		errno = ENOMEM;
		return LOG_FILE_REFUSED;
	}
	if (next->tree.size == 1) {
		next->first_time = utc_seconds(entry->time);
		next->first_ms = clock_ms();
	}
	writer->buffered += size;
	return LOG_FILE_DONE;
}

static enum log_file_result make_room(struct writer *writer)
{
	return BUFFER_SIZE - writer->buffered < RECORD_LINE_MAX ? flush_buffer(writer)
								: LOG_FILE_DONE;
}

static bool is_about_the_log(enum audit_event event)
{
	return event == AUDIT_START || event == AUDIT_STOP || event == AUDIT_CHECKPOINT ||
	       event == AUDIT_RETENTION;
}

static enum log_file_result put_line(struct writer *writer,
				     const struct record_entry *entry)
{
	enum audit_event event = entry->record.event;
	enum log_file_result result = make_room(writer);
	if (result != LOG_FILE_DONE)
		return result;
	size_t size = record_write(entry, writer->next.chain.next_seq, writer->node,
				   writer->buffer + writer->buffered);
	writer->next.uncovered++;
	writer->next.has_content |= !is_about_the_log(event);
	writer->is_checkpoint_due |= event == AUDIT_START || event == AUDIT_STOP;
	return seal_line(writer, entry, size);
}

static struct record_entry new_entry(enum audit_event event)
{
	struct record_entry entry = { .time = "" };
	clock_utc(entry.time);
	audit_record_init(&entry.record);
	entry.record.event = event;
	return entry;
}

static struct record_entry new_alert(enum reason reason, const char *detail)
{
	struct record_entry alert = new_entry(AUDIT_ALERT);
	alert.record.outcome = AUDIT_RAISED;
	alert.record.reason = reason;
	snprintf(alert.record.detail, sizeof(alert.record.detail), "%s", detail);
	return alert;
}

static enum log_file_result put_alert(struct writer *writer,
				      const struct live_log_finding *finding)
{
	struct record_entry alert =
		new_alert(finding->kind == LIVE_LOG_BROKEN ? REASON_AUDIT_BROKEN
							   : REASON_AUDIT_UNAVAILABLE,
			  finding->text);
	writer->is_checkpoint_due = true;
	return put_line(writer, &alert);
}

/* What was found at the start is part of the `start` line where that comes first. */
static void put_into_start(const struct writer *writer, struct record_entry *start)
{
	char own[sizeof(start->record.detail)], *detail = start->record.detail;
	memcpy(own, detail, sizeof(own));
	detail[0] = '\0';
	for (size_t i = 0; i < writer->log.finding_count; i++) {
		if (writer->log.findings[i].kind != LIVE_LOG_HAPPENED)
			aside_add_clause(detail, writer->log.findings[i].text);
	}
	aside_add_clause(detail, own);
}

static enum log_file_result put_findings(struct writer *writer, bool is_behind_start)
{
	enum log_file_result result = LOG_FILE_DONE;
	bool has_start =
		writer->count > 0 && writer->queue[0].record.event == AUDIT_START;
	for (size_t i = 0; i < writer->log.finding_count && result == LOG_FILE_DONE;
	     i++) {
		const struct live_log_finding *finding = &writer->log.findings[i];
		bool is_wanted =
			is_behind_start
				? has_start && finding->kind == LIVE_LOG_BROKEN
				: finding->kind == LIVE_LOG_HAPPENED ||
					  (!has_start && finding->kind != LIVE_LOG_TAKEN);
		if (is_wanted)
			result = put_alert(writer, finding);
	}
	return result;
}

static enum log_file_result put_first(struct writer *writer)
{
	struct record_entry first = writer->queue[0];
	if (first.record.event == AUDIT_START)
		put_into_start(writer, &first);
	enum log_file_result result = put_line(writer, &first);
	return result == LOG_FILE_DONE ? put_findings(writer, true) : result;
}

static enum log_file_result put_recovery(struct writer *writer)
{
	char detail[ASIDE_FINDING_SIZE];
	if (!writer->is_in_trouble)
		return LOG_FILE_DONE;
	snprintf(detail, sizeof(detail),
		 "the log could not be written since %s: the %zu records before this one "
		 "came late, %zu more are lost",
		 writer->trouble_since, writer->count, writer->lost);
	struct record_entry alert = new_alert(REASON_AUDIT_UNAVAILABLE, detail);
	return put_line(writer, &alert);
}

static bool is_time_for_checkpoint(const struct writer *writer, uint64_t uncovered)
{
	unsigned seconds = writer->log.audit->checkpoint_seconds;
	return uncovered > 0 && writer->uncovered_ms > 0 &&
	       clock_ms() - writer->uncovered_ms >= (int64_t)seconds * 1000;
}

static void shorten(int64_t *wait_ms, int64_t other_ms)
{
	if (other_ms < *wait_ms)
		*wait_ms = other_ms;
}

/* In milliseconds; 0 or less: now. clock_ms() knows the age unless the machine was off or
 * asleep; the time of day knows it unless it was set back. The sooner of both counts. */
static int64_t until_old(const struct writer *writer, const struct log_end *end)
{
	int64_t lifetime = (int64_t)writer->log.audit->rotate_hours * SECONDS_AN_HOUR;
	if (!end->has_content)
		return INT64_MAX;
	int64_t left_ms = end->first_ms + lifetime * 1000 - clock_ms();
	if (end->first_time != 0)
		shorten(&left_ms, (end->first_time + lifetime - time(NULL)) * 1000);
	return left_ms;
}

static bool is_time_to_rotate(const struct writer *writer, const struct log_end *end,
			      int64_t size)
{
	return end->tree.size > 0 && clock_ms() >= writer->retry_ms &&
	       (size >= writer->log.audit->rotate_bytes || until_old(writer, end) <= 0);
}

static bool is_checkpoint_wanted(const struct writer *writer)
{
	const struct log_end *next = &writer->next;
	int64_t size = writer->log.file.size + (int64_t)writer->buffered;
	return next->uncovered > 0 &&
	       (writer->is_checkpoint_due ||
		next->uncovered >= writer->log.audit->checkpoint_records ||
		is_time_for_checkpoint(writer, next->uncovered) ||
		is_time_to_rotate(writer, next, size));
}

static enum log_file_result put_checkpoint(struct writer *writer)
{
	struct log_end *next = &writer->next;
	struct checkpoint *checkpoint = &writer->next_note;
	struct record_entry entry = new_entry(AUDIT_CHECKPOINT);
	enum log_file_result result = make_room(writer);
	if (result != LOG_FILE_DONE)
		return result;
	*checkpoint = (struct checkpoint){ .size = next->tree.size };
	checkpoint_origin(writer->node, next->first_seq, checkpoint->origin);
	if (merkle_root(&next->tree, writer->digest, checkpoint->root) ||
	    checkpoint_sign(checkpoint, writer->log.key)) {
		errno = ENOMEM;
		return LOG_FILE_REFUSED;
	}
	char *line = writer->buffer + writer->buffered;
	size_t size = record_write(&entry, next->chain.next_seq, writer->node, line);
	size += checkpoint_members(checkpoint, line + size);
	writer->is_checkpoint_written = true;
	next->uncovered = 0;
	return seal_line(writer, &entry, size);
}

static enum log_file_result put_due_lines(struct writer *writer)
{
	enum log_file_result result = put_findings(writer, false);
	if (result == LOG_FILE_DONE && writer->count > 0)
		result = put_first(writer);
	for (size_t i = 1; i < writer->count && result == LOG_FILE_DONE; i++)
		result = put_line(writer, &writer->queue[i]);
	if (result == LOG_FILE_DONE)
		result = put_recovery(writer);
	if (result == LOG_FILE_DONE && is_checkpoint_wanted(writer))
		result = put_checkpoint(writer);
	if (result == LOG_FILE_DONE)
		result = flush_buffer(writer);
	return result;
}

static void note_trouble(struct writer *writer, int error)
{
	if (writer->is_in_trouble)
		return;
	writer->is_in_trouble = true;
	clock_utc(writer->trouble_since);
	log_error("%s: the audit log can't be written: %s; until it can, nothing is "
		  "acknowledged to a modality: %s",
		  writer->log.file.path,
		  error == EWOULDBLOCK ? "another process has it locked"
				       : strerror(error),
		  error == EWOULDBLOCK ? "stop the other gateway, or give this one a log "
					 "of its own (audit.file); never remove the lock "
					 "beside it"
				       : "free space, or mend its file system");
}

/* The association that waits for such a record hears that it isn't durable, and answers
 * its modality so. */
static void doubt_queue(struct writer *writer)
{
	for (size_t i = 0; i < writer->count; i++)
		audit_record_doubt(&writer->queue[i].record);
}

static void note_done(struct writer *writer)
{
	struct live_log *log = &writer->log;
	if (writer->is_in_trouble)
		log_info("%s: the audit log can be written again; %zu records came late, "
			 "%zu are lost",
			 log->file.path, writer->count, writer->lost);
	log->end = writer->next;
	if (writer->is_checkpoint_written) {
		log->note = writer->next_note;
		log->is_note_due = true;
		writer->is_checkpoint_due = false;
	}
	if (log->end.uncovered == 0)
		writer->uncovered_ms = 0;
	else if (writer->uncovered_ms == 0)
		writer->uncovered_ms = clock_ms();
	live_log_told(log);
	writer->is_in_trouble = false;
	writer->lost = 0;
	writer->count = 0;
}

/* Tries once; errno tells what hinders it. */
static enum log_file_result try_commit(struct writer *writer)
{
	if (live_log_prepare(&writer->log))
		return LOG_FILE_REFUSED;
	writer->next = writer->log.end;
	writer->buffered = 0;
	writer->is_checkpoint_written = false;
	enum log_file_result result = put_due_lines(writer);
	int error;
	if (result == LOG_FILE_DONE) {
		int64_t began_us = clock_us();
		result = log_file_commit(&writer->log.file);
		error = errno;
		histogram_count(&writer->sync, clock_us() - began_us);
		errno = error;
		return result;
	}
	error = errno;
	if (result == LOG_FILE_REFUSED &&
	    log_file_undo(&writer->log.file) != LOG_FILE_DONE)
		result = LOG_FILE_UNKNOWN;
	errno = error;
	return result;
}

static bool has_work(const struct writer *writer)
{
	const struct live_log *log = &writer->log;
	return writer->count > 0 ||
	       (writer->is_checkpoint_due && log->end.uncovered > 0) ||
	       is_time_for_checkpoint(writer, log->end.uncovered) ||
	       (log->finding_count > 0 && clock_ms() >= writer->findings_ms);
}

enum log_file_result writer_commit(struct writer *writer)
{
	if (!has_work(writer))
		return LOG_FILE_DONE;
	enum log_file_result result = try_commit(writer);
	int error = errno;
	/* Tries a new file at once, since the disk may fail in one place only. */
	if (result == LOG_FILE_UNKNOWN && live_log_give_up(&writer->log, error) == 0) {
		result = try_commit(writer);
		error = errno;
		if (result == LOG_FILE_UNKNOWN)
			live_log_give_up(&writer->log, error);
	}
	if (result == LOG_FILE_DONE) {
		note_done(writer);
		return LOG_FILE_DONE;
	}
	note_trouble(writer, error);
	doubt_queue(writer);
	return LOG_FILE_REFUSED;
}

static void rotate_if_due(struct writer *writer)
{
	struct live_log *log = &writer->log;
	if (!is_time_to_rotate(writer, &log->end, log->file.size))
		return;
	if (log->end.uncovered > 0) {
		writer->is_checkpoint_due = true;
		if (writer_commit(writer) != LOG_FILE_DONE)
			return;
	}
	if (live_log_rotate(log))
		writer->retry_ms = clock_ms() + TEND_RETRY_MS;
	writer->uncovered_ms = 0;
}

/* Removes one file a turn, so that no record waits until all of them are removed. */
static void remove_old_file(struct writer *writer)
{
	struct live_log *log = &writer->log;
	struct log_rotated old;
	char path[LOG_NAME_SIZE], detail[ASIDE_FINDING_SIZE];
	if (log->audit->keep_days == 0 || clock_ms() < writer->retention.next_ms)
		return;
	if (!retention_find(&writer->retention, log->file.path, log->audit->keep_days,
			    log->key, &old, detail)) {
		writer->retention.next_ms = clock_ms() + RETENTION_MS;
		return;
	}
	struct record_entry entry = new_entry(AUDIT_RETENTION);
	entry.record.outcome = AUDIT_REMOVED;
	memcpy(entry.record.detail, detail, sizeof(detail));
	if (!writer_add(writer, "", "", &entry.record) ||
	    writer_commit(writer) != LOG_FILE_DONE)
		return;
	log_name_rotated(path, log->file.path, &old, ".jsonl");
	if (unlink(path) || log_sync_directory(path)) {
		log_error("%s: older than keep_days, but it can't be removed: %m; remove "
			  "it by hand",
			  path);
		retention_keep(&writer->retention, old.first_seq);
	}
}

void writer_tend(struct writer *writer)
{
	if (writer->is_in_trouble || clock_ms() < writer->retry_ms)
		return;
	if (live_log_put_note(&writer->log))
		writer->retry_ms = clock_ms() + TEND_RETRY_MS;
	rotate_if_due(writer);
	if (!writer->is_in_trouble)
		remove_old_file(writer);
}

int writer_wait_ms(const struct writer *writer)
{
	const struct live_log *log = &writer->log;
	int64_t now_ms = clock_ms(), wait_ms = INT64_MAX, tend_ms = INT64_MAX;
	if (writer->is_in_trouble)
		return RETRY_MS;
	if (log->end.uncovered > 0 && writer->uncovered_ms > 0)
		shorten(&wait_ms, writer->uncovered_ms - now_ms +
					  (int64_t)log->audit->checkpoint_seconds * 1000);
	if (log->finding_count > 0)
		shorten(&wait_ms, writer->findings_ms - now_ms);
	if (live_log_has_note(log))
		tend_ms = 0;
	shorten(&tend_ms, until_old(writer, &log->end));
	if (log->audit->keep_days > 0)
		shorten(&tend_ms, writer->retention.next_ms - now_ms);
	if (tend_ms < writer->retry_ms - now_ms)
		tend_ms = writer->retry_ms - now_ms;
	shorten(&wait_ms, tend_ms);
	if (wait_ms == INT64_MAX)
		return -1;
	/* At most an hour: the age goes by a clock that can be set, too. */
	return wait_ms < 0 ? 0 : wait_ms > WAIT_MAX_MS ? WAIT_MAX_MS : (int)wait_ms;
}

void writer_finish(struct writer *writer)
{
	writer->findings_ms = 0;
	writer->is_checkpoint_due = true;
	if (writer_commit(writer) == LOG_FILE_DONE)
		live_log_put_note(&writer->log);
}
