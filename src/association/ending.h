/*
 * How an association ends that was not released: what is recorded, and what the modality
 * is told. The functions fill association->ending and return -1,
 * for the caller to return.
 */
#pragma once

#include "cathgate/audit/record.h"
#include "cathgate/base/reason.h"
#include "cathgate/dicom/upper_layer.h"

struct association;

enum parting {
	PARTING_SILENT, /* the modality is gone, or speaks no DICOM */
	PARTING_SAID,	/* it has had its last PDU already */
	PARTING_ABORT,	/* A-ABORT */
	PARTING_REJECT	/* A-ASSOCIATE-RJ */
};

struct ending {
	enum audit_outcome outcome;
	enum reason reason;
	char detail[256];
	enum parting parting;
	/* PS3.8 table 9-26: 2 is the service provider; reason 0 is not specified. */
	uint8_t abort_source, abort_reason;
	struct ul_rejection rejection;
};

int ending_set(struct association *association, enum audit_outcome outcome,
	       enum reason reason, enum parting parting, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* With an A-ASSOCIATE-RJ, PS3.8 table 9-21. */
int ending_reject(struct association *association, enum reason reason,
		  struct ul_rejection how, const char *detail);
/* With an A-ABORT of the gateway's own. */
#define ending_abort(association, reason, ...) \
	ending_set(association, AUDIT_ABORTED, reason, PARTING_ABORT, __VA_ARGS__)
/* By what the failure of a read or write on the modality's leg means, or another event
 * than was to come there. */
int ending_of_leg(struct association *association, enum ul_event event);
