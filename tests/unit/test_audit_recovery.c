/*
 * Goal: whatever an auditor finds of a log when it starts, it neither loses a good line
 * nor goes on from a bad one; and what it found stands in the log.
 */
#include "audit_fixture.h"

#include "audit/write/live_log.h"
#include "cathgate/audit/checkpoint.h"

#define LINES 6

/* A log of some lines, made by an auditor that ran and stopped. */
static void make_log(struct fixture *fixture)
{
	start_auditor(fixture);
	int line = open_line(fixture);
	for (int i = 1; i < LINES - 1; i++)
		assert_int_equal(submit(line, AUDIT_INSTANCE, AUDIT_REFUSED),
				 AUDIT_DURABLE);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_DURABLE);
	close(line);
	assert_int_equal(end_of_auditor(fixture), 0);
}

static char *path_of(const struct fixture *fixture, const char *name)
{
	static char path[400];
	snprintf(path, sizeof(path), "%s/%s", fixture->directory, name);
	return path;
}

static void put(const char *path, const char *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

/* The name of the one file beside the log that begins and ends so, or NULL. */
static const char *beside(const struct fixture *fixture, const char *begin,
			  const char *end)
{
	static char name[300];
	DIR *directory = opendir(fixture->directory);
	name[0] = '\0';
	for (struct dirent *entry; (entry = readdir(directory));) {
		size_t length = strlen(entry->d_name);
		if (strncmp(entry->d_name, begin, strlen(begin)) != 0 ||
		    length < strlen(end) ||
		    strcmp(entry->d_name + length - strlen(end), end) != 0)
			continue;
		assert_string_equal(name, "");
		snprintf(name, sizeof(name), "%s", entry->d_name);
	}
	closedir(directory);
	return name[0] ? name : NULL;
}

static char *line_at(char *log, int number)
{
	for (; number > 0; number--)
		log = strchr(log, '\n') + 1;
	return log;
}

static size_t line_size(const char *line)
{
	return (size_t)(strchr(line, '\n') - line) + 1;
}

struct change {
	const char *what;
	void (*change)(char *log, size_t *size);
	const char *why; /* in the words of the new chain's first line */
};

static void edit(char *log, size_t *size)
{
	(void)size;
	memcpy(strstr(line_at(log, 2), "refused"), "refuseD", 7);
}

static void edit_first(char *log, size_t *size)
{
	(void)size;
	log[9] ^= 1;
}

static void take_out(char *log, size_t *size)
{
	char *line = line_at(log, 2), *next = line_at(log, 3);
	memmove(line, next, strlen(next) + 1);
	*size = strlen(log);
}

static void take_first(char *log, size_t *size)
{
	char *next = line_at(log, 1);
	memmove(log, next, strlen(next) + 1);
	*size = strlen(log);
}

static void swap_two(char *log, size_t *size)
{
	char *one = line_at(log, 2), copy[4096];
	size_t one_size = line_size(one), other_size = line_size(one + one_size);
	(void)size;
	memcpy(copy, one, one_size);
	memmove(one, one + one_size, other_size);
	memcpy(one + other_size, copy, one_size);
}

static void repeat(char *log, size_t *size)
{
	char *line = line_at(log, 3);
	size_t length = line_size(line);
	memmove(line + length, line, strlen(line) + 1);
	*size += length;
}

static void cut_behind(char *log, size_t *size)
{
	*line_at(log, LINES - 2) = '\0';
	*size = strlen(log);
}

static void cut_in_a_line(char *log, size_t *size)
{
	line_at(log, LINES - 2)[20] = '\0';
	*size = strlen(log);
}

static void edit_last(char *log, size_t *size)
{
	log[*size - 20] ^= 1;
}

static void cut_all(char *log, size_t *size)
{
	log[0] = '\0';
	*size = 0;
}

static void strip_seals(char *log, size_t *size)
{
	char *to = log;
	for (char *at = log, *end; *at; at = end + 1) {
		char *seal = strstr(at, ",\"prev\"");
		end = strchr(at, '\n');
		memmove(to, at, (size_t)(seal - at));
		to += seal - at;
		*to++ = '}';
		*to++ = '\n';
	}
	*size = (size_t)(to - log);
}

static const struct change changes[] = {
	{ "a line is edited", edit, "line 3" },
	{ "the first line is edited", edit_first, "line 1" },
	{ "a line is taken out", take_out, "line 3" },
	{ "the first line is taken out", take_first, "" },
	{ "two lines are swapped", swap_two, "line 3" },
	{ "a line is there twice", repeat, "line 5" },
	{ "lines at the end are cut off", cut_behind, "its checkpoint is line" },
	{ "the same within a line", cut_in_a_line, "its checkpoint is line" },
	{ "the last line, a checkpoint, is edited", edit_last, "its checkpoint is line" },
	{ "all lines are gone", cut_all, "are gone" },
	{ "a log from before there was a chain", strip_seals, "line 1" },
};

/* Checks that the log was moved aside and a new chain tells of it. */
static void assert_moved(struct fixture *fixture, const struct change *change,
			 const char *bytes, size_t size)
{
	const char *name = beside(fixture, "audit.broken-", ".jsonl");
	char *log = read_plain(fixture);
	assert_chain(fixture->log, (struct chain){ .next_seq = 0 });
	if (size > 0) {
		if (!name)
			fail_msg("%s: nothing was moved aside:\n%s", change->what, log);
		char *moved = read_file(path_of(fixture, name));
		assert_string_equal(moved, bytes);
		free(moved);
	}
	char *first_end = strchr(log, '\n');
	char *why = strstr(log, change->why);
	if (!strstr(log, "\"event\":\"start\",\"detail\":\"the log was broken: ") ||
	    !why || why > first_end)
		fail_msg("%s: the first line doesn't tell it:\n%s", change->what, log);
	if (!strstr(first_end, "\"event\":\"alert\",\"outcome\":\"raised\",\"reason\":"
			       "\"audit-broken\",\"detail\":\"the log was broken: "))
		fail_msg("%s: no alert:\n%s", change->what, log);
	free(log);
	assert_null(beside(fixture, "audit.breaking", ""));
}

static void each_change_is_found(void **state)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct fixture *fixture = *state;
		make_log(fixture);
		char *bytes = read_file(fixture->log);
		bytes = realloc(bytes, 3 * strlen(bytes));
		size_t size = strlen(bytes);
		changes[i].change(bytes, &size);
		bytes[size] = '\0';
		put(fixture->log, bytes, size);
		start_and_stop(fixture);
		assert_moved(fixture, &changes[i], bytes, size);
		/* Once is enough. */
		start_and_stop(fixture);
		char *log = read_plain(fixture);
		assert_int_equal(count_of(log, "audit-broken"), 1);
		assert_int_equal(count_of(log, "\"event\":\"start\""), 2);
		free(log);
		free(bytes);
		fixture_teardown(state);
		fixture_setup(state);
	}
}

