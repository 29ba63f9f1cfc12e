/*
 * All waiting of an association's process. Whatever the process waits for, it listens to
 * the supervisor; while it waits for the destination it watches the modality as well, so
 * that a hang-up there ends both sides.
 */
#pragma once

#include "cathgate/base/must_use.h"
#include "cathgate/outbound/leg.h"

struct association;

/* Prepares the modality's leg; what the destination's leg is to have as its owner. */
void waiting_init(struct association *association);
struct leg_owner waiting_for_destination(struct association *association);
/* The modality's carrier has been opened: makes the stream, on which the bytes are
 * counted where they arrive, so that a fragment that takes its time counts as it comes.
 */
void waiting_opened(struct association *association);

enum wake { WAKE_IN, WAKE_OUT, WAKE_STOP, WAKE_LATE };
/* Between two messages: until one side says something, or has to be given up. */
MUST_USE enum wake waiting_for_either(struct association *association);

/* Counts the instance whose command has been read, and waits until it may come. Its data
 * set stays unread, so that TCP holds the modality back; a goodbye, a hang-up behind what
 * is there, the supervisor and the destination are heard. 0; or -1, and the leg of the
 * modality says why. */
MUST_USE int waiting_for_turn(struct association *association);
