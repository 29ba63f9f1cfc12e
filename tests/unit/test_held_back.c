/* Goal: who makes three associations crash within a minute is held back for ten, and
 * nobody else; what a table has no room for costs the oldest rows only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "supervisor/gate/held_back.h"

#define START_MS 5

static struct held_back held;

static int begin(void **state)
{
	(void)state;
	held = (struct held_back){ 0 };
	return 0;
}

static struct suspect address_of(unsigned number)
{
	struct suspect suspect = { .is_address = true };

	for (int i = 0; i < 4; i++)
		suspect.address.bytes[i] = (uint8_t)(number >> (8 * i));
	return suspect;
}

static void three_in_a_minute_are_too_many(void **state)
{
	const struct suspect who = { .modality = 3 }, other = { .modality = 4 },
			     there = address_of(3);

	(void)state;
	assert_false(held_back_crashed(&held, &who, START_MS));
	assert_false(held_back_crashed(&held, &who, START_MS + 1));
	assert_false(held_back_crashed(&held, &other, START_MS + 2));
	assert_false(held_back_crashed(&held, &there, START_MS + 3));
	assert_false(held_back_holds(&held, &who, START_MS + 4));
	assert_true(held_back_crashed(&held, &who, START_MS + HELD_BACK_WITHIN_MS - 1));
	assert_true(held_back_holds(&held, &who, START_MS + HELD_BACK_WITHIN_MS));
	assert_false(held_back_holds(&held, &other, START_MS + HELD_BACK_WITHIN_MS));
	assert_false(held_back_holds(&held, &there, START_MS + HELD_BACK_WITHIN_MS));
	/* One that was let in before. */
	assert_false(held_back_crashed(&held, &who, START_MS + HELD_BACK_WITHIN_MS + 1));
}

static void three_in_longer_are_not(void **state)
{
	const struct suspect who = { .modality = 3 };

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_false(held_back_crashed(
			&held, &who, START_MS + (int64_t)i * HELD_BACK_WITHIN_MS / 2));
}

static void it_ends_by_itself(void **state)
{
	const struct suspect who = address_of(7);

	(void)state;
	for (int i = 0; i < HELD_BACK_CRASHES; i++)
		held_back_crashed(&held, &who, START_MS);
	assert_true(held_back_holds(&held, &who, START_MS + HELD_BACK_MS - 1));
	assert_false(held_back_holds(&held, &who, START_MS + HELD_BACK_MS));
	assert_false(held_back_crashed(&held, &who, START_MS + HELD_BACK_MS));
	assert_false(held_back_crashed(&held, &who, START_MS + HELD_BACK_MS));
	assert_true(held_back_crashed(&held, &who, START_MS + HELD_BACK_MS));
}

static void the_last_ones_are_held_back(void **state)
{
	const unsigned all = 10 * HELD_BACK_AT_ONCE;

	(void)state;
	for (unsigned i = 0; i < all; i++) {
		const struct suspect who = address_of(i);

		held_back_crashed(&held, &who, START_MS + i);
		held_back_crashed(&held, &who, START_MS + i);
		assert_true(held_back_crashed(&held, &who, START_MS + i));
	}
	for (unsigned i = 0; i < all; i++) {
		const struct suspect who = address_of(i);

		assert_int_equal(held_back_holds(&held, &who, START_MS + all),
				 i >= all - HELD_BACK_AT_ONCE);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(three_in_a_minute_are_too_many, begin),
		cmocka_unit_test_setup(three_in_longer_are_not, begin),
		cmocka_unit_test_setup(it_ends_by_itself, begin),
		cmocka_unit_test_setup(the_last_ones_are_held_back, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
