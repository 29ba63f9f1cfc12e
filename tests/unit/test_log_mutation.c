/* Goal: whatever is done to a log of 10,000 lines is found, given its last checkpoint and
 * the key: each byte that is changed, each line swapped, removed, added or repeated, each
 * end cut off; and the line named is the one where it was done. The same thousands of
 * changes in each run. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "log_maker.h"

/* Sanitizers look at how a log is read, whatever its length. */
#ifdef __SANITIZE_ADDRESS__
#define LINES 2500
#else
#define LINES 10000
#endif
#define CHECKPOINT 500

static struct log_maker whole;
static int fd;

static uint64_t state_of_chance = 20260131;

/* The same sequence everywhere (Marsaglia's xorshift64). */
static uint64_t chance(uint64_t below)
{
	state_of_chance ^= state_of_chance << 13;
	state_of_chance ^= state_of_chance >> 7;
	state_of_chance ^= state_of_chance << 17;
	return state_of_chance % below;
}

static void put(size_t at, const char *bytes, size_t size)
{
	assert_int_equal(pwrite(fd, bytes, size, (off_t)at), size);
}

/* The log as it was, from a place on. */
static void put_whole(size_t from)
{
	put(from, whole.bytes + from, whole.size - from);
	assert_int_equal(ftruncate(fd, (off_t)whole.size), 0);
}

/* With short lines: it is read some thousand times. */
static int fill(void)
{
	int result = log_maker_add(&whole, "start", "");
	while (result == 0 && whole.lines < LINES)
		result = whole.lines % CHECKPOINT == 0 || whole.lines + 1 == LINES
				 ? log_maker_checkpoint(&whole, true)
				 : log_maker_add(&whole, "instance", "");
	return result;
}

