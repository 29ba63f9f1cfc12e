/*
 * Goal: what others have put, or left, into the log's directory neither stops the auditor
 * nor is written through, and is not taken for tampering when a crash or an operator
 * does as much.
 */
#include "audit_fixture.h"

#include "audit/write/writer.h"
#include "cathgate/audit/log_reader.h"

static char *path_of(const struct fixture *fixture, const char *name)
{
	static char paths[4][400];
	static unsigned next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof(paths[0]), "%s/%s", fixture->directory, name);
	return path;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void submit_one(struct fixture *fixture)
{
	int line = open_line(fixture);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_REFUSED), AUDIT_DURABLE);
	close(line);
}

static void rotate_now(struct fixture *fixture)
{
	struct writer writer;
	assert_int_equal(writer_open(&fixture->config.audit, 0, "cathlab-3", &writer), 0);
	assert_int_equal(live_log_rotate(&writer.log), 0);
	writer_close(&writer);
}

/* A crash in the very first write. */
static void a_log_of_half_a_line_begins_anew(void **state)
{
	static const char *const halves[] = { "{", "{\"seq\":",
					      "{\"seq\":0,\"time\":\"2026-01-31T12" };
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		struct fixture *fixture = *state;
		put(fixture->log, halves[i]);
		start_and_stop(fixture);
		assert_true(has_beside(fixture, "audit.torn-"));
		assert_chain(fixture->log, (struct chain){ .next_seq = 0 });
		fixture_teardown(state);
		fixture_setup(state);
	}
}

/* Where the note's draft should be made. */
static void a_note_is_not_written_through_links(void **state)
{
	for (int way = 0; way < 3; way++) {
		struct fixture *fixture = *state;
		char *draft = path_of(fixture, "audit.checkpoint.new");
		char *other = path_of(fixture, "other");
		put(other, "mine");
		if (way == 0)
			assert_int_equal(symlink(other, draft), 0);
		else if (way == 1)
			assert_int_equal(link(other, draft), 0);
		else
			assert_int_equal(mkfifo(draft, 0600), 0);
		start_and_stop(fixture);
		char *text = read_file(other);
		assert_string_equal(text, "mine");
		free(text);
		text = read_file(path_of(fixture, "audit.checkpoint"));
		assert_non_null(strstr(text, "cathgate/cathlab-3/0\n"));
		free(text);
		fixture_teardown(state);
		fixture_setup(state);
	}
}

/* Named like a rotated file, but none. */
static void a_pipe_holds_nothing_up(void **state)
{
	struct fixture *fixture = *state;
	fixture->config.audit.keep_days = 1;
	start_and_stop(fixture);
	assert_int_equal(mkfifo(path_of(fixture, "audit-99.jsonl"), 0600), 0);
	assert_int_equal(mkdir(path_of(fixture, "audit-98.jsonl"), 0700), 0);
	start_and_stop(fixture);
	assert_false(has_beside(fixture, "audit.broken-"));
	assert_chain(fixture->log, (struct chain){ .next_seq = 0 });
}

/* By its date, as logrotate would: its name is no number of ours. */
static void a_log_moved_by_its_date_is_no_newer(void **state)
{
	struct fixture *fixture = *state;
	char *moved = path_of(fixture, "audit-20260131.jsonl");
	start_auditor(fixture);
	submit_one(fixture);
	assert_int_equal(rename(fixture->log, moved), 0);
	submit_one(fixture);
	assert_int_equal(end_of_auditor(fixture), 0);
	struct chain end = assert_chain(moved, (struct chain){ .next_seq = 0 });
	rotate_now(fixture);
	start_and_stop(fixture);
	start_and_stop(fixture);
	assert_false(has_beside(fixture, "audit.broken-"));
	char name[64];
	snprintf(name, sizeof(name), "audit-%d.jsonl", (int)end.next_seq);
	end = assert_chain(path_of(fixture, name), end);
	assert_chain(fixture->log, end);
}

