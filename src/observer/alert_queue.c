#include "alert_queue.h"

#include <string.h>
#include <time.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/utc.h"

#define MINUTE_MS 60000

int alert_queue_open(struct alert_queue *queue, const char *node)
{
	*queue = (struct alert_queue){ .node = node, .texts = json_array() };
	for (int i = 0; i < ALERTER_PER_MINUTE; i++)
		queue->begun_ms[i] = clock_ms() - MINUTE_MS;
	return queue->texts ? 0 : -1;
}

void alert_queue_close(struct alert_queue *queue)
{
	for (size_t i = 0; i < queue->count; i++)
		json_decref(queue->items[i].alert);
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

/* Those that no run has failed for: the others wait for their own minute. */
static size_t fresh(const struct alert_queue *queue)
{
	size_t count = 0;

	for (size_t i = 0; i < queue->count; i++)
		count += queue->items[i].tries == 0 && &queue->items[i] != queue->running;
	return count;
}

static struct alert_queue_item *append(struct alert_queue *queue, json_t *alert)
{
	queue->items[queue->count] = (struct alert_queue_item){ .alert = alert };
	return &queue->items[queue->count++];
}

static bool is_critical(const json_t *alert)
{
	const char *level = json_string_value(json_object_get(alert, "level"));

	return level && strcmp(level, "critical") == 0;
}

void alert_queue_add(struct alert_queue *queue, json_t *alert)
{
	if (queue->more == 0 && fresh(queue) < room(queue) &&
	    queue->count < ALERT_QUEUE_MAX) {
		(void)append(queue, alert);
		return;
	}
	queue->more++;
	queue->more_is_critical |= is_critical(alert);
	if (json_array_size(queue->texts) < ALERT_QUEUE_TEXTS)
		json_array_append(queue->texts, json_object_get(alert, "text"));
	json_decref(alert);
}

static json_t *sum_up(struct alert_queue *queue)
{
	char now[UTC_TEXT_SIZE];
	json_t *ret;

	utc_text_seconds(time(NULL), now);
	ret = json_pack("{s:s,s:s,s:s,s:s,s:I,s:O,s:o}", "alert", "more", "node",
			queue->node, "time", now, "level",
			queue->more_is_critical ? "critical" : "warning", "count",
			(json_int_t)queue->more, "texts", queue->texts, "text",
			json_sprintf("and %llu more: cathgate status has what "
				     "still holds",
				     (unsigned long long)queue->more));
	queue->more = 0;
	queue->more_is_critical = false;
	json_decref(queue->texts);
	queue->texts = json_array();
	return ret;
}

static bool are_about_one(const json_t *a, const json_t *b)
{
	return json_equal(json_object_get(a, "problem"), json_object_get(b, "problem")) &&
	       json_equal(json_object_get(a, "subject"), json_object_get(b, "subject"));
}

static bool may_go(const struct alert_queue *queue, const struct alert_queue_item *item)
{
	for (const struct alert_queue_item *i = queue->items; i < item; i++)
		if (are_about_one(i->alert, item->alert))
			return false;
	return clock_ms() >= item->due_ms;
}

static struct alert_queue_item *find_next(struct alert_queue *queue)
{
	for (size_t i = 0; i < queue->count; i++)
		if (may_go(queue, &queue->items[i]))
			return &queue->items[i];
	return queue->more > 0 && queue->count < ALERT_QUEUE_MAX
		       ? append(queue, sum_up(queue))
		       : NULL;
}

const json_t *alert_queue_next(struct alert_queue *queue)
{
	if (room(queue) == 0)
		return NULL;
	queue->running = find_next(queue);
	if (!queue->running)
		return NULL;
	memmove(queue->begun_ms + 1, queue->begun_ms,
		sizeof(queue->begun_ms) - sizeof(queue->begun_ms[0]));
	queue->begun_ms[0] = clock_ms();
	return queue->running->alert;
}

static json_t *take_running(struct alert_queue *queue)
{
	json_t *alert = queue->running->alert;
	size_t behind = (size_t)(queue->items + queue->count - queue->running - 1);

	memmove(queue->running, queue->running + 1, behind * sizeof(*queue->running));
	queue->count--;
	queue->running = NULL;
	return alert;
}

void alert_queue_done(struct alert_queue *queue)
{
	json_decref(take_running(queue));
}

json_t *alert_queue_failed(struct alert_queue *queue)
{
	if (++queue->running->tries == ALERTER_TRIES)
		return take_running(queue);
	queue->running->due_ms = clock_ms() + MINUTE_MS;
	queue->running = NULL;
	return NULL;
}
