/*
 * Which service a message belongs to, and the services. Each returns 0 to go on, or -1
 * with the ending of the association.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/base/must_use.h"
#include "ending.h"

struct association;

/* Performs the request that has been read. */
MUST_USE int services_perform(struct association *association, struct ending *ending);
/* Whether there is a service for contexts of this abstract syntax. */
bool services_has(const char *abstract_syntax);

/* echo.c */
MUST_USE int echo_perform(struct association *association, struct ending *ending);

/* store.c */
MUST_USE int store_perform(struct association *association, struct ending *ending);
/* Records the instance of a C-STORE-RQ with which the association ends: its data set is
 * not read. */
void store_record_unread(struct association *association, const struct ending *ending);
