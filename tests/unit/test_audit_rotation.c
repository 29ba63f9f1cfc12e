/*
 * Goal: checkpoints come when they should and hold; the log is rotated by size and by age
 * without losing a line, and old files go only whole, covered and told of.
 */
#include "audit_fixture.h"

#include "audit/read/log_listing.h"
#include "audit/write/writer.h"
#include "cathgate/audit/checkpoint.h"
#include "cathgate/audit/log_verify.h"

#define DAY 86400

static char *path_of(const struct fixture *fixture, const char *name)
{
	static char paths[4][400];
	static unsigned next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof(paths[0]), "%s/%s", fixture->directory, name);
	return path;
}

static void use_key(struct fixture *fixture, const char *name)
{
	static char path[400];
	const char *error;
	snprintf(path, sizeof(path), "%s", path_of(fixture, name));
	if (access(path, F_OK))
		assert_int_equal(signing_key_make(path, &error), 0);
	fixture->config.audit.signing_key.path = path;
}

static struct log_verify_file verified(const char *path)
{
	struct log_verify_options options = { .from = NULL };
	struct log_verify_file found;
	int fd = open(path, O_RDONLY);
	assert_int_equal(log_verify_scan(fd, &options, &found), 0);
	if (found.fault.kind)
		fail_msg("%s: %s: %s", path, log_verify_kind_name(found.fault.kind),
			 found.fault.why);
	close(fd);
	return found;
}

static struct writer opened(struct fixture *fixture)
{
	struct writer writer;
	assert_int_equal(writer_open(&fixture->config.audit, 0, "cathlab-3", &writer), 0);
	return writer;
}

static void add(struct writer *writer, enum audit_event event, enum audit_outcome outcome)
{
	struct audit_record record = record_of(event, outcome);
	assert_true(writer_add(writer, "", "", &record));
}

static void add_and_commit(struct writer *writer)
{
	add(writer, AUDIT_INSTANCE, AUDIT_REFUSED);
	assert_int_equal(writer_commit(writer), LOG_FILE_DONE);
}

static uint64_t checkpoint_count(const struct fixture *fixture)
{
	return verified(fixture->log).checkpoints;
}

static void checkpoints_come_by_number(void **state)
{
	struct fixture *fixture = *state;
	fixture->config.audit.checkpoint_records = 10;
	use_key(fixture, "signing.key");
	struct writer writer = opened(fixture);
	for (int i = 0; i < 35; i++) {
		int before = atomic_load(&sync_hook->count);
		add_and_commit(&writer);
		assert_int_equal(atomic_load(&sync_hook->count), before + 1);
		writer_tend(&writer);
	}
	assert_int_equal(checkpoint_count(fixture), 3);
	/* The note is that of the last one. */
	struct checkpoint note;
	assert_int_equal(log_get_note(path_of(fixture, "audit.checkpoint"), &note), 0);
	struct log_verify_file found = verified(fixture->log);
	assert_int_equal(note.size, found.last_checkpoint.size);
	assert_int_equal(note.size, 32);
	assert_memory_equal(note.root, found.last_checkpoint.root, DIGEST_SIZE);
	assert_string_equal(note.signature, found.last_checkpoint.signature);
	assert_string_equal(note.origin, "cathgate/cathlab-3/0");
	assert_int_equal(checkpoint_verify_own(&note, writer.log.key), CHECKPOINT_HOLDS);
	writer_close(&writer);
}

