/*
 * Goal: each whole line of a log is given once, in order, through rotation, an operator's
 * mv and what a writer takes back; what is missing is said; and no file, however odd,
 * costs more than constant memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cathgate/audit/log_reader.h"

#define LINE 21 /* bytes of a line with one digit */

struct place {
	char directory[64], live[96];
	struct log_reader *reader;
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	strcpy(place->directory, "/tmp/test-log-reader-XXXXXX");
	if (!mkdtemp(place->directory))
		return -1;
	snprintf(place->live, sizeof(place->live), "%s/audit.jsonl", place->directory);
	*state = place;
	return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind,
		      struct FTW *at)
{
	(void)status;
	(void)kind;
	(void)at;
	return remove(path);
}

static int teardown(void **state)
{
	struct place *place = *state;
	log_reader_close(place->reader);
	nftw(place->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(place);
	return 0;
}

static const char *in(const struct place *place, const char *name)
{
	static char paths[2][160];
	static int turn;
	turn = !turn;
	snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", place->directory, name);
	return paths[turn];
}

static void append_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "ae");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Lines with these numbers, both included; `mark` tells versions of them apart. */
static void append_lines(const char *path, unsigned first, unsigned last,
			 const char *mark)
{
	for (unsigned seq = first; seq <= last; seq++) {
		char line[128];
		snprintf(line, sizeof(line), "{\"seq\":%u,\"mark\":\"%s\"}\n", seq, mark);
		append_text(path, line);
	}
}

static void open_at(struct place *place, uint64_t seq)
{
	log_reader_close(place->reader);
	place->reader = log_reader_open(place->live, seq);
	assert_non_null(place->reader);
}

/* Takes the next lines, which must be these. */
static void expect_lines(struct place *place, unsigned first, unsigned last,
			 const char *mark)
{
	for (unsigned seq = first; seq <= last; seq++) {
		struct log_reader_line line;
		char text[128];
		int result = log_reader_next(place->reader, &line);
		if (result != LOG_READER_LINE)
			fail_msg("%d instead of line %u", result, seq);
		snprintf(text, sizeof(text), "{\"seq\":%u,\"mark\":\"%s\"}", seq, mark);
		assert_int_equal(line.size, strlen(text));
		assert_memory_equal(line.text, text, line.size);
		assert_int_equal(line.seq, seq);
	}
}

static void expect(struct place *place, enum log_reader_result wanted)
{
	struct log_reader_line line;
	assert_int_equal(log_reader_next(place->reader, &line), wanted);
}

/* Whether the descriptor says that there is more. */
static bool is_told(const struct place *place)
{
	struct pollfd poll_one = { .fd = log_reader_descriptor(place->reader),
				   .events = POLLIN };
	return poll(&poll_one, 1, 0) == 1;
}

static void test_lines_are_given_as_they_come(void **state)
{
	struct place *place = *state;
	struct log_reader_line line;
	append_lines(place->live, 0, 2, "a");
	open_at(place, 0);
	expect_lines(place, 0, 1, "a");
	assert_int_equal(log_reader_next(place->reader, &line), LOG_READER_LINE);
	assert_int_equal(line.number, 3);
	assert_string_equal(line.file, place->live);
	expect(place, LOG_READER_END);
	assert_false(is_told(place));
	append_text(place->live, "{\"seq\":3,\"mar");
	assert_true(is_told(place));
	expect(place, LOG_READER_END);
	append_text(place->live, "k\":\"a\"}\n");
	assert_true(is_told(place));
	expect_lines(place, 3, 3, "a");
	expect(place, LOG_READER_END);
	assert_false(is_told(place));
}

static void test_a_log_that_is_yet_to_come(void **state)
{
	struct place *place = *state;
	open_at(place, 0);
	expect(place, LOG_READER_END);
	append_text(place->live, "");
	expect(place, LOG_READER_END);
	append_lines(place->live, 0, 1, "a");
	assert_true(is_told(place));
	expect_lines(place, 0, 1, "a");
	expect(place, LOG_READER_END);
	assert_null(log_reader_open(in(place, "no/audit.jsonl"), 0));
}