static void without_a_start_line_an_alert_tells(void **state)
{
	struct fixture *fixture = *state;
	make_log(fixture);
	char *bytes = read_file(fixture->log);
	size_t size = strlen(bytes);
	edit(bytes, &size);
	put(fixture->log, bytes, size);
	free(bytes);
	start_auditor(fixture);
	assert_int_equal(end_of_auditor(fixture), 0);
	char *log = read_plain(fixture);
	assert_int_equal(strncmp(log, "{\"seq\":0,", 9), 0);
	assert_non_null(strstr(log,
			       "\"event\":\"alert\",\"outcome\":\"raised\",\"reason\":"
			       "\"audit-broken\",\"detail\":\"the log was broken: line "
			       "3 of audit.jsonl: edited; all of it is now "
			       "audit.broken-"));
	assert_int_equal(count_of(log, "\n"), 1);
	free(log);
}

static void a_newline_is_all_that_lacks(void **state)
{
	struct fixture *fixture = *state;
	make_log(fixture);
	char *before = read_file(fixture->log);
	assert_int_equal(truncate(fixture->log, (off_t)strlen(before) - 1), 0);
	start_and_stop(fixture);
	char *after = read_file(fixture->log);
	assert_memory_equal(after, before, strlen(before));
	assert_chain(fixture->log, (struct chain){ .next_seq = 0 });
	assert_null(beside(fixture, "audit.torn-", ""));
	assert_null(strstr(after, "torn"));
	free(before);
	free(after);
}