static void checkpoints_come_by_time_but_not_for_nothing(void **state)
{
	struct fixture *fixture = *state;
	fixture->config.audit.checkpoint_seconds = 1;
	struct writer writer = opened(fixture);
	assert_int_equal(writer_wait_ms(&writer), -1);
	add_and_commit(&writer);
	int wait_ms = writer_wait_ms(&writer);
	assert_in_range(wait_ms, 1, 1000);
	assert_int_equal(writer_commit(&writer), LOG_FILE_DONE);
	assert_int_equal(checkpoint_count(fixture), 0);
	writer.uncovered_ms -= 1000;
	assert_int_equal(writer_wait_ms(&writer), 0);
	assert_int_equal(writer_commit(&writer), LOG_FILE_DONE);
	assert_int_equal(checkpoint_count(fixture), 1);
	writer_tend(&writer);
	int before = atomic_load(&sync_hook->count);
	/* Nothing but its age is waited for now. */
	assert_true(writer_wait_ms(&writer) > 1000);
	assert_int_equal(writer_commit(&writer), LOG_FILE_DONE);
	writer_tend(&writer);
	writer_finish(&writer);
	assert_int_equal(atomic_load(&sync_hook->count), before);
	assert_int_equal(verified(fixture->log).lines, 2);
	writer_close(&writer);
}

static void start_and_stop_are_covered(void **state)
{
	struct fixture *fixture = *state;
	struct writer writer = opened(fixture);
	add(&writer, AUDIT_START, AUDIT_NO_OUTCOME);
	assert_int_equal(writer_commit(&writer), LOG_FILE_DONE);
	assert_int_equal(checkpoint_count(fixture), 1);
	add(&writer, AUDIT_INSTANCE, AUDIT_REFUSED);
	add(&writer, AUDIT_STOP, AUDIT_NO_OUTCOME);
	assert_int_equal(writer_commit(&writer), LOG_FILE_DONE);
	writer_finish(&writer);
	struct log_verify_file found = verified(fixture->log);
	assert_int_equal(found.lines, 5);
	assert_int_equal(found.checkpoints, 2);
	assert_int_equal(found.lines_behind_checkpoint, 0);
	writer_close(&writer);
}

static void a_note_that_can_not_be_written_stops_nothing(void **state)
{
	struct fixture *fixture = *state;
	char *note = path_of(fixture, "audit.checkpoint");
	assert_int_equal(mkdir(note, 0700), 0);
	struct writer writer = opened(fixture);
	add(&writer, AUDIT_START, AUDIT_NO_OUTCOME);
	assert_int_equal(writer_commit(&writer), LOG_FILE_DONE);
	writer_tend(&writer);
	assert_in_range(writer_wait_ms(&writer), 1, 10000);
	add_and_commit(&writer);
	assert_int_equal(rmdir(note), 0);
	writer.retry_ms = 0;
	writer_tend(&writer);
	assert_int_equal(access(note, F_OK), 0);
	writer_close(&writer);
}

/* The alert names a file as closed with what it has: the last durable line stands in the
 * rotated one. */
static void a_new_files_first_sync_may_fail(void **state)
{
	struct fixture *fixture = *state;
	fixture->config.audit.rotate_bytes = 1;
	struct writer writer = opened(fixture);
	add_and_commit(&writer);
	writer_tend(&writer);
	fixture->config.audit.rotate_bytes = 1 << 20;
	assert_int_equal(access(path_of(fixture, "audit-0.jsonl"), F_OK), 0);
	atomic_store(&sync_hook->fails, 1);
	add(&writer, AUDIT_INSTANCE, AUDIT_REFUSED);
	for (int i = 0; i < 5 && writer.count > 0; i++)
		(void)writer_commit(&writer);
	writer_close(&writer);
	char *log = read_file(fixture->log);
	assert_non_null(strstr(log, "it is closed as audit.torn-"));
	assert_non_null(strstr(log, ", of which no line is durable\""));
	free(log);
}

static struct checkpoint note_of(const struct fixture *fixture, const char *name)
{
	struct checkpoint note;
	assert_int_equal(log_get_note(path_of(fixture, name), &note), 0);
	return note;
}

static void add_a_line_and_close(struct fixture *fixture)
{
	struct writer writer = opened(fixture);
	add_and_commit(&writer);
	writer_close(&writer);
}

