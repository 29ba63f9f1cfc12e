/*
 * Goal: the exporter's position comes back as it was saved; a file that is torn, changed
 * or none of ours is told from one that isn't there, and is never half believed.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "exporter/position.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char folder[64], path[128];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/cathgate-position-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/audit.exported", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static struct position position_of(size_t count)
{
	struct position position = { .restart = 1 };

	for (size_t i = 0; i < count; i++) {
		struct position_mark mark = { .seq = 100 * i };

		memcpy(mark.hash, HASH, sizeof(mark.hash));
		mark.hash[0] = (char)('0' + i % 10);
		position_add(&position, &mark);
	}
	return position;
}

static void assert_same(const struct position *a, const struct position *b)
{
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->restart, b->restart);
	for (size_t i = 0; i < a->count; i++)
		assert_true(position_mark_equals(&a->marks[i], &b->marks[i]));
}

static void test_comes_back(void **state)
{
	static const size_t counts[] = { 1, 2, POSITION_MARKS };

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct position saved = position_of(counts[i]), loaded;

		assert_int_equal(position_save(path, &saved), 0);
		assert_int_equal(position_load(path, &loaded), POSITION_KNOWN);
		assert_same(&saved, &loaded);
	}
}

static void test_newest_stay(void **state)
{
	struct position position = position_of(POSITION_MARKS + 5);

	(void)state;
	assert_int_equal(position.count, POSITION_MARKS);
	for (size_t i = 0; i < POSITION_MARKS; i++)
		assert_int_equal(position.marks[i].seq, 100 * (POSITION_MARKS + 4 - i));
}

static void test_missing(void **state)
{
	struct position position;

	(void)state;
	unlink(path);
	assert_int_equal(position_load(path, &position), POSITION_NONE);
}

static void write_bytes(const char *bytes, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void test_torn(void **state)
{
	struct position saved = position_of(2), loaded = { .restart = 42 };
	char bytes[4096];
	size_t size;
	FILE *file;

	(void)state;
	assert_int_equal(position_save(path, &saved), 0);
	file = fopen(path, "r");
	assert_non_null(file);
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	for (size_t i = 0; i < size; i++) {
		write_bytes(bytes, i);
		assert_int_equal(position_load(path, &loaded), POSITION_LOST);
	}
	assert_int_equal(loaded.restart, 42);
	write_bytes(bytes, size);
	assert_int_equal(position_load(path, &loaded), POSITION_KNOWN);
}

static void test_strange(void **state)
{
	static const char *const texts[] = {
		"",
		"end\n",
		"cathgate exported 2\nrestart 1\nend\n",
		"cathgate exported 1\nend\n",
		"cathgate exported 1\nrestart\nend\n",
		"cathgate exported 1\nrestart 1x\nend\n",
		"cathgate exported 1\nrestart 1\nx " HASH "\nend\n",
		"cathgate exported 1\nrestart 1\n5\nend\n",
		"cathgate exported 1\nrestart 1\n5 " HASH "0\nend\n",
		"cathgate exported 1\nrestart 1\n5 xyz\nend\n",
		"cathgate exported 1\nrestart 1\n5 " HASH "\nend",
		/* Both would skip lines that were never exported. */
		"cathgate exported 1\nrestart 18446744073709551615\nend\n",
		"cathgate exported 1\nrestart 7\n5 " HASH "\nend\n",
	};
	struct position loaded;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_bytes(texts[i], strlen(texts[i]));
		if (position_load(path, &loaded) != POSITION_LOST)
			fail_msg("believed: %s", texts[i]);
	}
}

static void test_nothing_is_written_through_links(void **state)
{
	struct position saved = position_of(2), loaded;
	char draft[160], other[160], byte = 0;
	int fd;

	(void)state;
	snprintf(draft, sizeof(draft), "%s.new", path);
	snprintf(other, sizeof(other), "%s.other", path);
	fd = open(other, O_RDWR | O_CREAT, 0600);
	assert_int_equal(write(fd, "x", 1), 1);
	for (int way = 0; way < 3; way++) {
		assert_int_equal(way == 0   ? symlink(other, draft)
				 : way == 1 ? link(other, draft)
					    : mkfifo(draft, 0600),
				 0);
		assert_int_equal(position_save(path, &saved), 0);
		assert_int_equal(position_load(path, &loaded), POSITION_KNOWN);
		assert_int_equal(pread(fd, &byte, 1, 0), 1);
		assert_int_equal(byte, 'x');
	}
	close(fd);
	unlink(other);
}

static void test_cannot_save(void **state)
{
	struct position before = position_of(1), after = position_of(2), loaded;
	char blocker[160];

	(void)state;
	assert_int_equal(position_save(path, &before), 0);
	snprintf(blocker, sizeof(blocker), "%s.new", path);
	assert_int_equal(mkdir(blocker, 0700), 0);
	assert_int_equal(position_save(path, &after), -1);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(rmdir(blocker), 0);
	assert_int_equal(position_load(path, &loaded), POSITION_KNOWN);
	assert_same(&before, &loaded);
}

static void test_path(void **state)
{
	static const char *const pairs[][3] = {
		{ "/var/log/audit.jsonl", "", "/var/log/audit.exported" },
		{ "/var/log/audit", "", "/var/log/audit.exported" },
		{ "/var/log/audit.jsonl", "-messages",
		  "/var/log/audit.exported-messages" },
		{ "a.jsonl.old", "", "a.jsonl.old.exported" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char *made = position_path(pairs[i][0], pairs[i][1]);

		assert_string_equal(made, pairs[i][2]);
		free(made);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_newest_stay),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_strange),
		cmocka_unit_test(test_cannot_save),
		cmocka_unit_test(test_nothing_is_written_through_links),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
