/*
 * The problems that alerts have told of, so that each is told once when it begins and
 * once when it is over. A problem that comes and goes is one problem: it has ended when
 * it has been absent for ALERTER_GONE_SECONDS without a break. One that becomes critical
 * begins again, unless it was critical within that time.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct alert_held_item {
	json_t *problem;
	int64_t gone_ms;  /* since when it is absent; 0: it isn't */
	int64_t mild_ms;  /* since when it is no longer critical; 0: it still is */
	bool is_critical; /* it was told as that */
};

/* All zero at first. */
struct alert_held {
	struct alert_held_item *items;
	size_t count;
};

/* `alert` is "began" or "ended". */
typedef void alert_held_say(void *context, const char *alert, const json_t *problem);

/* Takes the problems that hold now, and tells what has changed. `now_ms` is clock_ms().
 */
void alert_held_look(struct alert_held *held, const json_t *problems, int64_t now_ms,
		     alert_held_say *say, void *context);
/* One that held between two looks: it isn't over if it is held. */
void alert_held_touch(struct alert_held *held, const json_t *problem);
void alert_held_clear(struct alert_held *held);