/* Each line once, from number 0 on, and these files in this order. */
static void assert_readers_get(struct fixture *fixture, const char *const *names,
			       size_t count)
{
	struct log_reader_line line;
	enum log_reader_result result;
	uint64_t next_seq = 0;
	char **files;
	size_t file_count;
	assert_int_equal(log_reader_files(fixture->log, &files, &file_count), 0);
	assert_int_equal(file_count, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(strrchr(files[i], '/') + 1, names[i]);
	log_reader_files_free(files, file_count);
	struct log_reader *reader = log_reader_open(fixture->log, 0);
	while ((result = log_reader_next(reader, &line)) == LOG_READER_LINE)
		assert_int_equal(line.seq, next_seq++);
	assert_int_equal(result, LOG_READER_END);
	log_reader_close(reader);
	struct chain end =
		assert_chain(path_of(fixture, names[0]), (struct chain){ .next_seq = 0 });
	for (size_t i = 1; i < count; i++)
		end = assert_chain(path_of(fixture, names[i]), end);
	assert_int_equal(next_seq, end.next_seq);
}

static void copy(const char *from, const char *to)
{
	char *text = read_file(from);
	put(to, text);
	free(text);
}

/* Readers go by what a file holds: one that was moved away by its date is in its place,
 * and a copy is read once. */
static void readers_are_not_misled_by_names(void **state)
{
	static const char *const names[] = { "audit-20260131.jsonl", "audit-2.jsonl",
					     "audit-4.jsonl", "audit.jsonl" };
	struct fixture *fixture = *state;
	start_auditor(fixture);
	submit_one(fixture);
	assert_int_equal(end_of_auditor(fixture), 0);
	rotate_now(fixture);
	start_and_stop(fixture);
	assert_int_equal(
		rename(path_of(fixture, "audit-0.jsonl"), path_of(fixture, names[0])), 0);
	rotate_now(fixture);
	start_and_stop(fixture);
	rotate_now(fixture);
	start_and_stop(fixture);
	assert_readers_get(fixture, names, 4);
	copy(path_of(fixture, names[0]), path_of(fixture, "audit-20260201.jsonl"));
	copy(path_of(fixture, names[1]), path_of(fixture, "audit-20260202.jsonl"));
	copy(path_of(fixture, names[3]), path_of(fixture, "audit-20260203.jsonl"));
	assert_int_equal(mkfifo(path_of(fixture, "audit-3.jsonl"), 0600), 0);
	assert_readers_get(fixture, names, 4);
}

/* In the log's place, at a start and in use. */
static void no_log_is_made_through_a_link(void **state)
{
	struct fixture *fixture = *state;
	char *other = path_of(fixture, "other");
	assert_int_equal(symlink(other, fixture->log), 0);
	fork_auditor(fixture);
	assert_int_equal(next_word(fixture), 0);
	assert_int_not_equal(end_of_auditor(fixture), 0);
	assert_int_equal(access(other, F_OK), -1);
	assert_int_equal(unlink(fixture->log), 0);
	start_auditor(fixture);
	submit_one(fixture);
	assert_int_equal(rename(fixture->log, path_of(fixture, "away")), 0);
	assert_int_equal(symlink(other, fixture->log), 0);
	submit_one(fixture);
	assert_int_equal(end_of_auditor(fixture), 0);
	assert_int_equal(access(other, F_OK), -1);
	assert_chain(fixture->log, assert_chain(path_of(fixture, "away"),
						(struct chain){ .next_seq = 0 }));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_log_of_half_a_line_begins_anew),
		TEST(a_note_is_not_written_through_links),
		TEST(a_pipe_holds_nothing_up),
		TEST(a_log_moved_by_its_date_is_no_newer),
		TEST(readers_are_not_misled_by_names),
		TEST(no_log_is_made_through_a_link),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
