/*
 * The supervisor's side of the auditor. Without an auditor that is ready nobody is let
 * in: nothing could be acknowledged anyway.
 */
#pragma once

#include "cathgate/audit/client.h"
#include "cathgate/process/process.h"

struct auditing {
	struct helper *helper;
	int state;	       /* the auditor's /proc/PID/stat; -1 before it is shown */
	bool log_is_stuck;     /* the auditor says that it can't write */
	bool log_lacks_room;   /* and that it counts refusals only */
	bool waits_until_told; /* nobody else is kept waiting by that */
};

/* Shows the state of this process to the supervisor, in the new auditor's process. */
void auditing_show_state(int channel);
void auditing_forget_state(struct auditing *auditing);

enum auditing_event {
	AUDITING_NOTHING,
	AUDITING_READY,
	AUDITING_ALIVE,
	AUDITING_FIGURES /* in *ret */
};
enum auditing_event auditing_hear(struct auditing *auditing, struct audit_figures *ret);

/* Whether the auditor sleeps in the kernel, as a process does that waits for a disk. */
bool auditing_waits_for_disk(const struct auditing *auditing);

/* A record of the supervisor's own; `peer` may be NULL. False when it can't be told. */
MUST_USE bool auditing_try(const struct auditing *auditing, const char *peer,
			   enum audit_event event, enum audit_outcome outcome,
			   enum reason reason, const char *detail);
/* The same without a peer. What can't be told is logged. */
void auditing_tell(const struct auditing *auditing, enum audit_event event,
		   enum audit_outcome outcome, enum reason reason, const char *detail);
