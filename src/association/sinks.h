/*
 * Where an association's instances go, as its entry says: to the destination, into the
 * spool, or to the first and where that fails into the second.
 */
#pragma once

#include "cathgate/base/must_use.h"

struct association;

/* 0, or -1 without memory. */
MUST_USE int sinks_set_up(struct association *association);
void sinks_clear(struct association *association);
