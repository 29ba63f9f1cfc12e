/*
 * Goal: a file's lines come backwards as they come forwards, however long they are; and a
 * reader begins at a place of the log only if what is wanted stands there.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cathgate/audit/log_reader.h"

#define LINES_MAX 400

struct place {
	char directory[64], live[96], rotated[96];
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	strcpy(place->directory, "/tmp/test-log-back-XXXXXX");
	if (!mkdtemp(place->directory))
		return -1;
	sprintf(place->live, "%s/audit.jsonl", place->directory);
	sprintf(place->rotated, "%s/audit-0.jsonl", place->directory);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;
	unlink(place->live);
	unlink(place->rotated);
	rmdir(place->directory);
	free(place);
	return 0;
}

static void write_lines(const char *path, int from, int to)
{
	FILE *file = fopen(path, "a");
	for (int i = from; i < to; i++)
		fprintf(file, "{\"seq\":%d,\"event\":\"x\"}\n", i);
	fclose(file);
}

struct seen {
	uint64_t seqs[LINES_MAX];
	size_t sizes[LINES_MAX];
	off_t offsets[LINES_MAX];
	size_t count;
};

static bool see(void *context, const struct log_reader_line *line, off_t offset)
{
	struct seen *seen = context;
	seen->seqs[seen->count] = line->seq;
	seen->sizes[seen->count] = line->size;
	seen->offsets[seen->count++] = offset;
	return true;
}

static void assert_same_both_ways(const char *path)
{
	struct seen back = { .count = 0 };
	struct log_reader_line line;
	enum log_reader_result result;
	struct log_reader *reader = log_reader_open_file(path);
	assert_int_equal(log_reader_backwards(path, see, &back), 0);
	size_t left = back.count;
	while ((result = log_reader_next(reader, &line)) != LOG_READER_END) {
		if (result == LOG_READER_GAP)
			continue;
		assert_int_equal(result, LOG_READER_LINE);
		assert_true(left-- > 0);
		assert_int_equal(back.seqs[left], line.seq);
		assert_int_equal(back.sizes[left], line.size);
	}
	assert_int_equal(left, 0);
	log_reader_close(reader);
}

/* Lines of nothing, of a few bytes, of nearly, just and more than what a line can have,
 * and longer than any buffer; with and without a newline at the end. */
static void lines_come_backwards(void **state)
{
	struct place *place = *state;
	static const int sizes[] = { 0,	    1,	   22,	   100,	   5000,  65535,
				     65536, 65537, 131072, 300000, 900000 };
	const int count = sizeof(sizes) / sizeof(sizes[0]);
	srand(9);
	for (int round = 0; round < 60; round++) {
		FILE *file = fopen(place->live, "w");
		for (int i = 0; i < rand() % 40; i++) {
			int size = sizes[rand() % count];
			int head =
				size < 22 ? 0 : fprintf(file, "{\"seq\":%d,\"x\":\"", i);
			for (int j = head; j < size - 2; j++)
				fputc('.', file);
			if (head)
				fputs("\"}", file);
			if (i < 39 || round % 2)
				fputc('\n', file);
		}
		fclose(file);
		assert_same_both_ways(place->live);
	}
}

static void assert_next(struct log_reader *reader, uint64_t seq)
{
	struct log_reader_line line;
	assert_non_null(reader);
	assert_int_equal(log_reader_next(reader, &line), LOG_READER_LINE);
	assert_int_equal(line.seq, seq);
	log_reader_close(reader);
}

static void a_reader_begins_where_it_should(void **state)
{
	struct place *place = *state;
	struct seen seen = { .count = 0 };
	struct log_reader_line line;
	write_lines(place->rotated, 0, 100);
	write_lines(place->live, 100, 200);
	assert_int_equal(log_reader_backwards(place->live, see, &seen), 0);
	assert_int_equal(seen.seqs[9], 190);
	assert_next(log_reader_open_at(place->live, 190, place->live, seen.offsets[9]),
		    190);
	/* Another line there; within a line; behind the end; no such file. */
	assert_next(log_reader_open_at(place->live, 190, place->live, seen.offsets[8]),
		    190);
	assert_next(
		log_reader_open_at(place->live, 190, place->live, seen.offsets[9] + 3),
		190);
	assert_next(log_reader_open_at(place->live, 190, place->live, 1 << 20), 190);
	assert_next(log_reader_open_at(place->live, 190, "/nonexistent", 0), 190);
	/* Found in a file that no longer has it. */
	assert_next(log_reader_open_at(place->live, 50, place->live, 0), 50);
	/* Behind the last line: what comes. */
	off_t end = seen.offsets[0] + (off_t)seen.sizes[0] + 1;
	struct log_reader *reader =
		log_reader_open_at(place->live, 200, place->live, end);
	assert_int_equal(log_reader_next(reader, &line), LOG_READER_END);
	/* The line before is taken back, and another stands there. */
	assert_int_equal(truncate(place->live, seen.offsets[0]), 0);
	write_lines(place->live, 300, 302);
	assert_int_equal(log_reader_next(reader, &line), LOG_READER_LINE);
	assert_int_equal(line.seq, 300);
	log_reader_close(reader);
	/* From a file on; the name has another file's lines now. */
	assert_next(log_reader_open_from(place->live, 100, place->live), 100);
	assert_next(log_reader_open_from(place->live, 7, place->live), 7);
	assert_next(log_reader_open_from(place->live, 0, place->rotated), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_come_backwards, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reader_begins_where_it_should, setup,
						teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
