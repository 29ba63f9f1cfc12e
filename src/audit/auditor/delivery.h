/*
 * What a courier and the spooler may tell the auditor of deliveries, and what of that a
 * line has.
 *
 * A courier may have been taken over by the PACS that it talks to. It can lie about the
 * objects of its one destination, and name any association by which one came; of other
 * destinations it can say nothing, and no more than what came of a try.
 */
#pragma once

#include "session.h"

/* A delivery that a process begins, or that it submits with its outcome. NULL, or what is
 * wrong with it. */
MUST_USE const char *delivery_begin_fault(const struct session *session,
					  const struct audit_record *record);
MUST_USE const char *delivery_submit_fault(const struct session *session,
					   const struct audit_record *record);

/* Whether the submitted record is of the delivery that was begun. */
bool delivery_is_begun(const struct session *session, const struct audit_record *record);

/* Leaves out what the line of a delivery has not: it has no peer that called. */
void delivery_trim(struct audit_record *record);