static void test_rotation_while_reading(void **state)
{
	struct place *place = *state;
	append_lines(place->live, 0, 4, "a");
	open_at(place, 0);
	expect_lines(place, 0, 1, "a");
	assert_int_equal(rename(place->live, in(place, "audit-0.jsonl")), 0);
	append_lines(place->live, 5, 6, "b");
	expect_lines(place, 2, 4, "a");
	expect_lines(place, 5, 6, "b");
	expect(place, LOG_READER_END);
	/* Twice while nobody looked. */
	append_lines(place->live, 7, 7, "b");
	assert_int_equal(rename(place->live, in(place, "audit-5.jsonl")), 0);
	append_lines(place->live, 8, 12, "c");
	assert_int_equal(rename(place->live, in(place, "audit-8.jsonl")), 0);
	append_lines(place->live, 13, 13, "d");
	expect_lines(place, 7, 7, "b");
	expect_lines(place, 8, 12, "c");
	expect_lines(place, 13, 13, "d");
	expect(place, LOG_READER_END);
	/* The old ones go, what is open stays readable. */
	assert_int_equal(remove(in(place, "audit-0.jsonl")), 0);
	append_lines(place->live, 14, 14, "d");
	expect_lines(place, 14, 14, "d");
}

static void test_a_moved_log_may_get_a_last_line(void **state)
{
	struct place *place = *state;
	append_lines(place->live, 0, 1, "a");
	open_at(place, 0);
	expect_lines(place, 0, 1, "a");
	/* logrotate's way: the writer has not noticed yet. */
	assert_int_equal(rename(place->live, in(place, "audit.jsonl.1")), 0);
	append_text(place->live, "");
	expect(place, LOG_READER_END);
	append_lines(in(place, "audit.jsonl.1"), 2, 2, "a");
	append_lines(place->live, 3, 4, "b");
	expect_lines(place, 2, 2, "a");
	expect_lines(place, 3, 4, "b");
	expect(place, LOG_READER_END);
	/* And out of sight. */
	assert_int_equal(remove(place->live), 0);
	expect(place, LOG_READER_END);
	append_lines(place->live, 5, 5, "c");
	expect_lines(place, 5, 5, "c");
}

static void test_lines_may_look_alike(void **state)
{
	struct place *place = *state;
	static char like[600];
	char text[700];
	memset(like, 'x', sizeof(like) - 1);
	/* At the same place of the next file stands a line that differs in its number. */
	for (unsigned seq = 0; seq < 4; seq++) {
		snprintf(text, sizeof(text), "{\"seq\":%u,\"same\":\"%s\"}\n", seq, like);
		append_text(place->live, text);
		if (seq == 0)
			open_at(place, 0);
		struct log_reader_line line;
		assert_int_equal(log_reader_next(place->reader, &line), LOG_READER_LINE);
		assert_int_equal(line.seq, seq);
		expect(place, LOG_READER_END);
		assert_int_equal(rename(place->live, in(place, "elsewhere")), 0);
	}
}

static void test_half_a_line_is_taken_back(void **state)
{
	struct place *place = *state;
	append_lines(place->live, 0, 1, "a");
	open_at(place, 0);
	expect_lines(place, 0, 1, "a");
	append_text(place->live, "{\"seq\":2,\"mark\":\"lost");
	expect(place, LOG_READER_END);
	assert_int_equal(truncate(place->live, 2 * LINE), 0);
	append_lines(place->live, 2, 3, "b");
	expect_lines(place, 2, 3, "b");
	expect(place, LOG_READER_END);
}

static int syncs, failing_syncs;

/* Instead of the C library's: the linker takes the program's own. */
int fdatasync(int fd)
{
	(void)fd;
	syncs++;
	errno = EIO;
	return failing_syncs-- > 0 ? -1 : 0;
}

