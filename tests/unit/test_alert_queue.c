/* Alerts that come too fast are summed up, and none goes before its time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cathgate/base/clock.h"
#include "observer/alert_queue.h"

#define MINUTE_MS 60000

static void add(struct alert_queue *queue, int number)
{
	alert_queue_add(queue, json_pack("{s:s,s:o}", "alert", "began", "text",
					 json_sprintf("number %d", number)));
}

/* As if so much time had passed. */
static void pass(struct alert_queue *queue, int64_t ms)
{
	for (int i = 0; i < ALERTER_PER_MINUTE; i++)
		queue->begun_ms[i] -= ms;
}

static void assert_next(struct alert_queue *queue, const char *text)
{
	json_t *next = alert_queue_next(queue);

	assert_non_null(next);
	assert_string_equal(json_string_value(json_object_get(next, "text")), text);
	json_decref(next);
}

static void what_comes_too_fast_is_summed_up(void **state)
{
	struct alert_queue queue;
	json_t *more;

	(void)state;
	assert_int_equal(alert_queue_open(&queue), 0);
	assert_null(alert_queue_next(&queue));
	for (int i = 1; i <= ALERTER_PER_MINUTE + 20; i++)
		add(&queue, i);
	assert_next(&queue, "number 1");
	assert_next(&queue, "number 2");
	assert_next(&queue, "number 3");
	assert_next(&queue, "number 4");
	assert_null(alert_queue_next(&queue));
	pass(&queue, MINUTE_MS / 2);
	assert_null(alert_queue_next(&queue));

	pass(&queue, MINUTE_MS / 2);
	add(&queue, 99); /* behind those that wait */
	more = alert_queue_next(&queue);
	assert_string_equal(json_string_value(json_object_get(more, "alert")), "more");
	assert_int_equal(json_integer_value(json_object_get(more, "count")), 21);
	assert_int_equal(json_array_size(json_object_get(more, "texts")),
			 ALERT_QUEUE_TEXTS);
	json_decref(more);
	assert_null(alert_queue_next(&queue));

	add(&queue, 100);
	assert_next(&queue, "number 100");
	alert_queue_close(&queue);
}

static void four_a_minute_are_not_held_up(void **state)
{
	struct alert_queue queue;

	(void)state;
	assert_int_equal(alert_queue_open(&queue), 0);
	for (int i = 0; i < 100; i++) {
		add(&queue, i);
		json_decref(alert_queue_next(&queue));
		assert_int_equal(queue.more, 0);
		pass(&queue, MINUTE_MS / ALERTER_PER_MINUTE);
	}
	alert_queue_close(&queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_too_fast_is_summed_up),
		cmocka_unit_test(four_a_minute_are_not_held_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
