/*
 * Which records of refusals have no line of their own: those that repeat (repeats.h), and
 * all while the log's file system has no more than its reserve (reserve.h). Instances
 * that failed at the PACS or on the way to it always have one.
 */
#pragma once

#include "repeats.h"
#include "audit/write/reserve.h"
#include "audit/write/log_file.h"
#include "session.h"

struct refusals {
	struct repeats repeats;
	struct reserve reserve;
};

/* 0, or -1 without memory. */
MUST_USE int refusals_open(struct refusals *refusals, const struct config_audit *audit,
			   repeats_tell *tell, void *context);
void refusals_close(struct refusals *refusals);

/* Whether a session's record is only counted. It comes from the association's process or,
 * if that has died, from the auditor. */
bool refusals_take(struct refusals *refusals, struct session *session,
		   const struct audit_record *record);

/* Tells the sums of the association's instances if it has ended. */
void refusals_tell_ended(struct refusals *refusals, struct session *session);

/* Looks for room where the log's file is. Returns whether to record an alert. */
bool refusals_look(struct refusals *refusals, const struct log_file *file,
		   struct audit_record *ret_alert);