static void test_what_is_not_durable_is_told(void **state)
{
	struct place *place = *state;
	append_lines(place->live, 0, 4, "a");
	open_at(place, 0);
	expect_lines(place, 0, 1, "a");
	syncs = 0;
	failing_syncs = 1;
	assert_int_equal(log_reader_settle(place->reader), -1);
	failing_syncs = 0;
	assert_int_equal(log_reader_settle(place->reader), 0);
	assert_int_equal(log_reader_settle(place->reader), 0);
	expect_lines(place, 2, 4, "a");
	assert_int_equal(log_reader_settle(place->reader), 0);
	assert_int_equal(syncs, 2); /* what came with the others was synced with them */
	append_lines(place->live, 5, 6, "a");
	expect_lines(place, 5, 5, "a");
	failing_syncs = 1;
	assert_int_equal(log_reader_settle(place->reader), -1);
	failing_syncs = 0;
	assert_int_equal(truncate(place->live, 5 * LINE), 0);
	append_lines(place->live, 5, 6, "b");
	assert_int_equal(log_reader_settle(place->reader), 1);
	expect_lines(place, 6, 6, "a"); /* read before */
	assert_int_equal(log_reader_settle(place->reader), 1);
	expect(place, LOG_READER_GAP);
	expect_lines(place, 5, 6, "b");
	syncs = 0;
	assert_int_equal(log_reader_settle(place->reader), 0);
	assert_int_equal(syncs, 1);
}

static void test_whole_lines_are_taken_back(void **state)
{
	struct place *place = *state;
	append_lines(place->live, 0, 4, "a");
	open_at(place, 0);
	expect_lines(place, 0, 4, "a");
	expect(place, LOG_READER_END);
	assert_int_equal(truncate(place->live, 3 * LINE), 0);
	expect(place, LOG_READER_END);
	append_lines(place->live, 3, 4, "b");
	expect(place, LOG_READER_GAP);
	expect_lines(place, 3, 4, "b");
	expect(place, LOG_READER_END);
	/* Nobody looked while the file was shorter. */
	assert_int_equal(truncate(place->live, 4 * LINE), 0);
	append_lines(place->live, 4, 9, "c");
	expect(place, LOG_READER_GAP);
	expect_lines(place, 4, 9, "c");
	/* The same again is no news. */
	assert_int_equal(truncate(place->live, 9 * LINE), 0);
	append_lines(place->live, 9, 10, "c");
	expect_lines(place, 10, 10, "c");
	/* All of it: copytruncate. */
	assert_int_equal(truncate(place->live, 0), 0);
	append_lines(place->live, 0, 1, "d");
	expect(place, LOG_READER_GAP);
	expect_lines(place, 0, 1, "d");
}

static void test_the_first_line_may_be_chosen(void **state)
{
	struct place *place = *state;
	append_lines(in(place, "audit-0.jsonl"), 0, 9, "a");
	append_lines(in(place, "audit-10.jsonl"), 10, 99, "a");
	append_lines(in(place, "audit-100.jsonl"), 100, 104, "a");
	append_lines(place->live, 105, 107, "a");
	static const unsigned starts[] = { 0, 1, 9, 10, 57, 99, 100, 104, 105, 107 };
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		open_at(place, starts[i]);
		expect_lines(place, starts[i], 107, "a");
		expect(place, LOG_READER_END);
	}
	open_at(place, 110);
	expect(place, LOG_READER_END);
	append_lines(place->live, 108, 111, "a");
	expect_lines(place, 110, 111, "a");
	/* Removed by retention: from what there is. */
	assert_int_equal(remove(in(place, "audit-0.jsonl")), 0);
	open_at(place, 3);
	expect_lines(place, 10, 111, "a");
}

static void test_gaps_are_said_once(void **state)
{
	struct place *place = *state;
	append_lines(in(place, "audit-0.jsonl"), 0, 1, "a");
	append_lines(in(place, "audit-4.jsonl"), 4, 5, "a");
	append_lines(place->live, 6, 6, "a");
	append_lines(place->live, 8, 8, "a");
	append_text(place->live, "no line of a log\n\n{}\n");
	append_lines(place->live, 9, 10, "a");
	open_at(place, 0);
	expect_lines(place, 0, 1, "a");
	expect(place, LOG_READER_GAP);
	expect_lines(place, 4, 6, "a");
	expect(place, LOG_READER_GAP);
	expect_lines(place, 8, 8, "a");
	expect(place, LOG_READER_GAP);
	expect_lines(place, 9, 10, "a");
	expect(place, LOG_READER_END);
}

