/*
 * Alerts that wait for the command, in the order in which they came, and limited in rate:
 * what comes too fast is summed up. One whose run fails keeps its place and is tried
 * again a minute later, ALERTER_TRIES times in all. Meanwhile those behind it go, but for
 * those about the same problem, so that nobody hears of an end before the beginning.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/observer/alerter.h"

#define ALERT_QUEUE_TEXTS 10 /* of those summed up, so many with their text */
#define ALERT_QUEUE_MAX	  32 /* more than can wait for another try at that rate */

struct alert_queue_item {
	json_t *alert;
	int tries;	/* that have failed */
	int64_t due_ms; /* clock_ms() */
};

struct alert_queue {
	const char *node; /* of the gateway */
	struct alert_queue_item items[ALERT_QUEUE_MAX];
	size_t count;
	struct alert_queue_item *running; /* one of these; NULL: none */
	json_t *texts;
	uint64_t more;
	bool more_is_critical;
	int64_t begun_ms[ALERTER_PER_MINUTE]; /* clock_ms() of the last runs, latest first
					       */
};

/* The node's name is kept by the caller. 0, or -1 without memory. */
MUST_USE int alert_queue_open(struct alert_queue *queue, const char *node);
void alert_queue_close(struct alert_queue *queue);
/* Takes the object over. */
void alert_queue_add(struct alert_queue *queue, json_t *alert);
/* The next one that may go now; NULL without any. It stays the queue's, and is settled by
 * one of the two below before there is another. */
const json_t *alert_queue_next(struct alert_queue *queue);
void alert_queue_done(struct alert_queue *queue);
/* Returns NULL if it is tried again; else it was the last try, and the caller owns it. */
MUST_USE json_t *alert_queue_failed(struct alert_queue *queue);
