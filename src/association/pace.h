/*
 * The slowest and the fastest that a modality may send: plain counting, no waiting.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/association/association.h"

/* The slowest that a modality may send within an object is min_bytes_per_second over any
 * store_seconds of waiting for it. That window slides in steps of one slot. */
#define PACE_SLOTS 16

struct pace {
	bool is_judged;		    /* whether the slowest pace counts now */
	int64_t slot_us, waited_us; /* a slot's length; waited within the present slot */
	int64_t bytes[PACE_SLOTS];
	unsigned slot, slots_seen;
	int64_t minimum_bytes; /* over all slots */

	int64_t bytes_per_second;	       /* 0: no limit */
	int64_t allowance_bytes, allowance_us; /* left, and when it was last filled */
	uint64_t charged_bytes; /* of what the carrier has taken from the network */

	int64_t turn_us;		 /* that each instance takes up; 0: no limit */
	int64_t turns_left_us, turns_us; /* left, and when it was last filled */
};

/* From here on the modality's pace is judged, or no longer. */
void pace_start(struct pace *pace, const struct config_limits *limits);
void pace_stop(struct pace *pace);
/* So long it was waited for. Whether it is too slow. */
bool pace_waited(struct pace *pace, int64_t us);

/* The fastest that it may send, from now on. */
void pace_limit(struct pace *pace, const struct association_pace *fastest);
/* It may send its last bytes as fast as it likes. */
void pace_unlimit(struct pace *pace);
/* So many bytes of data came, and the carrier has taken so many from the network since
 * it was opened, its own framing among them: those are held against the limit. */
void pace_came(struct pace *pace, int64_t bytes, uint64_t taken);
/* How long until it may send the next byte, in milliseconds; 0: now. */
int64_t pace_byte_wait_ms(struct pace *pace);

/* How long until the next instance may come, in milliseconds; 0: now. */
int64_t pace_turn_wait_ms(struct pace *pace);
/* It comes. */
void pace_take_turn(struct pace *pace);
