/*
 * The handler of SIGSYS: what becomes of a call that the filter has not let through.
 */
#pragma once

#include "cathgate/base/must_use.h"

/* Before the filter is loaded. `role` must live as long as the process. */
MUST_USE int trap_install(const char *role);