/* Rotates a file of four lines while its last note can't be written. */
static struct writer rotated_without_its_note(struct fixture *fixture)
{
	struct writer writer = opened(fixture);
	add(&writer, AUDIT_START, AUDIT_NO_OUTCOME);
	assert_int_equal(writer_commit(&writer), LOG_FILE_DONE);
	writer_tend(&writer);
	assert_int_equal(mkdir(path_of(fixture, "audit.checkpoint.new"), 0700), 0);
	assert_int_equal(mkdir(path_of(fixture, "audit-0.checkpoint.new"), 0700), 0);
	add(&writer, AUDIT_STOP, AUDIT_NO_OUTCOME);
	assert_int_equal(writer_commit(&writer), LOG_FILE_DONE);
	assert_int_equal(live_log_rotate(&writer.log), 0);
	writer_tend(&writer);
	assert_int_equal(note_of(fixture, "audit-0.checkpoint").size, 1);
	assert_int_equal(rmdir(path_of(fixture, "audit.checkpoint.new")), 0);
	assert_int_equal(rmdir(path_of(fixture, "audit-0.checkpoint.new")), 0);
	return writer;
}

static void a_late_note_is_made_good(void **state)
{
	struct fixture *fixture = *state;
	struct writer writer = rotated_without_its_note(fixture);
	assert_in_range(writer_wait_ms(&writer), 1, 10000);
	writer.retry_ms = 0;
	writer_tend(&writer);
	assert_int_equal(note_of(fixture, "audit-0.checkpoint").size, 3);
	assert_int_equal(writer_wait_ms(&writer), -1);
	writer_close(&writer);
}

/* By the next start, where this one doesn't live to; but not over what contradicts it. */
static void a_start_makes_late_notes_good(void **state)
{
	for (int has_key = 0; has_key < 2; has_key++) {
		struct fixture *fixture = *state;
		char text[CHECKPOINT_TEXT_SIZE];
		if (has_key)
			use_key(fixture, "signing.key");
		struct writer writer = rotated_without_its_note(fixture);
		add_and_commit(&writer);
		writer_close(&writer);
		char *path = path_of(fixture, "audit-0.checkpoint");
		struct checkpoint other = note_of(fixture, "audit-0.checkpoint");
		size_t size = checkpoint_note(&other, text);
		other.root[0] ^= 1;
		char changed[CHECKPOINT_TEXT_SIZE];
		assert_int_equal(
			log_put_file(path, changed, checkpoint_note(&other, changed)), 0);
		add_a_line_and_close(fixture);
		assert_int_equal(note_of(fixture, "audit-0.checkpoint").size, 1);
		assert_int_equal(log_put_file(path, text, size), 0);
		add_a_line_and_close(fixture);
		assert_int_equal(note_of(fixture, "audit-0.checkpoint").size, 3);
		assert_int_equal(unlink(path), 0);
		add_a_line_and_close(fixture);
		struct checkpoint note = note_of(fixture, "audit-0.checkpoint");
		assert_int_equal(note.size, 3);
		assert_int_equal(note.signature[0] != '\0', has_key);
		assert_false(has_beside(fixture, "audit.broken-"));
		fixture_teardown(state);
		fixture_setup(state);
	}
}

/* After a failed sync: the last lines of that file were never acknowledged. */
static void no_note_covers_what_was_taken_back(void **state)
{
	struct fixture *fixture = *state;
	struct writer writer = rotated_without_its_note(fixture);
	writer_close(&writer);
	struct digest *digest = digest_new();
	struct chain_line first;
	char *log = read_file(path_of(fixture, "audit-0.jsonl"));
	char *second = strchr(log, '\n') + 1;
	size_t first_size = (size_t)(second - log) - 1;
	assert_int_equal(chain_read(digest, log, first_size, &first), 0);
	assert_int_equal(chain_read(digest, second,
				    (size_t)(strchr(second, '\n') - second), &first),
			 0);
	struct chain chain = chain_behind(&first);
	char line[1024] = "{\"seq\":2,\"time\":\"2026-01-31T12:00:00.000000Z\",\"node\":"
			  "\"cathlab-3\",\"event\":\"alert\",\"outcome\":\"raised\","
			  "\"reason\":\"audit-unavailable\",\"detail\":\"a failed sync\"";
	size_t size = chain_seal(&chain, digest, line, strlen(line));
	assert_int_equal(log_put_file(fixture->log, line, size), 0);
	add_a_line_and_close(fixture);
	assert_int_equal(note_of(fixture, "audit-0.checkpoint").size, 1);
	assert_false(has_beside(fixture, "audit.broken-"));
	free(log);
	digest_free(digest);
}

