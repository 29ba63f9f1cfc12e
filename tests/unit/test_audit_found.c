/*
 * Goal: what a start takes over although nothing vouches for it is named in the log: in
 * the `start` line, or in an alert where the auditor alone was started anew.
 */
#include "audit_fixture.h"

#include "audit/live_log.h"

static char *path_of(const struct fixture *fixture, const char *name)
{
	static char paths[4][400];
	static unsigned next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof(paths[0]), "%s/%s", fixture->directory, name);
	return path;
}

/* A gateway's start, of two lines: with a checkpoint behind it. */
static void start_and_stop(struct fixture *fixture)
{
	struct audit_record record = record_of(AUDIT_START, AUDIT_NO_OUTCOME);
	start_auditor(fixture);
	assert_int_equal(audit_tell(fixture->control, NULL, &record), 0);
	assert_int_equal(end_of_auditor(fixture), 0);
}

/* The auditor alone, which has something to write. */
static void start_without_a_word(struct fixture *fixture)
{
	start_auditor(fixture);
	int line = open_line(fixture);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), 0);
	close(line);
	assert_int_equal(end_of_auditor(fixture), 0);
}

static void rotate_now(struct fixture *fixture)
{
	struct live_log log;
	assert_int_equal(live_log_open(&fixture->config.audit, 0, &log), 0);
	assert_int_equal(live_log_rotate(&log), 0);
	live_log_close(&log);
}

/* The last line of that event holds the words; or, where they are NULL, no detail. */
static void assert_told(const struct fixture *fixture, const char *event,
			const char *words)
{
	char *log = read_plain(fixture), *last = NULL, head[64];
	snprintf(head, sizeof(head), "\"event\":\"%s\"", event);
	for (char *at = log; (at = strstr(at, head)); at++)
		last = at;
	if (last)
		*strchr(last, '\n') = '\0';
	if (!last && words)
		fail_msg("no %s:\n%s", event, log);
	if (last && words && !strstr(last, words))
		fail_msg("%s is not told in:\n%s", words, last);
	if (last && !words && strstr(last, "\"detail\""))
		fail_msg("nothing should be told in:\n%s", last);
	free(log);
}

/* The newest of two rotated files is gone: an archive's doing, or a thief's. */
static void lines_in_no_file_are_told(void **state)
{
	struct fixture *fixture = *state;
	start_and_stop(fixture);
	rotate_now(fixture);
	start_and_stop(fixture);
	rotate_now(fixture);
	start_and_stop(fixture);
	assert_told(fixture, "start", NULL);
	assert_int_equal(unlink(path_of(fixture, "audit-2.jsonl")), 0);
	start_and_stop(fixture);
	assert_told(fixture, "start", "lines 2 to 3 are in no file here");
	start_without_a_word(fixture);
	assert_told(fixture, "alert", "lines 2 to 3 are in no file here");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(lines_in_no_file_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
