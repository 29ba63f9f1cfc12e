/*
 * The last snapshot that the supervisor has sent.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/observer/observer.h"

#include "pace.h"

struct snapshot {
	void *memory; /* holds what the pointers below lead to; NULL: none came yet */
	struct observer_head head;
	const struct observer_association *associations;
	const struct observer_end *ends;
	const struct spooler_figures *spool;
	const struct observer_name *modalities, *destinations;
	double *rates;	    /* of the associations: bytes a second */
	struct paces paces; /* of the spool's deliveries */
	int64_t told_us;    /* clock_us() */
};

enum snapshot_result { SNAPSHOT_NEW, SNAPSHOT_NONE, SNAPSHOT_HUNG_UP };

/* Receives the next snapshot, if one has come. */
enum snapshot_result snapshot_receive(struct snapshot *snapshot, int socket);
void snapshot_free(struct snapshot *snapshot);
