/*
 * The instance in hand: its record, its judgement, and what its data set calls itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/audit/record.h"
#include "cathgate/dicom/data_set_head.h"
#include "cathgate/dicom/upper_layer.h"

struct association;

struct instance {
	struct audit_record record;
	bool is_passed_on; /* the sink is to have what comes */
	bool is_answered;  /* association->response holds the sink's answer */
	bool has_gone_out; /* the last fragment did */
	/* Why the modality was seen to leave before the sink was ready; REASON_NONE. */
	enum reason left;
	uint16_t status;      /* ours, when the sink's isn't passed on */
	size_t why_length;    /* of the record's detail; what follows are notes */
	int64_t last_sent_us; /* when the last fragment had gone out */
	int64_t drain_end_ms; /* an object over the limit is read no longer than that */

	struct data_set_head head;
	bool head_is_read;
	size_t head_size;
	uint8_t head_bytes[DATA_SET_HEAD_MAX]; /* the last member: not emptied */
};

/* Of the association's request. */
void instance_begin(const struct association *association, struct instance *instance);
/* By the command, the trust in the modality and its entry: is_passed_on, or concluded. */
void instance_judge(const struct association *association, struct instance *instance);
/* The instance does not go on: what is recorded, and our own status for the modality. */
void instance_conclude(struct instance *instance, enum audit_outcome outcome,
		       enum reason reason, uint16_t status, const char *detail);

/* Keeps what of a fragment belongs to the data set's head; reads that, once. */
void instance_take(struct instance *instance, const struct ul_pdv *pdv);
void instance_read_head(struct instance *instance);
/* Fills in what the record lacks: study, patient, the time; behind its detail, what the
 * data set names otherwise than the command. */
void instance_complete(const struct association *association, struct instance *instance);