/* What a crash leaves behind the last checkpoint. */
static void each_torn_end_is_kept(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} ends[] = {
		{ "{", 1 },	   { "{\"seq\":7,\"time\":\"2026-", 21 },
		{ "\0\0\0\0", 4 }, { "{\"seq\":7}\n", 10 },
		{ "\n", 1 },	   { "\0\0\0\n{\"seq\":7}\n{\"", 16 },
	};
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct fixture *fixture = *state;
		make_log(fixture);
		char *before = read_file(fixture->log);
		int fd = open(fixture->log, O_WRONLY | O_APPEND);
		assert_int_equal(write(fd, ends[i].bytes, ends[i].size), ends[i].size);
		close(fd);
		start_and_stop(fixture);
		char *after = read_file(fixture->log);
		assert_memory_equal(after, before, strlen(before));
		struct stat status;
		const char *torn = beside(fixture, "audit.torn-", "");
		assert_non_null(torn);
		assert_int_equal(stat(path_of(fixture, torn), &status), 0);
		assert_int_equal(status.st_size, ends[i].size);
		assert_non_null(strstr(after, " bytes of a torn line, SHA-256 "));
		assert_chain(fixture->log, (struct chain){ .next_seq = 0 });
		free(before);
		free(after);
		fixture_teardown(state);
		fixture_setup(state);
	}
}

/* A power cut may lose a page in the midst of lines that were on their way, and so the
 * sound ones behind it. */
static void lines_behind_a_hole_are_torn(void **state)
{
	struct fixture *fixture = *state;
	make_log(fixture);
	char *bytes = read_file(fixture->log);
	size_t size = strlen(bytes);
	assert_int_equal(unlink(path_of(fixture, "audit.checkpoint")), 0);
	memset(line_at(bytes, 3), 0, 30);
	put(fixture->log, bytes, size);
	start_and_stop(fixture);
	assert_non_null(beside(fixture, "audit.torn-", ""));
	assert_null(beside(fixture, "audit.broken-", ""));
	char *log = read_plain(fixture);
	assert_non_null(strstr(log, "\n{\"seq\":3,"));
	free(log);
	free(bytes);
}

static void rotate_now(struct fixture *fixture)
{
	struct live_log log;
	assert_int_equal(live_log_open(&fixture->config.audit, 0, &log), 0);
	assert_int_equal(live_log_rotate(&log), 0);
	live_log_close(&log);
}

/* Each place where a rotation can break off. */
static void a_rotation_broken_off_loses_nothing(void **state)
{
	for (int step = 0; step < 4; step++) {
		struct fixture *fixture = *state;
		char rotated[400];
		make_log(fixture);
		rotate_now(fixture);
		snprintf(rotated, sizeof(rotated), "%s",
			 path_of(fixture, "audit-0.jsonl"));
		struct chain end = assert_chain(rotated, (struct chain){ .next_seq = 0 });
		if (step == 1) /* before the new file */
			assert_int_equal(unlink(fixture->log), 0);
		char note[400];
		snprintf(note, sizeof(note), "%s",
			 path_of(fixture, "audit-0.checkpoint"));
		if (step == 2) /* before the note */
			assert_int_equal(
				rename(note, path_of(fixture, "audit.checkpoint")), 0);
		if (step == 3) { /* before the file */
			assert_int_equal(unlink(fixture->log), 0);
			assert_int_equal(rename(rotated, fixture->log), 0);
			assert_int_equal(
				rename(note, path_of(fixture, "audit.checkpoint")), 0);
		}
		start_and_stop(fixture);
		if (step == 3)
			assert_chain(fixture->log, (struct chain){ .next_seq = 0 });
		else
			assert_chain(fixture->log, end);
		assert_int_equal(access(note, F_OK), step == 3 ? -1 : 0);
		assert_null(beside(fixture, "audit.broken-", ""));
		fixture_teardown(state);
		fixture_setup(state);
	}
}

