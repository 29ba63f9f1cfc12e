/* Goal: of too many delivered objects the oldest are the ones to be forgotten, whatever
 * else waits among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spool/spooler/internal.h"

static void add(struct spool_index *index, uint64_t sequence, enum spool_state state)
{
	struct spool_name name = { .sequence = sequence, .state = state };

	name.content[0] = (uint8_t)sequence;
	assert_non_null(index_add(index, &name));
}

static void the_oldest_delivered_go(void **state)
{
	struct spool_index index;

	(void)state;
	index_init(&index);
	assert_int_equal(tombstones_first(&index, 1), 0);
	for (uint64_t i = 100; i > 0; i--)
		add(&index, i, i % 2 ? SPOOL_DELIVERED : SPOOL_QUEUED);
	assert_int_equal(tombstones_first(&index, 100), 0);
	assert_int_equal(tombstones_first(&index, 50), 0);
	assert_int_equal(tombstones_first(&index, 49), 3);
	assert_int_equal(tombstones_first(&index, 1), 99);
	index_clear(&index);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_oldest_delivered_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