static int setup(void **state)
{
	(void)state;
	if (log_maker_open(&whole, NULL) || fill())
		return -1;
	fd = memfd_create("log", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	put_whole(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(fd);
	log_maker_close(&whole);
	return 0;
}

static struct log_verify_fault verify(void)
{
	struct log_verify_file file;
	const struct verifying_key *keys[] = { whole.verifying };
	struct log_verify_options options = { .keys = keys,
					      .key_count = 1,
					      .checkpoints = &whole.last,
					      .checkpoint_count = 1 };
	assert_int_equal(log_verify_scan(fd, &options, &file), 0);
	return file.fault;
}

#define ANY_KIND LOG_VERIFY_NO_FAULT

/* Where, counted from 0, and what must be found. */
static void require_fault(const char *what, size_t line, enum log_verify_kind kind)
{
	struct log_verify_fault fault = verify();
	if (fault.kind == LOG_VERIFY_NO_FAULT)
		fail_msg("%s at line %zu: not found", what, line + 1);
	if (fault.line != line + 1 || (kind != ANY_KIND && fault.kind != kind))
		fail_msg("%s at line %zu: called %s at line %" PRIu64 ": %s", what,
			 line + 1, log_verify_kind_name(fault.kind), fault.line,
			 fault.why);
	assert_true(fault.offset == (line < LINES ? whole.offsets[line] : whole.size));
	assert_true(fault.why[0]);
}

static size_t size_of(size_t line)
{
	return (line + 1 < LINES ? whole.offsets[line + 1] : whole.size) -
	       whole.offsets[line];
}

static const char *text_of(size_t line)
{
	return whole.bytes + whole.offsets[line];
}

static void the_log_itself_holds(void **state)
{
	(void)state;
	struct log_verify_fault fault = verify();
	if (fault.kind)
		fail_msg("%s at line %" PRIu64, fault.why, fault.line);
}

static void change_byte(size_t line, size_t at, char to)
{
	size_t offset = whole.offsets[line] + at;
	if (whole.bytes[offset] == to)
		return;
	put(offset, &to, 1);
	require_fault("a byte", line, ANY_KIND);
	put(offset, whole.bytes + offset, 1);
}

static void every_changed_byte_is_found(void **state)
{
	(void)state;
	for (int i = 0; i < 700; i++) {
		size_t line = chance(LINES);
		change_byte(line, chance(size_of(line)), (char)chance(256));
	}
	/* Newlines that come and go. */
	for (int i = 0; i < 50; i++) {
		size_t line = chance(LINES);
		change_byte(line, size_of(line) - 1, (char)chance(256));
		change_byte(line, chance(size_of(line)), '\n');
	}
}

static void every_changed_byte_of_a_checkpoint_is_found(void **state)
{
	(void)state;
	for (int i = 0; i < 120; i++) {
		size_t line = CHECKPOINT * (1 + chance(LINES / CHECKPOINT - 1));
		assert_non_null(memmem(text_of(line), size_of(line), "signature", 9));
		change_byte(line, chance(size_of(line)), (char)chance(256));
	}
	for (size_t at = 0; at < size_of(LINES - 1); at += 7)
		change_byte(LINES - 1, at, (char)chance(256));
	change_byte(LINES - 1, size_of(LINES - 1) - 1, ' ');
}

static void swap(size_t first, size_t second)
{
	size_t at = whole.offsets[first];
	put(at, text_of(second), size_of(second));
	at += size_of(second);
	put(at, text_of(first + 1), whole.offsets[second] - whole.offsets[first + 1]);
	at += whole.offsets[second] - whole.offsets[first + 1];
	put(at, text_of(first), size_of(first));
	/* Without a known predecessor a file may begin with any line: then it is told by
	 * what comes next. */
	require_fault("a swap", first == 0 ? 1 : first,
		      first == 0 ? ANY_KIND : LOG_VERIFY_REORDERED);
	put_whole(whole.offsets[first]);
}

static void every_swap_is_found(void **state)
{
	(void)state;
	for (int i = 0; i < 120; i++) {
		size_t first = 1 + chance(LINES - 2);
		swap(first, first + 1 + chance(LINES - 1 - first));
		first = 1 + chance(LINES - 2);
		swap(first, first + 1);
	}
	swap(LINES - 2, LINES - 1);
	swap(1, LINES - 1);
}

static void remove_lines(size_t first, size_t count)
{
	size_t behind =
		first + count == LINES ? whole.size : whole.offsets[first + count];
	put(whole.offsets[first], whole.bytes + behind, whole.size - behind);
	assert_int_equal(
		ftruncate(fd, (off_t)(whole.size - (behind - whole.offsets[first]))), 0);
	require_fault("a removal", first,
		      first + count == LINES ? LOG_VERIFY_TRUNCATED : LOG_VERIFY_MISSING);
	put_whole(whole.offsets[first]);
}

static void every_removal_is_found(void **state)
{
	(void)state;
	for (int i = 0; i < 120; i++) {
		size_t first = chance(LINES);
		remove_lines(first, 1);
		remove_lines(first, 1 + chance(LINES - first));
	}
	remove_lines(0, 1);
	remove_lines(0, LINES - 1);
	remove_lines(0, LINES - 0);
	remove_lines(LINES - 1, 1);
	remove_lines(LINES - 2, 2);
}

static void insert(size_t before, const char *text, size_t size, const char *what,
		   enum log_verify_kind kind)
{
	size_t at = before == LINES ? whole.size : whole.offsets[before];
	put(at, text, size);
	put(at + size, whole.bytes + at, whole.size - at);
	require_fault(what, before, kind);
	put_whole(at);
}

static void every_repetition_is_found(void **state)
{
	(void)state;
	for (int i = 0; i < 120; i++) {
		size_t line = chance(LINES);
		insert(line + 1, text_of(line), size_of(line), "the same twice",
		       LOG_VERIFY_REPEATED);
		size_t before = 1 + chance(LINES);
		if (before != line)
			insert(before, text_of(line), size_of(line), "a repetition",
			       LOG_VERIFY_REPEATED);
	}
}

/* A line that is sealed as if it belonged there. */
static void every_addition_is_found(void **state)
{
	(void)state;
	for (int i = 0; i < 120; i++) {
		char line[512];
		struct chain_line last;
		size_t before = 1 + chance(LINES - 1);
		assert_int_equal(chain_read(whole.digest, text_of(before - 1),
					    size_of(before - 1) - 1, &last),
				 0);
		struct chain chain = chain_behind(&last);
		chain.next_seq += chance(2) == 0 ? chance(7) : 0;
		int size =
			snprintf(line, sizeof(line),
				 "{\"seq\":%" PRIu64 ",\"event\":\"x\"", chain.next_seq);
		size_t sealed = chain_seal(&chain, whole.digest, line, (size_t)size);
		insert(before, line, sealed, "an addition", LOG_VERIFY_INSERTED);
		insert(before, "rubbish\n", 8, "rubbish", LOG_VERIFY_INSERTED);
		insert(before, "\n", 1, "an empty line", LOG_VERIFY_INSERTED);
	}
}

static void every_cut_is_found(void **state)
{
	(void)state;
	for (int i = 0; i < 250; i++) {
		size_t line = i < 200 ? chance(LINES) : LINES - 1;
		size_t at = chance(size_of(line));
		assert_int_equal(ftruncate(fd, (off_t)(whole.offsets[line] + at)), 0);
		require_fault("a cut", line, LOG_VERIFY_TRUNCATED);
		put_whole(whole.offsets[line]);
	}
	assert_int_equal(ftruncate(fd, (off_t)whole.size - 1), 0);
	require_fault("the last newline", LINES - 1, LOG_VERIFY_TRUNCATED);
	put_whole(whole.offsets[LINES - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_log_itself_holds),
		cmocka_unit_test(every_changed_byte_is_found),
		cmocka_unit_test(every_changed_byte_of_a_checkpoint_is_found),
		cmocka_unit_test(every_swap_is_found),
		cmocka_unit_test(every_removal_is_found),
		cmocka_unit_test(every_repetition_is_found),
		cmocka_unit_test(every_addition_is_found),
		cmocka_unit_test(every_cut_is_found),
		cmocka_unit_test(the_log_itself_holds),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
