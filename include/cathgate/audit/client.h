/*
 * How other processes tell the auditor what happened: an association, a courier and the
 * spooler over a channel of their own, the supervisor over the auditor's control socket.
 *
 * Promise: a record's line is on disk (fdatasync) before audit_submit says
 * AUDIT_DURABLE. What the auditor promises of the log itself stands in auditor.h.
 *
 * An attacker who has taken over an association's process can write under no other name
 * than the association was accepted with, and raise no alerts, but can lie about its
 * instances; and before it is accepted, choose its name. One who has taken over a
 * courier's can lie about the deliveries to that courier's destination, and about nothing
 * else.
 */
#pragma once

#include "cathgate/audit/record.h"
#include "cathgate/base/histogram.h"
#include "cathgate/base/must_use.h"

/*
 * A channel to the auditor, held by one association.
 *
 * A courier tells of deliveries on a channel of its own, by the same functions:
 * audit_begin before the first byte of an object goes out, audit_last_fragment,
 * audit_submit or audit_submit_soon. Every record is an AUDIT_DELIVERY and names the
 * courier's destination; it may be submitted without having been begun. One delivery can
 * be begun at a time, until a record with its SOP instance is submitted. A courier's
 * outcomes are forwarded, failed, unconfirmed, dead and given up, the spooler's are dead,
 * given up and all others; the spooler begins nothing, and tells of any destination.
 * Neither announces itself, nor has last words. `came_by` is the association of the line,
 * which has neither peer nor certificate.
 */

/* What the auditor's predecessor had recorded of the association, with outcome accepted;
 * or what there was to record so far, with no outcome, while it is still being admitted.
 * Not waited for, and no line is written of it: its last words will be complete should
 * this process die. Only as the first message on a channel. 0, or -1 when the auditor is
 * gone; so are the next two. */
MUST_USE int audit_announce(int channel, const struct audit_record *association);
/* An instance begins: not waited for. From here on the auditor writes the instance's line
 * itself if this process dies. */
MUST_USE int audit_begin(int channel, const struct audit_record *instance);
/* To an auditor's successor: the instance in hand has begun, and perhaps its last
 * fragment has gone out. In one message, so that no death can come between the two. */
MUST_USE int audit_begin_again(int channel, const struct audit_record *instance,
			       bool has_sent_last_fragment);
/* The last fragment is about to go out: from here on such a death is `unconfirmed`. */
MUST_USE int audit_last_fragment(int channel);

/* What has become of a record. Its sender may act on the first two only. */
enum audit_taken {
	AUDIT_DURABLE, /* its line is on disk */
	AUDIT_COUNTED, /* a refusal without a line of its own: a summary will tell */
	AUDIT_KEPT,    /* the auditor keeps it until the log takes it: no second time */
	AUDIT_SLOW,    /* the auditor has not answered yet */
	AUDIT_GONE     /* the auditor has died */
};

/* Submits what came of an instance or an association, and waits at most `timeout_ms`
 * until that is durable. An instance's record ends what audit_begin began; an
 * association's record with any outcome but accepted is its last word. Once one is
 * accepted (or announced so), what that record says of certificate, subject, TLS,
 * modality, AE titles and destination stands in all later ones, whatever they say. A
 * process that breaks these rules (an instance begun within another, anything after the
 * last word, an alert) loses the channel, and an alert says so. */
MUST_USE enum audit_taken audit_submit(int channel, const struct audit_record *record,
				       int timeout_ms);

/*
 * Without waiting, for a courier or the spooler: as many records as
 * AUDIT_OUTSTANDING_MAX may wait to become durable while their sender goes on. The
 * auditor reads no further ones until it has answered. Not mixed with audit_submit, which
 * passes over the answers to earlier records.
 */
#define AUDIT_OUTSTANDING_MAX 16

/* Submits a record. Returns its number; or 0 with errno: EAGAIN when the auditor doesn't
 * keep up (POLLOUT on the channel tells when it does), else it is gone. */
MUST_USE uint32_t audit_submit_soon(int channel, const struct audit_record *record);
/* What has become of the next record, in the order in which they were submitted, and its
 * number. AUDIT_SLOW: there is no answer yet (POLLIN on the channel tells when there is).
 * AUDIT_DURABLE: its line is on disk, and only then may the object leave the spool.
 * AUDIT_KEPT comes only while the gateway stops with a log that can't be written; else
 * such a record isn't answered until the log can be. AUDIT_GONE: the records without an
 * answer may or may not have lines. They are submitted again to the successor, and those
 * that had a line get a second one. */
MUST_USE enum audit_taken audit_taken_of(int channel, uint32_t *ret_number);

/*
 * The supervisor's end of the auditor's control socket (SOCK_SEQPACKET). Nothing here
 * waits.
 */

/* Gives the auditor its end of a new channel, for the association with that id and peer,
 * and returns the other end; -1 with errno, EAGAIN when the auditor doesn't keep up. */
MUST_USE int audit_channel_open(int control, const char *association, const char *peer);
/* The same for an association that an earlier auditor, which has died, knew: if its
 * process ends without having said anything on the channel, not even audit_announce, no
 * line is written, for there is nothing to tell.
 *
 * An association that has a channel to this auditor already goes on with the new one: the
 * old is closed without last words, what it said before stays known and its limits stay
 * used up; it may announce once more, and begin the instance in hand once more. One whose
 * last channel to this auditor has ended, unless in such silence, gets none: the new one
 * closes at once (the latest 4096 such associations are remembered). */
MUST_USE int audit_channel_renew(int control, const char *association, const char *peer);
/* The same for a courier, and for the spooler. A courier's id is 16 hex digits that no
 * association and no other process has ever had: one whose channel has ended, unless in
 * silence, gets no other. A second channel, and one to an auditor's successor, is opened
 * by the same call. The courier then begins the delivery in hand once more (and tells of
 * its last fragment, where that has gone out), and submits again what was not answered.
 * If a courier's process dies with a delivery in hand, the auditor writes that delivery's
 * line: failed, or unconfirmed when the last fragment had gone out. */
MUST_USE int audit_courier_open(int control, const char *id, const char *destination);
MUST_USE int audit_spooler_open(int control);
/* Tells the auditor why we are about to end that association's or courier's process; or
 * how it ended by itself, which becomes the detail of its last lines (NULL: nothing more
 * is known). When a channel closes without a last word, its last lines wait for this, for
 * 2 s at most. -1 with errno. */
int audit_channel_ending(int control, const char *association, enum reason reason,
			 const char *how);
/* A record of the supervisor's own (start, stop, reload, alert, a refused association
 * that never had a process). `peer` may be NULL. -1 with errno, EAGAIN as above. */
int audit_tell(int control, const char *peer, const struct audit_record *record);

/* Asks whether the auditor's loop still turns. The auditor answers AUDIT_ALIVE, also
 * while the disk is full. -1 with errno, EAGAIN as above. */
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