static void test_a_new_chain(void **state)
{
	struct place *place = *state;
	append_lines(in(place, "audit-0.jsonl"), 0, 4, "a");
	append_lines(place->live, 5, 9, "a");
	open_at(place, 3);
	expect_lines(place, 3, 9, "a");
	assert_int_equal(
		rename(in(place, "audit-0.jsonl"), in(place, "audit.broken-T-0.jsonl")),
		0);
	assert_int_equal(rename(place->live, in(place, "audit.broken-T.jsonl")), 0);
	append_lines(place->live, 0, 3, "b");
	expect(place, LOG_READER_GAP);
	expect_lines(place, 0, 3, "b");
	expect(place, LOG_READER_END);
	/* Again, and it has been rotated before anybody looked. */
	assert_int_equal(rename(place->live, in(place, "audit.broken-U.jsonl")), 0);
	append_lines(in(place, "audit-0.jsonl"), 0, 6, "c");
	append_lines(place->live, 7, 8, "c");
	expect(place, LOG_READER_GAP);
	expect_lines(place, 0, 8, "c");
	/* And once more, from behind the beginning. */
	assert_int_equal(remove(in(place, "audit-0.jsonl")), 0);
	assert_int_equal(rename(place->live, in(place, "audit.broken-V.jsonl")), 0);
	append_lines(in(place, "audit-0.jsonl"), 0, 2, "d");
	append_lines(place->live, 3, 4, "d");
	expect(place, LOG_READER_GAP);
	expect_lines(place, 0, 4, "d");
}

static void test_lines_behind_a_failed_sync(void **state)
{
	struct place *place = *state;
	append_lines(place->live, 0, 6, "a");
	open_at(place, 0);
	expect_lines(place, 0, 6, "a");
	/* 5 and 6 were never acknowledged: the file is closed, they are written anew. */
	assert_int_equal(rename(place->live, in(place, "audit-0.jsonl")), 0);
	append_lines(place->live, 5, 7, "b");
	expect(place, LOG_READER_GAP);
	expect_lines(place, 5, 7, "b");
	expect(place, LOG_READER_END);
}

static void test_a_copy_in_the_logs_place(void **state)
{
	struct place *place = *state;
	append_lines(place->live, 0, 4, "a");
	open_at(place, 0);
	expect_lines(place, 0, 4, "a");
	assert_int_equal(remove(place->live), 0);
	append_lines(place->live, 0, 5, "a");
	expect_lines(place, 5, 5, "a");
	expect(place, LOG_READER_END);
}

static void test_stems(void **state)
{
	struct place *place = *state;
	static const struct {
		const char *live, *rotated, *stranger;
	} names[] = {
		{ "audit.jsonl", "audit-0.jsonl", "audit-0.checkpoint" },
		{ "audit.log", "audit.log-0.jsonl", "audit-1.jsonl" },
		{ "trail", "trail-0.jsonl", "trail-.jsonl" },
		{ ".jsonl", ".jsonl-0.jsonl", ".jsonl-1x.jsonl" },
		{ "a.jsonl", "a-0.jsonl", "a-1234567890123456789.jsonl" },
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char **files;
		size_t count;
		append_lines(in(place, names[i].live), 5, 6, "a");
		append_lines(in(place, names[i].rotated), 0, 4, "a");
		append_lines(in(place, names[i].stranger), 9, 9, "a");
		snprintf(place->live, sizeof(place->live), "%s/%s", place->directory,
			 names[i].live);
		assert_int_equal(log_reader_files(place->live, &files, &count), 0);
		assert_int_equal(count, 2);
		assert_string_equal(files[0], in(place, names[i].rotated));
		assert_string_equal(files[1], place->live);
		log_reader_files_free(files, count);
		open_at(place, 0);
		expect_lines(place, 0, 6, "a");
		expect(place, LOG_READER_END);
	}
}

/* Of two whose first lines have one number, as the writer calls the second. */
static void test_a_name_that_was_taken(void **state)
{
	struct place *place = *state;
	char **files;
	size_t count;
	append_lines(in(place, "audit-0.jsonl"), 0, 4, "a");
	append_lines(in(place, "audit-5.10.jsonl"), 11, 12, "a");
	append_lines(in(place, "audit-5.2.jsonl"), 8, 10, "a");
	append_lines(in(place, "audit-5.jsonl"), 5, 7, "a");
	append_lines(in(place, "audit-5..jsonl"), 5, 7, "b");
	append_lines(place->live, 13, 14, "a");
	assert_int_equal(log_reader_files(place->live, &files, &count), 0);
	assert_int_equal(count, 5);
	log_reader_files_free(files, count);
	open_at(place, 0);
	expect_lines(place, 0, 14, "a");
	expect(place, LOG_READER_END);
}

