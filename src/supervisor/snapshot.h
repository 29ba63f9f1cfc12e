/*
 * What the observer is told once a second, in a memory file, so that nobody waits and a
 * snapshot is whole or not there.
 */
#pragma once

#include "cathgate/association/association.h"
#include "cathgate/base/histogram.h"
#include "cathgate/observer/alerter.h"
#include "cathgate/observer/observer.h"

struct server;

struct snapshot {
	/* The generations that were told last, of the observer and of the alerter. */
	unsigned told[2];
	int64_t tell_ms;
	struct alerter_totals alerts; /* of the present alerter, and of those before */
	struct alerter_totals alerts_told; /* by the present one */
	struct histogram handshake, first_byte, sync;
	struct histogram sync_told; /* by the present auditor */
	struct observer_verdict verdict, files;
};

/* What an association says now, after what it said before. Figures that can't be are not
 * taken. */
void snapshot_add_association(struct snapshot *snapshot,
			      struct association_figures *before,
			      const struct association_figures *now);
void snapshot_add_sync(struct snapshot *snapshot, const struct histogram *sync);
void snapshot_maintain(struct server *server);
/* Each tells at once what came of a reload: of one that was asked for, which has read
 * files that have changed as well, and of one of these alone. */
void snapshot_tell_verdict(struct server *server, const struct observer_verdict *verdict);
void snapshot_tell_files(struct server *server, const struct observer_verdict *verdict);
