/*
 * How an association ends: what is recorded, and what the modality is told last. The
 * functions fill association->ending and return -1, for the caller to return.
 */
#pragma once

#include "cathgate/audit/record.h"
#include "cathgate/base/reason.h"
#include "cathgate/dicom/upper_layer.h"

struct association;

/* What the modality is told last. */
enum last_pdu {
	LAST_PDU_NONE,	/* the modality is gone, or speaks no DICOM */
	LAST_PDU_SENT,	/* it has had its last PDU already */
	LAST_PDU_ABORT, /* A-ABORT */
	LAST_PDU_REJECT /* A-ASSOCIATE-RJ */
};

struct ending {
	enum audit_outcome outcome;
	enum reason reason;
	char detail[256];
	enum last_pdu last_pdu;
	/* PS3.8 table 9-26: 2 is the service provider; reason 0 is not specified. */
	uint8_t abort_source, abort_reason;
	struct ul_rejection rejection;
};

int ending_set(struct association *association, enum audit_outcome outcome,
	       enum reason reason, enum last_pdu last_pdu, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* With an A-ASSOCIATE-RJ, PS3.8 table 9-21. */
int ending_reject(struct association *association, enum reason reason,
		  struct ul_rejection how, const char *detail);
/* With an A-ABORT of the gateway's own. */
#define ending_abort(association, reason, ...) \
	ending_set(association, AUDIT_ABORTED, reason, LAST_PDU_ABORT, __VA_ARGS__)
/* After ul_read on the modality's leg gave `event` where another had to come, or, with
 * UL_CLOSED, after a write there failed. */
int ending_of_leg(struct association *association, enum ul_event event);