static void a_live_file_must_go_on_from_the_rotated_one(void **state)
{
	struct fixture *fixture = *state;
	make_log(fixture);
	rotate_now(fixture);
	start_and_stop(fixture);
	char *rotated = path_of(fixture, "audit-0.jsonl");
	char *bytes = read_file(rotated);
	*line_at(bytes, LINES - 1) = '\0';
	put(rotated, bytes, strlen(bytes));
	free(bytes);
	start_and_stop(fixture);
	assert_non_null(beside(fixture, "audit.broken-", "-0.jsonl"));
	assert_non_null(beside(fixture, "audit.broken-", "-0.checkpoint"));
	char *log = read_plain(fixture);
	assert_non_null(strstr(log, "line 1 of audit.jsonl does not go on from "
				    "audit-0.jsonl"));
	assert_chain(fixture->log, (struct chain){ .next_seq = 0 });
	free(log);
}

static void rotated_files_may_be_gone(void **state)
{
	struct fixture *fixture = *state;
	make_log(fixture);
	rotate_now(fixture);
	struct chain end = assert_chain(path_of(fixture, "audit-0.jsonl"),
					(struct chain){ .next_seq = 0 });
	start_and_stop(fixture);
	assert_int_equal(unlink(path_of(fixture, "audit-0.jsonl")), 0);
	start_and_stop(fixture);
	assert_chain(fixture->log, end);
	assert_null(beside(fixture, "audit.broken-", ""));
}

/* A file closed after a failed sync, and then the one behind it moved away in use. */
static void what_was_told_in_use_is_no_break(void **state)
{
	struct fixture *fixture = *state;
	start_auditor(fixture);
	int line = open_line(fixture);
	assert_int_equal(submit(line, AUDIT_INSTANCE, AUDIT_REFUSED), AUDIT_DURABLE);
	atomic_store(&sync_hook->fails, 1);
	assert_int_equal(submit(line, AUDIT_INSTANCE, AUDIT_REFUSED), AUDIT_DURABLE);
	assert_int_equal(rename(fixture->log, path_of(fixture, "away")), 0);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_DURABLE);
	close(line);
	assert_int_equal(end_of_auditor(fixture), 0);
	assert_non_null(beside(fixture, "audit-0", ".jsonl"));
	start_and_stop(fixture);
	assert_null(beside(fixture, "audit.broken-", ""));
}

/* Moved away in use, and then a crash: before the new file has a line, at which nobody
 * told of it, and behind that. */
static void a_crash_after_a_move_hides_nothing(void **state)
{
	for (int has_line = 0; has_line < 2; has_line++) {
		struct fixture *fixture = *state;
		char note[400], kept[400];
		make_log(fixture);
		snprintf(note, sizeof(note), "%s", path_of(fixture, "audit.checkpoint"));
		snprintf(kept, sizeof(kept), "%s", path_of(fixture, "kept"));
		assert_int_equal(link(note, kept), 0);
		start_auditor(fixture);
		assert_int_equal(rename(fixture->log, path_of(fixture, "away")), 0);
		int line = open_line(fixture);
		assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED),
				 AUDIT_DURABLE);
		close(line);
		assert_int_equal(end_of_auditor(fixture), 0);
		assert_int_equal(access(path_of(fixture, "audit-0.checkpoint"), F_OK), 0);
		assert_int_equal(unlink(path_of(fixture, "audit-0.checkpoint")), 0);
		assert_int_equal(rename(kept, note), 0);
		if (!has_line)
			assert_int_equal(truncate(fixture->log, 0), 0);
		start_and_stop(fixture);
		char *log = read_plain(fixture);
		assert_int_equal(count_of(log, "audit-broken"), has_line ? 0 : 1);
		free(log);
		if (has_line)
			assert_int_equal(
				access(path_of(fixture, "audit-0.checkpoint"), F_OK), 0);
		fixture_teardown(state);
		fixture_setup(state);
	}
}

