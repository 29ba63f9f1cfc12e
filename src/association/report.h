/*
 * What the auditor is told of an association and its instances. An auditor that dies is
 * told anew through its successor.
 */
#pragma once

#include "cathgate/audit/client.h"
#include "cathgate/base/must_use.h"
#include "cathgate/dicom/data_set_head.h"
#include "cathgate/dicom/upper_layer.h"
#include "cathgate/tls/tls.h"

struct association;

struct report {
	int channel;		      /* to the auditor */
	bool channel_is_new;	      /* it came after another had broken */
	struct audit_record record;   /* what all records of this association say */
	struct audit_record instance; /* of the instance in hand */
	bool begin_told, last_fragment_told; /* of the instance in hand */
	bool instance_is_unrecorded;	     /* no auditor took its record in time */
	bool last_word_said;		     /* nothing more is to be recorded */

	struct data_set_head head; /* what the data set in hand calls itself */
	bool head_is_read;
	size_t head_size;
	uint8_t head_bytes[DATA_SET_HEAD_MAX];
};

/* These fill in what all later records of the association say; nothing is told yet. Of
 * the peer: what TLS proved. Of the requestor: the AE titles, in the figures for the
 * supervisor, too. Of the entry: the names of modality and destination. */
void report_init(struct association *association);
void report_peer(struct association *association);
/* Of a handshake that failed. */
void report_shown(struct association *association, const struct tls_shown *shown);
void report_requestor(struct association *association);
void report_entry(struct association *association);

/* Makes the record of the instance that the request brings; keeps what of a fragment
 * belongs to the data set's head; reads that, once. */
void report_new_instance(struct association *association);
void report_keep_head(struct association *association, const struct ul_pdv *pdv);
const struct data_set_head *report_read_head(struct association *association);
/* Fills in study and patient, once the data set's head is there. */
void report_name_instance(struct association *association);
/* Fills in what the record lacks: study, patient, status, the time; behind its detail,
 * what the data set names otherwise than the command. */
void report_complete_instance(struct association *association);
/* Tells the auditor, or its successor, that the instance begins; then that its last
 * fragment is about to go out. 0 or -1. */
MUST_USE int report_begin(struct association *association);
MUST_USE int report_last_fragment(struct association *association);
/* Submits what came of the instance, and waits until that is durable. */
MUST_USE enum audit_taken report_instance(struct association *association);
/* After that was AUDIT_SLOW or AUDIT_GONE: submits it once more, to the auditor or its
 * successor. What still is neither durable nor kept is tried again at the end of the
 * association. */
enum audit_taken report_instance_again(struct association *association,
				       enum audit_taken taken);
bool report_is_recorded(enum audit_taken taken);

/* What came of the association: waits until that is durable. 0 or -1. */
int report_association(struct association *association, enum audit_outcome outcome,
		       enum reason reason, const char *detail);
