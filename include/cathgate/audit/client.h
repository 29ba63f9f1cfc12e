/*
 * How other processes tell the auditor what happened: an association over a channel of
 * its own, the supervisor over the auditor's control socket.
 *
 * Promise: a record's line is on disk (fdatasync) before audit_submit returns 0. What the
 * auditor promises of the log itself stands in auditor.h.
 *
 * A process that its peer has taken over can write under no other name than the
 * association was accepted with, and raises no alerts. It can still lie about its own
 * instances, and whoever takes it over before it is accepted chooses the name.
 */
#ifndef CATHGATE_AUDIT_CLIENT_H
#define CATHGATE_AUDIT_CLIENT_H

#include "cathgate/audit/record.h"
#include "cathgate/base/histogram.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A line to the auditor, held by one association.
 */

/* What the auditor's predecessor had recorded of the association, with outcome accepted;
 * or what there was to record so far, with no outcome, while it is still being admitted.
 * Not waited for, and no line is written of it: its last words will be complete should
 * this process die. Only as the first message on a line. */
int audit_announce(int line, const struct audit_record *association);
/* What begins: not waited for. From here on the auditor writes the instance's line itself
 * if this process dies. */
int audit_begin(int line, const struct audit_record *instance);
/* The last fragment is about to go out: from here on such a death is `unconfirmed`. */
int audit_last_fragment(int line);
/* What came of it: waits at most `timeout_ms` until it is durable. 0; or -1: not known to
 * be durable, nothing may be acknowledged; errno then is ENOSPC when the auditor keeps
 * the record until the log takes it (don't submit it again), ETIMEDOUT when it has not
 * answered yet, and anything else when the auditor is gone. 1: a refusal like
 * many of the last minute, which is only counted; a summary will tell. An instance's
 * record ends what audit_begin began; an association's record with any outcome but
 * accepted is its last word. Once one is accepted (or announced so), what that record
 * says of certificate, subject, TLS, modality, AE titles and destination stands in all
 * later ones, whatever they say. Whoever breaks these rules (an instance begun within
 * another, anything after the last word, an alert) loses the line, and an alert says so.
 */
int audit_submit(int line, const struct audit_record *record, int timeout_ms);

/*
 * The supervisor's end of the auditor's control socket (SOCK_SEQPACKET). Nothing here
 * waits.
 */

/* Gives the auditor its end of a new line, for the association with that id and peer, and
 * returns the other end; -1 with errno, EAGAIN when the auditor doesn't keep up. */
int audit_channel_open(int control, const char *association, const char *peer);
/* The same for an association that an earlier auditor, which has died, knew: if its
 * process ends without having said anything on the line, not even audit_announce, none is
 * written, for there is nothing to tell.
 *
 * An association that has a line to this auditor already goes on with the new one: the
 * old is closed without last words, what it said before stays known and its limits stay
 * used up; it may announce once more, and begin the instance in hand once more. One whose
 * last line to this auditor has ended, unless in such silence, gets none: the new line
 * closes at once (the latest 4096 such associations are remembered). */
int audit_channel_renew(int control, const char *association, const char *peer);
/* Tells the auditor why the process on that line is about to be ended by us. */
int audit_channel_ending(int control, const char *association, enum reason reason);
/* A record of the supervisor's own (start, stop, reload, alert, a refused association
 * that never had a process). `peer` may be NULL. -1 with errno, EAGAIN as above. */
int audit_tell(int control, const char *peer, const struct audit_record *record);

/* Asks whether the auditor's loop still turns: it answers AUDIT_ALIVE, also while the
 * disk is full. -1 with errno, EAGAIN as above. */
int audit_ping(int control);

/* What the auditor sends back on the control socket: one byte. */
enum audit_reply {
	AUDIT_READY = 'R',
	AUDIT_FULL = 'F',
	AUDIT_WELL = 'W',
	AUDIT_SHORT_OF_ROOM = 'L', /* what is refused is only counted ... */
	AUDIT_ROOM = 'M',	   /* ... and is recorded again */
	AUDIT_ALIVE = 'A'
};

/* Or this, now and then: how long the log's way to the disk took, since it began. */
struct audit_figures {
	struct histogram sync;
};

#ifdef __cplusplus
}
#endif

#endif
