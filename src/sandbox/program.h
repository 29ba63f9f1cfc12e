/*
 * A filter as the kernel loads it, with TABLE_OWN_PID in the place of the PID.
 */
#pragma once

#include <linux/filter.h>

#include "cathgate/sandbox/sandbox.h"

struct sandbox_program {
	enum sandbox_role role;
	struct sock_filter *filter;
	size_t count;
};
