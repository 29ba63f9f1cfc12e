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

/* The one that a destination has, as in the list below; NULL when it doesn't fail. */
json_t *problems_of_destination(const struct tally_destination *destination);

/* "gateway", "modality" or "destination". */
const char *problems_owner(enum observer_owner owner);

/* A list of objects, the worst first: `problem` is a word that stays, `level` "critical"
 * or "warning", `subject` whom it is about (of what ends, `owner` says which kind of name
 * that is), `time` when it began or was last seen (null:
 * not known), `text` a sentence for people. NULL without memory. */
json_t *problems_list(const struct snapshot *snapshot, const struct tally *tally);
