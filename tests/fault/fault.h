/*
 * Fails, or dies, at step N: every system call that changes a file in one directory is a
 * step, counted over all processes that have loaded this, and at one of them it does what
 * it is told to.
 *
 * Compiled into a unit test it stands in front of the C library's functions; as a shared
 * object for LD_PRELOAD it takes its orders from the file that FAULT_ORDERS names, which
 * is a struct fault_orders.
 */
#ifndef TESTS_FAULT_H
#define TESTS_FAULT_H

#include <stdatomic.h>

enum fault_how {
	FAULT_NOTHING, /* count only */
	FAULT_EIO,
	FAULT_ENOSPC,
	FAULT_HALF, /* a write writes half of it, then says ENOSPC */
	FAULT_KILL_BEFORE,
	FAULT_KILL_AFTER,
	FAULT_KILL_HALF,    /* in the midst of a write */
	FAULT_GROUP_BEFORE, /* the whole process group */
	FAULT_GROUP_AFTER,
	FAULT_POWER_TORN,  /* the group; of what isn't synced a part is there */
	FAULT_POWER_ZEROS, /* the same, and the rest is zeros */
	/* A write writes all but its last byte, then says ENOSPC. The power goes at the
	 * next write, and brings back what was cut off and not synced since. */
	FAULT_TAKEN_BACK,
	FAULT_HOW_COUNT
};

/* The process waits for SIGKILL, and so shall its group. */
#define FAULT_FIRED_GROUP 2

struct fault_orders {
	atomic_uint step; /* of the last call */
	unsigned fire_at; /* from 1 */
	unsigned how;
	atomic_uint fired;   /* 1, or FAULT_FIRED_GROUP */
	char directory[256]; /* with a slash at its end */
};

extern struct fault_orders *fault_orders; /* NULL: nothing is counted */

#endif
