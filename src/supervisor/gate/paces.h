/* How fast each association may send: its share of what its entry and its address may. */
#pragma once

#include "supervisor/gate/gate.h"

/* Of a place that is held. */
struct association_pace pace_of(const struct gate *gate, const struct place *place);
/* Tells each that holds a place. */
void paces_say(struct gate *gate);
/* Tells those that share something with a place that was given or returned. */
void paces_share_anew(struct gate *gate, const struct place *place);
