/*
 * Goal: the exporter finds where it was in the log, and goes on there: with the same log,
 * with one whose last lines are others now, with a new chain, with files gone; and it
 * gives once more what is asked for once more, and says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "exporter/source.h"

static char folder[64], path[128];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/cathgate-source-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/audit.jsonl", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

/* Lines `first` to `last`; `chain` is a letter that tells one chain's hashes from
 * another's. */
static void write_lines(const char *mode, unsigned first, unsigned last, char chain)
{
	FILE *file = fopen(path, mode);

	assert_non_null(file);
	for (unsigned seq = first; seq <= last; seq++)
		fprintf(file, "{\"seq\":%u,\"event\":\"start\",\"hash\":\"%c%u\"}\n", seq,
			chain, seq);
	assert_int_equal(fclose(file), 0);
}

static void add_mark(struct position *position, unsigned seq, char chain)
{
	struct position_mark mark = { .seq = seq };

	snprintf(mark.hash, sizeof(mark.hash), "%c%u", chain, seq);
	position_add(position, &mark);
}

/* "3r 4r 5 |6 ": line 3 and 4 repeated, 5 new, a gap, 6. */
static void read_all(struct source *source, char *ret)
{
	struct source_line line;

	*ret = '\0';
	while (source_next(source, &line) == SOURCE_LINE) {
		ret += sprintf(ret, "%s%u%s ", line.after_gap ? "|" : "",
			       (unsigned)line.seq, line.repeated ? "r" : "");
		json_decref(line.json);
	}
}

static void assert_gives(const struct position *from, const char *expected)
{
	struct source source;
	char given[512];

	source_open(&source, path, from);
	read_all(&source, given);
	assert_string_equal(given, expected);
	source_close(&source);
}

static void test_nothing_known(void **state)
{
	struct position none = { .restart = 0 }, third = { .restart = 3 };

	(void)state;
	write_lines("w", 0, 5, 'a');
	assert_gives(&none, "0 1 2 3 4 5 ");
	assert_gives(&third, "3 4 5 ");
}

static void test_same_log(void **state)
{
	struct position position = { .restart = 4 };

	(void)state;
	write_lines("w", 0, 6, 'a');
	add_mark(&position, 3, 'a');
	assert_gives(&position, "3r 4 5 6 ");
	position.restart = 1;
	assert_gives(&position, "1r 2r 3r 4 5 6 ");
	add_mark(&position, 6, 'a');
	assert_gives(&position, "1r 2r 3r 4r 5r 6r ");
}

static void test_goes_on_with_the_log(void **state)
{
	struct position position = { .restart = 3 };
	struct source source;
	char given[512];

	(void)state;
	write_lines("w", 0, 2, 'a');
	add_mark(&position, 2, 'a');
	source_open(&source, path, &position);
	read_all(&source, given);
	assert_string_equal(given, "2r ");
	write_lines("a", 3, 4, 'a');
	read_all(&source, given);
	assert_string_equal(given, "3 4 ");
	source_close(&source);
}

static void test_last_lines_are_others(void **state)
{
	struct position position = { .restart = 6 };

	(void)state;
	write_lines("w", 0, 3, 'a');
	write_lines("a", 4, 7, 'b');
	add_mark(&position, 1, 'a');
	add_mark(&position, 3, 'a');
	add_mark(&position, 5, 'a');
	assert_gives(&position, "1r 2r 3r 4 5 6 7 ");
}

/* One that somebody made by hand, without a hash. */
static void test_exported_line_is_no_line_now(void **state)
{
	struct position position = { .restart = 4 };
	struct position_mark by_hand = { .seq = 3, .hash = "-" };
	FILE *file;

	(void)state;
	write_lines("w", 0, 2, 'a');
	file = fopen(path, "a");
	assert_non_null(file);
	fputs("{\"seq\":3,\"event\":\"start\",\"detail\":\"\\u0000\"}\n", file);
	assert_int_equal(fclose(file), 0);
	write_lines("a", 4, 5, 'a');
	add_mark(&position, 2, 'a');
	position_add(&position, &by_hand);
	assert_gives(&position, "2r 4 5 ");
}

static void test_last_lines_are_gone(void **state)
{
	struct position position = { .restart = 6 };

	(void)state;
	write_lines("w", 0, 3, 'a');
	add_mark(&position, 2, 'a');
	add_mark(&position, 5, 'a');
	assert_gives(&position, "2r 3 ");
}

static void test_new_chain(void **state)
{
	struct position position = { .restart = 6 };

	(void)state;
	add_mark(&position, 2, 'a');
	add_mark(&position, 5, 'a');
	write_lines("w", 0, 3, 'b'); /* shorter than where it was */
	assert_gives(&position, "|0 1 2 3 ");
	write_lines("w", 0, 7, 'b'); /* longer */
	assert_gives(&position, "|0 1 2 3 4 5 6 7 ");
}

static void test_files_gone(void **state)
{
	struct position position = { .restart = 6 };

	(void)state;
	add_mark(&position, 5, 'a');
	write_lines("w", 9, 11, 'a');
	assert_gives(&position, "|9 10 11 ");
}

static void test_no_line_yet(void **state)
{
	struct position position = { .restart = 6 };
	struct source source;
	char given[512];

	(void)state;
	add_mark(&position, 5, 'a');
	write_lines("w", 1, 0, 'b');
	source_open(&source, path, &position);
	read_all(&source, given);
	assert_string_equal(given, "");
	assert_false(source.found);
	write_lines("a", 0, 1, 'b');
	read_all(&source, given);
	assert_string_equal(given, "|0 1 ");
	source_close(&source);
}

static void test_no_line_of_ours(void **state)
{
	struct position none = { .restart = 0 };
	FILE *file;

	(void)state;
	write_lines("w", 0, 1, 'a');
	file = fopen(path, "a");
	assert_non_null(file);
	fputs("{\"seq\":2,\"event\":}\n{\"seq\":3,\"event\":\"x\"} {}\n"
	      "{\"seq\":4,\"event\":\"start\\u0000stop\"}\n",
	      file);
	fclose(file);
	write_lines("a", 5, 5, 'a');
	assert_gives(&none, "0 1 5 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_same_log),
		cmocka_unit_test(test_goes_on_with_the_log),
		cmocka_unit_test(test_last_lines_are_others),
		cmocka_unit_test(test_exported_line_is_no_line_now),
		cmocka_unit_test(test_last_lines_are_gone),
		cmocka_unit_test(test_new_chain),
		cmocka_unit_test(test_files_gone),
		cmocka_unit_test(test_no_line_yet),
		cmocka_unit_test(test_no_line_of_ours),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
