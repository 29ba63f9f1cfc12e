#include "alert_queue.h"

#include <string.h>

#include "cathgate/base/clock.h"

#define MINUTE_MS 60000

int alert_queue_open(struct alert_queue *queue)
{
	*queue = (struct alert_queue){ .waiting = json_array(), .texts = json_array() };
	for (int i = 0; i < ALERTER_PER_MINUTE; i++)
		queue->begun_ms[i] = clock_ms() - MINUTE_MS;
	return queue->waiting && queue->texts ? 0 : -1;
}

void alert_queue_close(struct alert_queue *queue)
{
	json_decref(queue->waiting);
	json_decref(queue->texts);
}

/* How many may go within the minute. */
static size_t room(const struct alert_queue *queue)
{
	size_t count = 0;

	for (int i = 0; i < ALERTER_PER_MINUTE; i++)
		count += clock_ms() - queue->begun_ms[i] >= MINUTE_MS;
	return count;
}

void alert_queue_add(struct alert_queue *queue, json_t *alert)
{
	if (queue->more == 0 && json_array_size(queue->waiting) < room(queue)) {
		json_array_append_new(queue->waiting, alert);
		return;
	}
	queue->more++;
	if (json_array_size(queue->texts) < ALERT_QUEUE_TEXTS)
		json_array_append(queue->texts, json_object_get(alert, "text"));
	json_decref(alert);
}

static json_t *sum_up(struct alert_queue *queue)
{
	json_t *ret = json_pack("{s:s,s:I,s:O,s:o}", "alert", "more", "count",
				(json_int_t)queue->more, "texts", queue->texts, "text",
				json_sprintf("and %llu more: cathgate status has what "
					     "still holds",
					     (unsigned long long)queue->more));

	queue->more = 0;
	json_decref(queue->texts);
	queue->texts = json_array();
	return ret;
}

json_t *alert_queue_next(struct alert_queue *queue)
{
	json_t *ret = NULL;

	if (room(queue) == 0)
		return NULL;
	if (json_array_size(queue->waiting) > 0) {
		ret = json_incref(json_array_get(queue->waiting, 0));
		json_array_remove(queue->waiting, 0);
	} else if (queue->more > 0) {
		ret = sum_up(queue);
	}
	if (ret) {
		memmove(queue->begun_ms + 1, queue->begun_ms,
			sizeof(queue->begun_ms) - sizeof(queue->begun_ms[0]));
		queue->begun_ms[0] = clock_ms();
	}
	return ret;
}
