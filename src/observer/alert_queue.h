/*
 * Alerts that wait for the command, limited in rate: what comes too fast is summed up.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "cathgate/observer/alerter.h"

#define ALERT_QUEUE_TEXTS 10 /* of those summed up, so many with their text */

struct alert_queue {
	json_t *waiting; /* a list, at most ALERTER_PER_MINUTE */
	json_t *texts;
	uint64_t more;
	int64_t begun_ms[ALERTER_PER_MINUTE]; /* clock_ms() of the last runs, latest first
					       */
};

/* 0, or -1 without memory. */
MUST_USE int alert_queue_open(struct alert_queue *queue);
void alert_queue_close(struct alert_queue *queue);
/* Takes the object over. */
void alert_queue_add(struct alert_queue *queue, json_t *alert);
/* The next one that may go now; NULL without any. The caller owns it. */
json_t *alert_queue_next(struct alert_queue *queue);
