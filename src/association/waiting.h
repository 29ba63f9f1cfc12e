/*
 * The waiting for modality and destination. The process hears the supervisor meanwhile;
 * while it waits for the destination it watches the modality as well, so that a hang-up
 * there ends both sides. Elsewhere it waits for the auditor only (report.h) and for the
 * supervisor's answers (supervision.h). And the pace: the slowest and the fastest that
 * the modality may send.
 */
#pragma once

#include "cathgate/association/association.h"
#include "cathgate/base/must_use.h"
#include "cathgate/outbound/leg.h"

struct association;

/* The slowest that a modality may send within an object is min_bytes_per_second over any
 * store_seconds of waiting for it. That window slides in steps of one slot. */
#define PACE_SLOTS 16

struct pace_floor {
	bool is_judged;		    /* whether it counts now */
	int64_t slot_us, waited_us; /* a slot's length; waited within the present slot */
	int64_t bytes[PACE_SLOTS];
	unsigned slot, slots_seen;
	int64_t minimum_bytes; /* over all slots */
};

struct pace {
	struct pace_floor floor;

	int64_t bytes_per_second; /* that the allowance is for; 0: there was no limit */
	int64_t allowance_bytes, allowance_us; /* left, and when it was last filled */
	uint64_t charged_bytes; /* of what the carrier has taken from the network */

	int64_t turn_us; /* that each instance takes up; 0: there was no limit */
	int64_t turns_left_us, turns_us; /* left, and when it was last filled */
};

/* From here on the modality's slowest pace is judged, or no longer. */
void pace_start(struct pace *pace, const struct config_limits *limits);
void pace_stop(struct pace *pace);

/* Prepares the modality's leg; what the destination's leg is to have as its owner. */
void waiting_init(struct association *association);
struct leg_owner waiting_for_destination(struct association *association);
/* The modality's carrier has been opened: makes the stream, on which the bytes are
 * counted where they arrive, so that a fragment that takes its time counts as it comes.
 */
void waiting_opened(struct association *association);

enum wake {
	WAKE_IN,   /* the modality has sent something, or has closed */
	WAKE_OUT,  /* the destination has, which it only does when it leaves */
	WAKE_STOP, /* the supervisor says so, or is gone */
	WAKE_LATE  /* the modality has said nothing for idle_seconds */
};
/* Between two messages: until one side says something, or has to be given up. */
MUST_USE enum wake waiting_for_either(struct association *association);

/* Counts the instance whose command has been read, and waits until it may come. Its data
 * set stays unread, so that TCP holds the modality back; a goodbye, a hang-up behind what
 * is there, the supervisor and the destination are heard. 0; or -1, and the leg of the
 * modality says why. */
MUST_USE int waiting_for_turn(struct association *association);