static void size_rotates(void **state)
{
	struct fixture *fixture = *state;
	struct log_rotated *list;
	size_t count;
	fixture->config.audit.rotate_bytes = 4096;
	struct writer writer = opened(fixture);
	for (int i = 0; i < 100; i++) {
		add_and_commit(&writer);
		writer_tend(&writer);
	}
	struct chain end = { .next_seq = 0 };
	uint64_t lines = 0;
	assert_int_equal(log_rotated_list(fixture->log, &list, &count), 0);
	assert_in_range(count, 5, 20);
	for (size_t i = 0; i < count; i++) {
		char path[LOG_NAME_SIZE];
		struct checkpoint note;
		log_name_rotated(path, fixture->log, &list[i], ".jsonl");
		assert_int_equal(list[i].first_seq, end.next_seq);
		end = assert_chain(path, end);
		struct log_verify_file found = verified(path);
		assert_int_equal(found.lines_behind_checkpoint, 0);
		lines += found.lines - found.checkpoints;
		log_name_rotated(path, fixture->log, &list[i], ".checkpoint");
		assert_int_equal(log_get_note(path, &note), 0);
		assert_int_equal(note.size, found.lines - 1);
	}
	end = assert_chain(fixture->log, end);
	struct log_verify_file found = verified(fixture->log);
	assert_int_equal(lines + found.lines - found.checkpoints, 100);
	free(list);
	writer_close(&writer);
}

/* Writes lines of that age as the live log; whoever opens it next goes on from there. */
static struct chain write_old(const struct fixture *fixture, int days)
{
	struct digest *digest = digest_new();
	struct chain chain = { .next_seq = 0 };
	int fd = open(fixture->log, O_WRONLY | O_CREAT | O_APPEND, 0640);
	time_t then = time(NULL) - days * DAY;
	char when[32], line[1024];
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S.000000Z", gmtime(&then));
	for (int i = 0; i < 5; i++) {
		size_t size = (size_t)sprintf(line,
					      "{\"seq\":%d,\"time\":\"%s\",\"node\":"
					      "\"cathlab-3\",\"event\":\"instance\"",
					      i, when);
		size = chain_seal(&chain, digest, line, size);
		assert_int_equal(write(fd, line, size), size);
	}
	close(fd);
	digest_free(digest);
	return chain;
}

static void age_rotates_once(void **state)
{
	struct fixture *fixture = *state;
	struct log_rotated *list;
	size_t count;
	write_old(fixture, 2);
	struct writer writer = opened(fixture);
	assert_int_equal(writer_wait_ms(&writer), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(writer_commit(&writer), LOG_FILE_DONE);
		writer_tend(&writer);
	}
	assert_int_equal(log_rotated_list(fixture->log, &list, &count), 0);
	assert_int_equal(count, 1);
	free(list);
	assert_int_equal(writer_wait_ms(&writer), -1);
	/* A file in which the log speaks of itself only has no age. */
	add(&writer, AUDIT_START, AUDIT_NO_OUTCOME);
	assert_int_equal(writer_commit(&writer), LOG_FILE_DONE);
	writer_tend(&writer);
	writer.log.end.first_time -= 3 * DAY;
	writer_tend(&writer);
	assert_int_equal(writer_wait_ms(&writer), -1);
	add_and_commit(&writer);
	assert_int_equal(writer.log.end.uncovered, 0);
	writer_tend(&writer);
	assert_int_equal(writer.log.end.tree.size, 0);
	writer_close(&writer);
	struct chain end = assert_chain(path_of(fixture, "audit-0.jsonl"),
					(struct chain){ .next_seq = 0 });
	assert_int_equal(end.next_seq, 6);
	end = assert_chain(path_of(fixture, "audit-6.jsonl"), end);
	assert_int_equal(end.next_seq, 10);
}

