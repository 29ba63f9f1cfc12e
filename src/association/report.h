/*
 * What the auditor is told of an association and its instances. An auditor that dies is
 * told anew through its successor.
 */
#pragma once

#include "cathgate/audit/client.h"
#include "cathgate/base/must_use.h"

struct association;

struct report {
	int channel;		    /* to the auditor */
	bool channel_is_new;	    /* it came after another had broken */
	struct audit_record record; /* what all records of this association say */
	/* What the auditor knows of the instance in hand; NULL: nothing. */
	const struct audit_record *begun;
	bool last_fragment_told;
	const struct audit_record *unrecorded; /* an instance that no auditor took */
	bool last_word_said;		       /* nothing more is to be recorded */
};

void report_init(struct association *association);
void report_peer(struct association *association);
void report_requestor(struct association *association);
void report_entry(struct association *association);

/* Tells the auditor, or its successor, of an instance that begins; then that its last
 * fragment is about to go out. 0 or -1. */
MUST_USE int report_begin(struct association *association,
			  const struct audit_record *record);
MUST_USE int report_last_fragment(struct association *association);
/* What came of the instance: waits until that is durable. */
MUST_USE enum audit_taken report_instance(struct association *association,
					  const struct audit_record *record);
bool report_is_recorded(enum audit_taken taken);
/* After audit_submit failed so: to the auditor's successor, or once more to one that is
 * slow. Waits until durable; 0 or -1. */
MUST_USE int report_again(struct association *association,
			  const struct audit_record *record, enum audit_taken taken);
/* The instance is over for the auditor, and for every successor of his. */
void report_instance_ended(struct association *association);

/* What came of the association: waits until that is durable. 0 or -1. */
int report_association(struct association *association, enum audit_outcome outcome,
		       enum reason reason, const char *detail);
