/*
 * What associations that are open are brought of other settings: each its own entry, and
 * whom its listener and its destination's side believe now. Each is written once, into
 * memory that is sealed, and handed to all whom it concerns; nothing comes back.
 */
#pragma once

#include "supervisor/gate/gate.h"

/* Brings the process what the settings in force say of it. False when it doesn't listen
 * now. */
MUST_USE bool papers_bring(struct gate *gate, struct place *place);
/* To all that hold a place and don't know of it yet. */
void papers_maintain(struct gate *gate);
/* What they say has changed: all are told anew. */
void papers_renew(struct gate *gate);
void papers_free(struct gate *gate);