/* The clock is set back, in use or while the gateway is off. */
static void a_file_of_the_future_rotates(void **state)
{
	struct fixture *fixture = *state;
	write_old(fixture, -10);
	struct writer writer = opened(fixture);
	writer_tend(&writer);
	assert_int_equal(writer.log.end.tree.size, 0);
	add_and_commit(&writer);
	writer.log.end.first_time += 10 * DAY;
	writer_tend(&writer);
	assert_int_not_equal(writer.log.end.tree.size, 0);
	assert_in_range(writer_wait_ms(&writer), 1, INT64_C(1000) * DAY);
	writer.log.end.first_ms -= INT64_C(1000) * DAY;
	assert_int_equal(writer_wait_ms(&writer), 0);
	writer_tend(&writer);
	assert_int_equal(writer.log.end.tree.size, 0);
	writer_close(&writer);
}

/* A taken name is passed over, and said. */
static void nothing_is_overwritten(void **state)
{
	struct fixture *fixture = *state;
	char *taken = path_of(fixture, "audit-0.jsonl");
	write_old(fixture, 2);
	struct writer writer = opened(fixture);
	int fd = open(taken, O_WRONLY | O_CREAT, 0600);
	close(fd);
	writer_tend(&writer);
	assert_int_equal(access(path_of(fixture, "audit-0.1.jsonl"), F_OK), 0);
	add_and_commit(&writer);
	writer_close(&writer);
	char *log = read_plain(fixture);
	assert_non_null(strstr(log, "was taken"));
	free(log);
}

static void make_old_file(struct fixture *fixture, int days)
{
	write_old(fixture, days);
	struct writer writer = opened(fixture);
	writer_tend(&writer);
	assert_int_equal(access(path_of(fixture, "audit-0.jsonl"), F_OK), 0);
	writer_close(&writer);
}

/* Its last line, the closing checkpoint, made old as well. */
static void age_last_line(struct fixture *fixture)
{
	struct digest *digest = digest_new();
	char *log = read_file(path_of(fixture, "audit-0.jsonl")), line[2048];
	char *last = log;
	for (int i = 0; i < 5; i++)
		last = strchr(last, '\n') + 1;
	memcpy(strstr(last, "\"time\":\"") + 8, strstr(log, "\"time\":\"") + 8, 27);
	size_t size = (size_t)(strstr(last, ",\"prev\"") - last);
	memcpy(line, last, size);
	*last = '\0';
	int fd = open(path_of(fixture, "audit-0.jsonl"), O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, log, strlen(log)), strlen(log));
	close(fd);
	struct chain chain = assert_chain(path_of(fixture, "audit-0.jsonl"),
					  (struct chain){ .next_seq = 0 });
	size = chain_seal(&chain, digest, line, size);
	fd = open(path_of(fixture, "audit-0.jsonl"), O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, line, size), size);
	close(fd);
	digest_free(digest);
	free(log);
}

/* A file of two lines: one of the age of `like`, and a checkpoint over it. */
static void write_checkpoint(const char *path, struct chain *chain, const char *like)
{
	struct digest *digest = digest_new();
	struct merkle tree = { .size = 0 };
	struct checkpoint checkpoint = { .size = 1 };
	char line[2048];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	checkpoint_origin("cathlab-3", chain->next_seq, checkpoint.origin);
	for (int i = 0; i < 2; i++) {
		const char *time = strstr(like, "\"time\":\"") + 8;
		size_t size = (size_t)sprintf(line,
					      "{\"seq\":%d,\"time\":\"%.27s\",\"node\":"
					      "\"cathlab-3\",\"event\":\"%s\"",
					      (int)chain->next_seq, time,
					      i ? "checkpoint" : "instance");
		if (i) {
			assert_int_equal(merkle_root(&tree, digest, checkpoint.root), 0);
			size += checkpoint_members(&checkpoint, line + size);
		}
		size = chain_seal(chain, digest, line, size);
		assert_int_equal(merkle_add(&tree, digest, chain->last_hash), 0);
		assert_int_equal(write(fd, line, size), size);
	}
	close(fd);
	digest_free(digest);
}

