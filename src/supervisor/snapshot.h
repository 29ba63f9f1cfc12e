/*
 * What the observer is told once a second, in a memory file, so that nobody waits and a
 * snapshot is whole or not there.
 */
#pragma once

#include "cathgate/association/association.h"
#include "cathgate/base/histogram.h"
#include "cathgate/observer/observer.h"

struct server;

struct snapshot {
	unsigned told; /* the observer's generation that was, last */
	int64_t tell_ms;
	struct histogram handshake, first_byte, sync;
	struct histogram sync_told; /* by the present auditor */
	struct observer_verdict verdict;
};

/* What an association says now, after what it said before. Figures that can't be are not
 * taken. */
void snapshot_add_association(struct snapshot *snapshot,
			      struct association_figures *before,
			      const struct association_figures *now);
void snapshot_add_sync(struct snapshot *snapshot, const struct histogram *sync);
void snapshot_maintain(struct server *server);
/* Tells at once what came of a reload. */
void snapshot_tell_verdict(struct server *server, const struct observer_verdict *verdict);
