/*
 * Who makes associations crash, and is held back for it. A crash is the end of an
 * association's process by a signal other than SIGKILL: SIGKILL comes from the gateway
 * itself, from an administrator, or from a kernel that is short of memory.
 *
 * A crash counts against the modality when the process held a place, else against the
 * address. Strangers behind the address of a modality thus can't get its entry held back;
 * and an address from which a modality has had a place within a week is never held back
 * itself: a stranger with whom it shares NAT could otherwise shut it out.
 *
 * All is kept in tables that never grow, because an attacker chooses addresses.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/address.h"

#define HELD_BACK_CRASHES   3
#define HELD_BACK_WITHIN_MS 60000
#define HELD_BACK_MS	    600000
#define HELD_BACK_AT_ONCE   64 /* more are forgotten, the oldest first */

struct suspect {
	bool is_address; /* and `modality` counts for nothing, or the other way round */
	size_t modality;
	struct address address;
};

/* A crash, or somebody who is held back since then. */
struct held_back_row {
	struct suspect suspect;
	int64_t at_ms; /* 0: none */
};

struct held_back {
	struct held_back_row crashes[HELD_BACK_AT_ONCE * HELD_BACK_CRASHES];
	struct held_back_row held[HELD_BACK_AT_ONCE];
};

/* Times are clock_ms(). Counts a crash. True when it is one too many, and the suspect is
 * held back from now on. */
bool held_back_crashed(struct held_back *held, const struct suspect *suspect,
		       int64_t now_ms);
bool held_back_holds(const struct held_back *held, const struct suspect *suspect,
		     int64_t now_ms);
