/*
 * The kinds of the journal's entries, each with its MESSAGE_ID.
 */
#pragma once

struct journal_kind {
	const char *event, *outcome; /* outcome NULL: any */
	int priority;		     /* syslog's */
	const char *message_id;
};

/* Never NULL: there is one for all other events. */
const struct journal_kind *journal_kind_of(const char *event, const char *outcome);