static void old_files_go_with_a_line(void **state)
{
	struct fixture *fixture = *state;
	use_key(fixture, "signing.key");
	fixture->config.audit.keep_days = 30;
	make_old_file(fixture, 40);
	assert_int_equal(unlink(fixture->log), 0);
	age_last_line(fixture);
	struct log_verify_file found = verified(path_of(fixture, "audit-0.jsonl"));
	char hash[DIGEST_HEX_SIZE], expected[200];
	digest_hex(found.chain.last_hash, DIGEST_SIZE, hash);
	struct writer writer = opened(fixture);
	writer_tend(&writer);
	/* The newest line is 40 days old: the clock may be wrong. */
	assert_int_equal(access(path_of(fixture, "audit-0.jsonl"), F_OK), 0);
	writer.retention.next_ms = 0;
	writer.retention.ahead_ms -= INT64_C(1000) * DAY;
	writer_tend(&writer);
	writer_tend(&writer);
	assert_int_equal(access(path_of(fixture, "audit-0.jsonl"), F_OK), -1);
	assert_int_equal(access(path_of(fixture, "audit-0.checkpoint"), F_OK), 0);
	char *log = read_plain(fixture);
	snprintf(expected, sizeof(expected), "hash %s; older than 30 days\"}\n", hash);
	assert_non_null(strstr(log, "\"event\":\"retention\",\"outcome\":\"removed\","
				    "\"detail\":\"audit-0.jsonl: 6 lines from 0 on, "));
	assert_non_null(strstr(log, expected));
	assert_int_equal(count_of(log, "\n"), 1);
	free(log);
	writer_close(&writer);
}

static void what_is_young_or_not_covered_stays(void **state)
{
	static const char *const cases[] = { "young", "another key", "edited", "cut" };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture *fixture = *state;
		use_key(fixture, "signing.key");
		make_old_file(fixture, 40);
		fixture->config.audit.keep_days = 30;
		struct writer writer = opened(fixture);
		char *rotated = path_of(fixture, "audit-0.jsonl");
		if (i > 0)
			age_last_line(fixture);
		if (i == 1) {
			signing_key_free(writer.log.key);
			use_key(fixture, "other.key");
			const char *error;
			writer.log.key = signing_key_open(
				&fixture->config.audit.signing_key, &error);
		}
		if (i == 2) {
			int fd = open(rotated, O_WRONLY);
			assert_int_equal(pwrite(fd, "X", 1, 40), 1);
			close(fd);
		}
		if (i == 3) {
			char *log = read_file(rotated), *last = log;
			for (int n = 0; n < 5; n++)
				last = strchr(last, '\n') + 1;
			assert_int_equal(truncate(rotated, last - log), 0);
			free(log);
		}
		writer_tend(&writer);
		writer_tend(&writer);
		if (access(rotated, F_OK))
			fail_msg("%s: it was removed", cases[i]);
		assert_int_equal(writer.retention.has_kept, i > 0);
		assert_int_equal(writer.log.end.tree.size, 0);
		writer_close(&writer);
		fixture_teardown(state);
		fixture_setup(state);
	}
}