/* Killed at each step of moving a broken log aside. */
static void moving_aside_goes_on_after_a_crash(void **state)
{
	for (int step = 0; step < 4; step++) {
		struct fixture *fixture = *state;
		static const char breaking[] =
			"20260131T120000.123456Z the log was broken: line 3 of "
			"audit.jsonl: edited; all of it is now audit.broken-X*\n";
		char to[400];
		make_log(fixture);
		rotate_now(fixture);
		start_and_stop(fixture);
		put(path_of(fixture, "audit.breaking"), breaking, sizeof(breaking) - 1);
		snprintf(
			to, sizeof(to), "%s",
			path_of(fixture, "audit.broken-20260131T120000.123456Z-0.jsonl"));
		if (step > 0)
			assert_int_equal(rename(path_of(fixture, "audit-0.jsonl"), to),
					 0);
		snprintf(to, sizeof(to), "%s",
			 path_of(fixture, "audit.broken-20260131T120000.123456Z.jsonl"));
		if (step > 1)
			assert_int_equal(rename(fixture->log, to), 0);
		if (step > 2)
			put(fixture->log, "", 0);
		start_and_stop(fixture);
		assert_int_equal(access(to, F_OK), 0);
		char *log = read_plain(fixture);
		assert_non_null(strstr(log,
				       "\"start\",\"detail\":\"the log was broken: line "
				       "3 of audit.jsonl: edited; all of it"));
		assert_chain(fixture->log, (struct chain){ .next_seq = 0 });
		free(log);
		assert_null(beside(fixture, "audit.breaking", ""));
		fixture_teardown(state);
		fixture_setup(state);
	}
}

/* It died when the new chain had its first line already. */
static void what_is_told_already_is_not_told_again(void **state)
{
	struct fixture *fixture = *state;
	char breaking[64];
	make_log(fixture);
	char *bytes = read_file(fixture->log);
	size_t size = strlen(bytes);
	edit(bytes, &size);
	put(fixture->log, bytes, size);
	free(bytes);
	start_and_stop(fixture);
	snprintf(breaking, sizeof(breaking), "%.23s the log was broken\n",
		 strstr(beside(fixture, "audit.broken-", ".jsonl"), "broken-") + 7);
	put(path_of(fixture, "audit.breaking"), breaking, strlen(breaking));
	char *before = read_file(fixture->log);
	start_and_stop(fixture);
	char *after = read_file(fixture->log);
	assert_memory_equal(after, before, strlen(before));
	assert_int_equal(count_of(after, "audit-broken"), 1);
	assert_int_equal(access(path_of(fixture, "audit.breaking"), F_OK), -1);
	free(before);
	free(after);
}

static void a_forged_note_is_found(void **state)
{
	struct fixture *fixture = *state;
	const char *error;
	char key[400], other[400];
	snprintf(key, sizeof(key), "%s", path_of(fixture, "signing.key"));
	snprintf(other, sizeof(other), "%s", path_of(fixture, "other.key"));
	assert_int_equal(signing_key_make(key, &error), 0);
	assert_int_equal(signing_key_make(other, &error), 0);
	fixture->config.audit.signing_key.path = key;
	make_log(fixture);
	/* Another key than the one in use is no forgery. */
	fixture->config.audit.signing_key.path = other;
	start_and_stop(fixture);
	assert_null(beside(fixture, "audit.broken-", ""));
	struct checkpoint note;
	char text[CHECKPOINT_TEXT_SIZE];
	long size =
		log_get_file(path_of(fixture, "audit.checkpoint"), text, sizeof(text));
	assert_int_equal(checkpoint_read_note(text, (size_t)size, &note), 0);
	note.signature[40] = note.signature[40] == 'A' ? 'B' : 'A';
	put(path_of(fixture, "audit.checkpoint"), text, checkpoint_note(&note, text));
	start_and_stop(fixture);
	assert_non_null(beside(fixture, "audit.broken-", ".jsonl"));
}

static void a_note_that_is_none_is_passed_over(void **state)
{
	struct fixture *fixture = *state;
	make_log(fixture);
	put(path_of(fixture, "audit.checkpoint"), "x", 1);
	start_and_stop(fixture);
	assert_chain(fixture->log, (struct chain){ .next_seq = 0 });
	assert_null(beside(fixture, "audit.broken-", ""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_change_is_found),
		TEST(without_a_start_line_an_alert_tells),
		TEST(a_newline_is_all_that_lacks),
		TEST(each_torn_end_is_kept),
		TEST(lines_behind_a_hole_are_torn),
		TEST(a_rotation_broken_off_loses_nothing),
		TEST(a_live_file_must_go_on_from_the_rotated_one),
		TEST(rotated_files_may_be_gone),
		TEST(what_was_told_in_use_is_no_break),
		TEST(a_crash_after_a_move_hides_nothing),
		TEST(moving_aside_goes_on_after_a_crash),
		TEST(what_is_told_already_is_not_told_again),
		TEST(a_forged_note_is_found),
		TEST(a_note_that_is_none_is_passed_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
