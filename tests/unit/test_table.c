/*
 * Goal: a table fits a terminal, by folding its rows or letting the last column flow, and
 * loses nothing by that; elsewhere each row is one line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/kit/table.h"

#define UID "1.2.840.113619.2.5.1762583153.215519.978957063.78"

static const struct table_column counted[] = {
	{ .head = "STUDY", .width = 8 },
	{ .head = "GOOD", .is_number = true },
	{ .head = "BAD", .is_number = true },
	{ .head = "LAST", .gap = 2 },
};
static const struct table_cell counted_rows[][4] = {
	{ { .text = UID },
	  { .text = "12" },
	  { .text = "0" },
	  { .text = "2026-01-31 12:00:00" } },
	{ { .text = "1.2\x1b\\" }, { .text = "3" }, { .text = "4" }, { .text = "-" } },
};
static const struct table_column flowing[] = {
	{ .head = "SEQ", .width = 5, .is_number = true },
	{ .head = "WHO", .width = 6 },
	{ .head = "WHAT", .flows = true },
};
static const struct table_cell flowing_rows[][3] = {
	{ { .text = "1" },
	  { .text = "angio" },
	  { .text = "one two three four five six seven eight nine ten" } },
	{ { .text = "2" },
	  { .text = "a-longer-name" },
	  { .text = "a\\\\b", .is_shown = true } },
	{ { .text = "3" }, { .text = "ct" }, { .text = "" } },
};

struct written {
	struct table table;
	char *text;
	size_t size;
};

static void begin(struct written *written, const struct table_column *columns,
		  size_t count, size_t terminal)
{
	FILE *to = open_memstream(&written->text, &written->size);

	assert_non_null(to);
	table_open(&written->table, to, columns, count);
	assert_int_equal(written->table.terminal, 0);
	written->table.terminal = terminal;
}

static void expect(struct written *written, const char *wanted)
{
	fclose(written->table.to);
	assert_string_equal(written->text, wanted);
	free(written->text);
}

static void write_counted(struct written *written, size_t terminal)
{
	begin(written, counted, 4, terminal);
	for (size_t i = 0; i < 2; i++)
		table_measure(&written->table, counted_rows[i]);
	table_head(&written->table);
	for (size_t i = 0; i < 2; i++)
		table_row(&written->table, counted_rows[i]);
}

static void write_flowing(struct written *written, size_t terminal)
{
	begin(written, flowing, 3, terminal);
	table_head(&written->table);
	for (size_t i = 0; i < 3; i++)
		table_row(&written->table, flowing_rows[i]);
}

#define COUNTED_LINES                                                            \
	"STUDY                                             GOOD BAD  LAST\n" UID \
	"   12   0  2026-01-31 12:00:00\n"                                       \
	"1.2\\u001b\\\\                                          3   4  -\n"

static void test_lines_where_there_is_room(void **state)
{
	struct written written;

	(void)state;
	write_counted(&written, 0);
	expect(&written, COUNTED_LINES);
	write_counted(&written, 79);
	expect(&written, COUNTED_LINES);
}

static void test_blocks_where_there_is_none(void **state)
{
	struct written written;

	(void)state;
	write_counted(&written, 78);
	expect(&written, UID "\n    good 12, last 2026-01-31 12:00:00\n"
			     "1.2\\u001b\\\\\n    good 3, bad 4\n");
	write_counted(&written, 30);
	expect(&written, UID "\n    good 12,\n    last 2026-01-31 12:00:00\n"
			     "1.2\\u001b\\\\\n    good 3, bad 4\n");
}

static void test_flows_beside(void **state)
{
	struct written written;

	(void)state;
	write_flowing(&written, 54);
	expect(&written, "  SEQ WHO    WHAT\n"
			 "    1 angio  one two three four five six seven eight\n"
			 "             nine ten\n"
			 "    2 a-longer-name a\\\\b\n"
			 "    3 ct\n");
}

static void test_flows_beneath(void **state)
{
	struct written written;

	(void)state;
	write_flowing(&written, 30);
	expect(&written, "  SEQ WHO    WHAT\n"
			 "    1 angio\n"
			 "    one two three four five\n"
			 "    six seven eight nine ten\n"
			 "    2 a-longer-name a\\\\b\n"
			 "    3 ct\n");
	write_flowing(&written, 11);
	expect(&written, "1\n    who \n    angio\n    one two\n    three\n    four\n"
			 "    five\n    six\n    seven\n    eight\n    nine\n    ten\n"
			 "2\n    who \n    a-longer-name\n    a\\\\b\n"
			 "3\n    who ct\n");
}

static void test_one_line_elsewhere(void **state)
{
	struct written written;

	(void)state;
	write_flowing(&written, 0);
	expect(&written, "  SEQ WHO    WHAT\n"
			 "    1 angio  one two three four five six seven eight nine ten\n"
			 "    2 a-longer-name a\\\\b\n"
			 "    3 ct\n");
}

static void test_colours(void **state)
{
	static const struct table_cell row[] = { { .text = "1" },
						 { .text = "ct", .colour = "<green>" },
						 { .text = "well", .colour = "" } };
	struct written written;

	(void)state;
	begin(&written, flowing, 3, 0);
	table_row(&written.table, row);
	written.table.in_colour = true;
	table_row(&written.table, row);
	expect(&written, "    1 ct     well\n    1 <green>ct\033[0m     well\n");
}

static void test_one_long_cell_widens_nothing(void **state)
{
	char text[1001];
	const struct table_cell row[] = {
		{ .text = text }, { .text = "1" }, { .text = "2" }, { .text = "3" }
	};
	struct written written;

	(void)state;
	memset(text, 'x', 1000);
	text[1000] = '\0';
	begin(&written, counted, 4, 0);
	table_measure(&written.table, row);
	table_measure(&written.table, counted_rows[0]);
	assert_int_equal(written.table.widths[0], 64);
	table_row(&written.table, row);
	fclose(written.table.to);
	assert_non_null(strstr(written.text, "x    1   2  3\n"));
	free(written.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_where_there_is_room),
		cmocka_unit_test(test_blocks_where_there_is_none),
		cmocka_unit_test(test_flows_beside),
		cmocka_unit_test(test_flows_beneath),
		cmocka_unit_test(test_one_line_elsewhere),
		cmocka_unit_test(test_colours),
		cmocka_unit_test(test_one_long_cell_widens_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