/* The clock leaps ahead: in use; back again; and by less than matters. */
static void a_clock_that_leaps_removes_nothing(void **state)
{
	struct fixture *fixture = *state;
	make_old_file(fixture, 40);
	age_last_line(fixture);
	fixture->config.audit.keep_days = 30;
	struct writer writer = opened(fixture);
	/* As if the clock had stood 35 days back until now. */
	retention_begin(&writer.retention, time(NULL) - 35 * DAY);
	writer_tend(&writer);
	assert_int_equal(access(path_of(fixture, "audit-0.jsonl"), F_OK), 0);
	assert_true(writer.retention.ahead_ms != 0);
	retention_begin(&writer.retention, time(NULL) + 35 * DAY);
	writer.retention.ahead_ms = 1;
	writer_tend(&writer);
	assert_int_equal(writer.retention.ahead_ms, 0);
	assert_int_equal(access(path_of(fixture, "audit-0.jsonl"), F_OK), -1);
	writer_close(&writer);
}

/* Neither does a second start with such a clock, which finds it in the log. */
static void what_is_believed_outlives_a_start(void **state)
{
	struct fixture *fixture = *state;
	char *old = path_of(fixture, "audit-0.jsonl");
	fixture->config.audit.keep_days = 30;
	make_old_file(fixture, 40);
	age_last_line(fixture);
	for (int i = 0; i < 2; i++) {
		struct writer writer = opened(fixture);
		add_and_commit(&writer);
		writer_tend(&writer);
		assert_int_equal(access(old, F_OK), 0);
		assert_true(writer.retention.ahead_ms != 0);
		writer_close(&writer);
	}
	/* What is no such note costs a day at most. */
	char *note = path_of(fixture, "audit.clock");
	int fd = open(note, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "believed", 8), 8);
	close(fd);
	struct writer writer = opened(fixture);
	writer_tend(&writer);
	writer_close(&writer);
	assert_int_equal(access(old, F_OK), -1);
}

/* The older of two old files is damaged: the younger stays as well, until an operator
 * has seen to it. */
static void no_gap_is_made(void **state)
{
	struct fixture *fixture = *state;
	char *older = path_of(fixture, "audit-0.jsonl"), other[400];
	snprintf(other, sizeof(other), "%s", path_of(fixture, "audit-6.jsonl"));
	make_old_file(fixture, 40);
	age_last_line(fixture);
	char *log = read_file(older), *line = log;
	for (int i = 0; i < 5; i++)
		line = strchr(line, '\n') + 1;
	/* A file of its last line's age, and none but a checkpoint: covered. */
	struct chain chain = assert_chain(older, (struct chain){ .next_seq = 0 });
	write_checkpoint(other, &chain, line);
	free(log);
	struct writer writer = opened(fixture);
	fixture->config.audit.keep_days = 30;
	retention_begin(&writer.retention, 0);
	int fd = open(older, O_WRONLY);
	assert_int_equal(pwrite(fd, "X", 1, 40), 1);
	close(fd);
	for (int i = 0; i < 3; i++) {
		writer.retention.next_ms = 0;
		writer_tend(&writer);
	}
	assert_int_equal(access(older, F_OK), 0);
	assert_int_equal(access(other, F_OK), 0);
	assert_int_equal(unlink(older), 0);
	writer.retention.next_ms = 0;
	writer_tend(&writer);
	assert_int_equal(access(other, F_OK), -1);
	writer_close(&writer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(checkpoints_come_by_number),
		TEST(checkpoints_come_by_time_but_not_for_nothing),
		TEST(start_and_stop_are_covered),
		TEST(a_new_files_first_sync_may_fail),
		TEST(a_note_that_can_not_be_written_stops_nothing),
		TEST(a_late_note_is_made_good),
		TEST(a_start_makes_late_notes_good),
		TEST(no_note_covers_what_was_taken_back),
		TEST(size_rotates),
		TEST(age_rotates_once),
		TEST(a_file_of_the_future_rotates),
		TEST(nothing_is_overwritten),
		TEST(old_files_go_with_a_line),
		TEST(what_is_young_or_not_covered_stays),
		TEST(a_clock_that_leaps_removes_nothing),
		TEST(what_is_believed_outlives_a_start),
		TEST(no_gap_is_made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
