/* Plain counts of what the gateway has done, to be shown. */
#pragma once

#include "cathgate/association/association.h"
#include "cathgate/base/histogram.h"

struct figures {
	uint64_t handshakes; /* that ended well */
	struct histogram handshake, first_byte, sync;
	struct histogram sync_told; /* by the present auditor */
};

void figures_add_handshake(struct figures *figures, int64_t us);
/* What an association says now, after what it said before. Figures that can't be are not
 * taken. */
void figures_add_association(struct figures *figures, struct association_figures *before,
			     const struct association_figures *now);
void figures_add_sync(struct figures *figures, const struct histogram *sync);
