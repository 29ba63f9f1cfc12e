/* Goal: whatever is done to a log of 10,000 lines is found, given its last checkpoint and
 * the key: each byte that is changed, each line swapped, removed, added or repeated, each
 * end cut off. The same thousands of changes in each run. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "log_maker.h"

#define LINES	   10000
#define CHECKPOINT 1000
#define TRIES	   2000 /* of each kind, but for those that need the whole log */

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

static int setup(void **state)
{
	(void)state;
	if (log_maker_open(&whole, 0) || log_maker_fill(&whole, LINES, CHECKPOINT))
		return -1;
	fd = memfd_create("log", MFD_CLOEXEC);
	return fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	close(fd);
	log_maker_close(&whole);
	return 0;
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

static struct log_verify_fault verify(void)
{
	struct log_verify_file file;
	const struct verifying_key *keys[] = { whole.verifying };
	struct log_verify_options options = { .keys = keys,
					      .key_count = 1,
					      .checkpoints = &whole.last,
					      .checkpoint_count = 1 };
	assert_int_equal(log_verify_scan(fd, &options, &file), 0);
	if (file.fault.kind)
		assert_true(file.fault.why[0]);
	return file.fault;
}
