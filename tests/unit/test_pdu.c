/* Goal: the heads of PDUs and PDVs are read right, and those that can't be are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dicom/pdu.h"

#define ALLOWED (1U << PDU_DATA | 1U << PDU_RELEASE_RQ | 1U << PDU_ABORT)

static void test_the_head_of_a_pdu(void **state)
{
	static const struct {
		uint8_t bytes[PDU_HEAD_SIZE];
		bool is_allowed;
		uint32_t length;
	} cases[] = {
		{ { PDU_DATA, 0, 1, 2, 3, 4 }, true, 0x01020304 },
		{ { PDU_DATA, 0xff, 0, 0, 0, 0 }, true, 0 },
		{ { PDU_RELEASE_RQ, 0, 0, 0, 0, 4 }, true, 4 },
		{ { PDU_RELEASE_RQ, 0, 0, 0, 0, 5 }, false, 5 },
		{ { PDU_ABORT, 0, 0, 0, 0, 3 }, false, 3 },
		{ { PDU_ASSOCIATE_RQ, 0, 0, 0, 0, 4 }, false, 4 },
		{ { PDU_ABORT + 1, 0, 0, 0, 0, 4 }, false, 4 },
		{ { 32 + PDU_DATA, 0, 0, 0, 0, 4 }, false, 4 },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, false, UINT32_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pdu_head head;

		assert_int_equal(pdu_head_read(cases[i].bytes, ALLOWED, &head),
				 cases[i].is_allowed);
		assert_int_equal(head.type, cases[i].bytes[0]);
		assert_int_equal(head.length, cases[i].length);
	}
}

static void test_pdvs_are_taken_one_by_one(void **state)
{
	static const uint8_t body[] = { 0, 0, 0, 4, 3, 1, 'a', 'b', 0, 0, 0, 2, 5, 2 };
	const uint8_t *at = body;
	size_t left = sizeof(body);
	struct ul_pdv pdv;

	(void)state;
	assert_true(pdv_take(&at, &left, &pdv));
	assert_int_equal(pdv.context, 3);
	assert_true(pdv.command && !pdv.last);
	assert_int_equal(pdv.size, 2);
	assert_memory_equal(pdv.data, "ab", 2);
	assert_int_equal(left, 6);
	assert_true(pdv_take(&at, &left, &pdv));
	assert_int_equal(pdv.context, 5);
	assert_true(!pdv.command && pdv.last);
	assert_int_equal(pdv.size, 0);
	assert_int_equal(left, 0);
	assert_ptr_equal(at, body + sizeof(body));
	assert_false(pdv_take(&at, &left, &pdv));
}

static void test_a_pdv_that_does_not_fit_is_not_taken(void **state)
{
	static const uint8_t bodies[][8] = {
		{ 0, 0, 0, 5, 1, 0 }, /* a byte longer than the body */
		{ 0, 0, 0, 1, 1, 0 }, /* shorter than its head */
		{ 0, 0, 0, 0, 1, 0 },
		{ 0xff, 0xff, 0xff, 0xff, 1, 0 },
		{ 0xff, 0xff, 0xff, 0xfe, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		const uint8_t *at = bodies[i];
		size_t left = sizeof(bodies[i]);
		struct ul_pdv pdv = { .context = 77 };

		assert_false(pdv_take(&at, &left, &pdv));
		assert_ptr_equal(at, bodies[i]);
		assert_int_equal(left, sizeof(bodies[i]));
		assert_int_equal(pdv.context, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_head_of_a_pdu),
		cmocka_unit_test(test_pdvs_are_taken_one_by_one),
		cmocka_unit_test(test_a_pdv_that_does_not_fit_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
