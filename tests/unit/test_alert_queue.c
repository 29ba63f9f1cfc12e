/* Goal: alerts that come too fast are summed up, and none goes before its time; one that
 * fails is tried three times, and holds up those about the same problem alone. */
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
	alert_queue_add(queue, json_pack("{s:s,s:s,s:o}", "alert", "began", "level",
					 number == 15 ? "critical" : "warning", "text",
					 json_sprintf("number %d", number)));
}

/* As if so much time had passed. */
static void pass(struct alert_queue *queue, int64_t ms)
{
	for (int i = 0; i < ALERTER_PER_MINUTE; i++)
		queue->begun_ms[i] -= ms;
	for (size_t i = 0; i < queue->count; i++)
		queue->items[i].due_ms -= ms;
}

static void assert_next(struct alert_queue *queue, const char *text)
{
	const json_t *next = alert_queue_next(queue);

	assert_non_null(next);
	assert_string_equal(json_string_value(json_object_get(next, "text")), text);
	alert_queue_done(queue);
}

static void add_about(struct alert_queue *queue, const char *problem, const char *text)
{
	alert_queue_add(queue, json_pack("{s:s,s:s,s:s,s:s}", "alert", "began", "problem",
					 problem, "subject", "pacs", "text", text));
}

/* Returns whether it is dropped. */
static bool fail_next(struct alert_queue *queue, const char *text)
{
	const json_t *next = alert_queue_next(queue);
	json_t *dropped;

	assert_non_null(next);
	assert_string_equal(json_string_value(json_object_get(next, "text")), text);
	dropped = alert_queue_failed(queue);
	json_decref(dropped);
	return dropped != NULL;
}

static void what_comes_too_fast_is_summed_up(void **state)
{
	struct alert_queue queue;
	const json_t *more;

	(void)state;
	assert_int_equal(alert_queue_open(&queue, "gw"), 0);
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
	assert_string_equal(json_string_value(json_object_get(more, "node")), "gw");
	assert_string_equal(json_string_value(json_object_get(more, "level")),
			    "critical");
	assert_string_not_equal(json_string_value(json_object_get(more, "time")), "");
	alert_queue_done(&queue);
	assert_null(alert_queue_next(&queue));

	add(&queue, 100);
	assert_next(&queue, "number 100");
	alert_queue_close(&queue);
}

static void four_a_minute_are_not_held_up(void **state)
{
	struct alert_queue queue;

	(void)state;
	assert_int_equal(alert_queue_open(&queue, "gw"), 0);
	for (int i = 0; i < 100; i++) {
		add(&queue, i);
		assert_non_null(alert_queue_next(&queue));
		alert_queue_done(&queue);
		assert_int_equal(queue.more, 0);
		pass(&queue, MINUTE_MS / ALERTER_PER_MINUTE);
	}
	alert_queue_close(&queue);
}

static void one_that_fails_is_tried_again(void **state)
{
	struct alert_queue queue;

	(void)state;
	assert_int_equal(alert_queue_open(&queue, "gw"), 0);
	add_about(&queue, "failing", "it began");
	assert_false(fail_next(&queue, "it began"));
	assert_null(alert_queue_next(&queue));
	/* Another problem isn't held up, but the end doesn't come before the beginning.
	 */
	add_about(&queue, "failing", "it ended");
	add_about(&queue, "other", "another");
	assert_next(&queue, "another");
	assert_null(alert_queue_next(&queue));
	pass(&queue, MINUTE_MS);
	add_about(&queue, "other", "a third");
	assert_false(fail_next(&queue, "it began"));
	assert_next(&queue, "a third");
	assert_null(alert_queue_next(&queue));
	pass(&queue, MINUTE_MS);
	assert_true(fail_next(&queue, "it began"));
	assert_next(&queue, "it ended");
	assert_null(alert_queue_next(&queue));
	alert_queue_close(&queue);
}

static void when_all_fail_all_are_tried(void **state)
{
	struct alert_queue queue;
	int dropped = 0, added = 0;

	(void)state;
	assert_int_equal(alert_queue_open(&queue, "gw"), 0);
	for (int second = 0; second < 3600; second++) {
		const json_t *next;

		if (second % 7 == 0 && second < 3000)
			add(&queue, added++);
		next = alert_queue_next(&queue);
		if (next) {
			json_t *lost = alert_queue_failed(&queue);

			dropped += lost != NULL;
			json_decref(lost);
		}
		assert_true(queue.count < ALERT_QUEUE_MAX);
		pass(&queue, 1000);
	}
	assert_true(dropped > 40);
	assert_int_equal(queue.count, 0);
	assert_int_equal(queue.more, 0);
	alert_queue_close(&queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_too_fast_is_summed_up),
		cmocka_unit_test(four_a_minute_are_not_held_up),
		cmocka_unit_test(one_that_fails_is_tried_again),
		cmocka_unit_test(when_all_fail_all_are_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
