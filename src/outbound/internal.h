/*
 * The inside of an outbound association: outbound.c is its life (dialled, secured,
 * proposed; released or aborted), exchange.c one message, below both leg.c.
 */
#pragma once

#include "cathgate/outbound/outbound.h"

/* Both return -1, for the caller to return. */
int outbound_fail(struct sink_failure *ret, enum reason reason, const char *detail);
/* What the last failed read or write on the leg means. */
int outbound_explain(struct leg *leg, enum ul_event event, struct sink_failure *ret);
