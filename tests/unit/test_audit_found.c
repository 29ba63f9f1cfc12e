/*
 * Goal: what a start takes over although nothing vouches for it is named in the log: in
 * the `start` line, or in an alert where the auditor alone was started anew.
 */
#include "audit_fixture.h"

#include "audit/write/live_log.h"

static char *path_of(const struct fixture *fixture, const char *name)
{
	static char paths[4][400];
	static unsigned next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof(paths[0]), "%s/%s", fixture->directory, name);
	return path;
}

/* The auditor alone, which has something to write. */
static void start_without_a_word(struct fixture *fixture)
{
	start_auditor(fixture);
	int line = open_line(fixture);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_DURABLE);
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

/* Writes lines as the auditor would, and dies before a checkpoint covers them. */
static void forge(const struct fixture *fixture, unsigned count)
{
	struct config_audit audit = fixture->config.audit;
	struct live_log log;
	struct digest *digest = digest_new();
	audit.signing_key.path = NULL;
	assert_int_equal(live_log_open(&audit, 0, &log), 0);
	int fd = open(fixture->log, O_WRONLY | O_APPEND);
	while (count-- > 0) {
		char line[1024];
		size_t size = (size_t)sprintf(
			line,
			"{\"seq\":%d,\"time\":\"2026-01-31T12:00:00.000000Z\",\"node\":"
			"\"cathlab-3\",\"event\":\"instance\"",
			(int)log.end.chain.next_seq);
		size = chain_seal(&log.end.chain, digest, line, size);
		assert_int_equal(write(fd, line, size), size);
	}
	close(fd);
	digest_free(digest);
	live_log_close(&log);
}

static void use_key(struct fixture *fixture)
{
	static char path[400];
	const char *error;
	snprintf(path, sizeof(path), "%s", path_of(fixture, "signing.key"));
	assert_int_equal(signing_key_make(path, &error), 0);
	fixture->config.audit.signing_key.path = path;
}

/* A crash's, or a forger's: this start's checkpoint signs them. */
static void lines_behind_the_checkpoint_are_counted(void **state)
{
	struct fixture *fixture = *state;
	for (int has_key = 0; has_key < 2; has_key++) {
		const char *words =
			has_key ? "lines before this under no checkpoint signed "
				  "with the key in use: 3"
				: "lines before this under no checkpoint: 3";
		if (has_key)
			use_key(fixture);
		start_and_stop(fixture);
		start_and_stop(fixture);
		assert_told(fixture, "start", NULL);
		forge(fixture, 3);
		start_and_stop(fixture);
		assert_told(fixture, "start", words);
		start_and_stop(fixture);
		assert_told(fixture, "start", NULL);
		forge(fixture, 3);
		start_without_a_word(fixture);
		assert_told(fixture, "alert", NULL);
	}
}

/* Unsigned, as whoever has no key can make it. */
static void a_checkpoint_of_another_s_covers_nothing(void **state)
{
	struct fixture *fixture = *state;
	use_key(fixture);
	start_and_stop(fixture);
	forge(fixture, 2);
	const char *path = fixture->config.audit.signing_key.path;
	fixture->config.audit.signing_key.path = NULL;
	start_and_stop(fixture);
	fixture->config.audit.signing_key.path = path;
	start_and_stop(fixture);
	assert_told(fixture, "start", "signed with the key in use: 4");
}

static void a_missing_note_is_told(void **state)
{
	struct fixture *fixture = *state;
	start_and_stop(fixture);
	assert_int_equal(unlink(path_of(fixture, "audit.checkpoint")), 0);
	start_and_stop(fixture);
	assert_told(fixture, "start", "audit.checkpoint is missing");
	start_and_stop(fixture);
	assert_told(fixture, "start", NULL);
}

/* With nothing live: the numbers of what it held must not be given again. */
static void a_lost_newest_file_is_a_break(void **state)
{
	struct fixture *fixture = *state;
	for (int are_all_gone = 0; are_all_gone < 2; are_all_gone++) {
		start_and_stop(fixture);
		rotate_now(fixture);
		start_and_stop(fixture);
		rotate_now(fixture);
		assert_int_equal(unlink(path_of(fixture, "audit-2.jsonl")), 0);
		if (are_all_gone)
			assert_int_equal(unlink(path_of(fixture, "audit-0.jsonl")), 0);
		start_and_stop(fixture);
		assert_told(fixture, "start",
			    "the 1 lines from number 2 on, of which audit-2.checkpoint "
			    "tells, are gone");
		assert_told(fixture, "alert", "the log was broken");
		assert_chain(fixture->log, (struct chain){ .next_seq = 0 });
		assert_false(has_beside(fixture, "audit-"));
		/* A start that died before it could forget what it told. */
		DIR *directory = opendir(fixture->directory);
		for (struct dirent *entry; (entry = readdir(directory));) {
			char text[256];
			int size = snprintf(text, sizeof(text), "%.23s the words\n",
					    entry->d_name + strlen("audit.broken-"));
			if (strncmp(entry->d_name, "audit.broken-", 13) == 0)
				assert_int_equal(
					log_put_file(path_of(fixture, "audit.breaking"),
						     text, (size_t)size),
					0);
		}
		closedir(directory);
		char *before = read_plain(fixture);
		start_and_stop(fixture);
		char *after = read_plain(fixture);
		assert_memory_equal(after, before, strlen(before));
		assert_int_equal(count_of(after, "audit-broken"), 1);
		free(before);
		free(after);
		/* It is said once, also where nothing is live again. */
		rotate_now(fixture);
		start_and_stop(fixture);
		assert_told(fixture, "start", NULL);
		fixture_teardown(state);
		fixture_setup(state);
		fixture = *state;
	}
}

/* An archive's doing; and a note that was put by. */
static void an_older_file_may_be_gone(void **state)
{
	struct fixture *fixture = *state;
	start_and_stop(fixture);
	rotate_now(fixture);
	start_and_stop(fixture);
	rotate_now(fixture);
	assert_int_equal(unlink(path_of(fixture, "audit-0.jsonl")), 0);
	assert_int_equal(link(path_of(fixture, "audit-2.checkpoint"),
			      path_of(fixture, "audit-20260131.checkpoint")),
			 0);
	start_and_stop(fixture);
	assert_told(fixture, "start", NULL);
	assert_false(has_beside(fixture, "audit.broken-"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(lines_in_no_file_are_told),
		TEST(lines_behind_the_checkpoint_are_counted),
		TEST(a_checkpoint_of_another_s_covers_nothing),
		TEST(a_missing_note_is_told),
		TEST(a_lost_newest_file_is_a_break),
		TEST(an_older_file_may_be_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