static void test_a_bare_name(void **state)
{
	struct place *place = *state;
	char here[4096];
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(place->directory), 0);
	append_lines("audit-0.jsonl", 0, 1, "a");
	append_lines("audit.jsonl", 2, 2, "a");
	strcpy(place->live, "audit.jsonl");
	open_at(place, 0);
	expect_lines(place, 0, 2, "a");
	assert_int_equal(chdir(here), 0);
}

static void test_one_file_alone(void **state)
{
	struct place *place = *state;
	append_lines(in(place, "audit-0.jsonl"), 0, 1, "a");
	append_lines(place->live, 2, 4, "a");
	place->reader = log_reader_open_file(in(place, "audit-0.jsonl"));
	assert_non_null(place->reader);
	assert_int_equal(log_reader_descriptor(place->reader), -1);
	expect_lines(place, 0, 1, "a");
	expect(place, LOG_READER_END);
	expect(place, LOG_READER_END);
	assert_null(log_reader_open_file(in(place, "none.jsonl")));
	assert_null(log_reader_open_file(place->directory));
	assert_int_equal(mkfifo(in(place, "fifo"), 0600), 0);
	assert_null(log_reader_open_file(in(place, "fifo")));
}

static void put_bytes(const char *path, char byte, size_t count)
{
	static char chunk[1024 * 1024];
	FILE *file = fopen(path, "ae");
	assert_non_null(file);
	memset(chunk, byte, sizeof(chunk));
	for (size_t left = count; left > 0;) {
		size_t part = left < sizeof(chunk) ? left : sizeof(chunk);
		assert_int_equal(fwrite(chunk, 1, part, file), part);
		left -= part;
	}
	assert_int_equal(fclose(file), 0);
}

static long peak_kib(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static void test_hostile_files(void **state)
{
	struct place *place = *state;
	put_bytes(place->live, 'x', 1);
	open_at(place, 0); /* warm, for the measure below */
	expect(place, LOG_READER_END);
	put_bytes(place->live, 'x', 64 << 20);
	append_text(place->live, "\n");
	append_lines(place->live, 0, 1, "a");
	long before = peak_kib();
	put_bytes(place->live, '\n', 3 << 20);
	put_bytes(place->live, '\0', 300000);
	append_text(place->live, "\n{\"seq\":99999999999999999999,\"a\":1}\n{\"seq\":,}\n"
				 "{\"seq\":-1,}\n{\"seq\":2");
	put_bytes(place->live, '0', 70000);
	append_text(place->live, ",}\n");
	append_lines(place->live, 2, 2, "a");
	struct stat status;
	assert_int_equal(stat(place->live, &status), 0);
	put_bytes(place->live, '{', 64 << 20);
	expect_lines(place, 0, 1, "a");
	expect(place, LOG_READER_GAP);
	expect_lines(place, 2, 2, "a");
	expect(place, LOG_READER_END);
	expect(place, LOG_READER_END);
	/* What never ended is taken back. */
	assert_int_equal(truncate(place->live, status.st_size), 0);
	append_lines(place->live, 3, 3, "a");
	expect_lines(place, 3, 3, "a");
	expect(place, LOG_READER_END);
	assert_true(peak_kib() - before < 4096);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines_are_given_as_they_come),
		TEST(test_a_log_that_is_yet_to_come),
		TEST(test_rotation_while_reading),
		TEST(test_a_moved_log_may_get_a_last_line),
		TEST(test_lines_may_look_alike),
		TEST(test_half_a_line_is_taken_back),
		TEST(test_what_is_not_durable_is_told),
		TEST(test_whole_lines_are_taken_back),
		TEST(test_the_first_line_may_be_chosen),
		TEST(test_gaps_are_said_once),
		TEST(test_a_new_chain),
		TEST(test_lines_behind_a_failed_sync),
		TEST(test_a_copy_in_the_logs_place),
		TEST(test_stems),
		TEST(test_a_name_that_was_taken),
		TEST(test_a_bare_name),
		TEST(test_one_file_alone),
		TEST(test_hostile_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
