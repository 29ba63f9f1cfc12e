/*
 * What an operator must act on: each problem holds now, and is gone from the list when it
 * is over. `cathgate status` and its --nagios show them.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "snapshot.h"
#include "tally.h"

/* "serving", or why it doesn't. */
const char *problems_state(const struct snapshot *snapshot);

/* Whether an alert of the audit log with that reason is a problem for a day. */
bool problems_have_alert(const char *reason);

/* A list of objects, the worst first: `problem` is a word that stays, `level` "critical"
 * or "warning", `subject` whom it is about, `time` when it began or was last seen (null:
 * not known), `text` a sentence for people. NULL without memory. */
json_t *problems_list(const struct snapshot *snapshot, const struct tally *tally);
