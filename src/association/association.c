/*
 * The life of an association: admitted, negotiated, served message by message, ended.
 */
#include "internal.h"
#include "sinks.h"
#include "services.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/net/net.h"

#define STOPPING_LINGER_MS 200 /* told to stop: its last PDU may arrive, no more */

static void release_modality(struct association *association)
{
	supervision_return_place(association);
	association->may_hang_up = true;
	leg_deadline_in(&association->in, LEG_PARTING_SECONDS, REASON_PEER_LOST);
	ul_release_response(association->in.ul);
	outbound_release(&association->out);
	ending_set(association, AUDIT_RELEASED, REASON_NONE, LAST_PDU_SENT, "%s", "");
}

/* Messages one after another until the modality releases or something ends it. */
static void serve_messages(struct association *association)
{
	for (;;) {
		enum wake wake;
		int got;

		pace_stop(&association->pace);
		leg_deadline_in(&association->in, association->entry.now->idle_seconds,
				REASON_IDLE);
		do {
			wake = waiting_for_either(association);
			if (wake == WAKE_OUT)
				outbound_close_left(&association->out);
		} while (wake == WAKE_OUT);
		if (wake == WAKE_STOP) {
			ending_abort(association, REASON_GATEWAY_STOPPING,
				     "the gateway was told to stop");
			return;
		}
		if (wake == WAKE_LATE) {
			ending_abort(association, REASON_IDLE,
				     "no message within the idle time of its entry");
			return;
		}
		got = services_read_request(association);
		if (got == 0)
			release_modality(association);
		if (got <= 0 || services_perform(association) != 0)
			return;
	}
}

/* After its last PDU an acceptor waits for the requestor to close (PS3.8 9.2.3, state
 * 13): closing first, with bytes unread, would reset the connection and lose that PDU. */
static void linger(struct association *association)
{
	struct leg *in = &association->in;
	char unread[4096];

	in->interrupted = REASON_NONE;
	leg_deadline(in,
		     clock_ms() + (association->supervision.is_stopping
					   ? STOPPING_LINGER_MS
					   : LEG_PARTING_SECONDS * 1000),
		     REASON_PEER_LOST);
	for (int i = 0; i < 1024; i++)
		if (in->stream.read(in->stream.context, unread, sizeof(unread)) <= 0)
			return;
}

static void say_last(struct association *association)
{
	const struct ending *ending = &association->ending;
	struct leg *in = &association->in;

	in->interrupted = REASON_NONE;
	leg_deadline_in(in, LEG_PARTING_SECONDS, REASON_PEER_LOST);
	if (ending->last_pdu == LAST_PDU_REJECT)
		ul_reject(in->ul, ending->rejection);
	else if (ending->last_pdu == LAST_PDU_ABORT && in->ul)
		ul_abort(in->ul, ending->abort_source, ending->abort_reason);
	else if (ending->last_pdu == LAST_PDU_ABORT)
		ul_abort_request(&in->stream, ending->abort_source, ending->abort_reason);
}

/* However the modality's side ends, the destination's is released in order (PS3.8 7.2)
 * unless something is under way there. An acceptor can't release: it aborts. */
static void part_in_order(struct association *association)
{
	association->may_hang_up = true;
	supervision_return_place(association);
	say_last(association);
	if (outbound_has_spoken(&association->out))
		outbound_close_left(&association->out);
	outbound_release(&association->out);
	if (association->ending.last_pdu != LAST_PDU_NONE)
		linger(association);
}

/* The handshake has failed. Its alert must arrive, too. */
static void part_from_socket(struct association *association)
{
	struct leg *in = &association->in;
	int fd = association->start->socket;
	char unread[4096];
	ssize_t size;

	in->interrupted = REASON_NONE;
	leg_deadline_in(in, 1, REASON_PEER_LOST);
	shutdown(fd, SHUT_WR);
	do {
		if (in->waiter.wait(in->waiter.context, fd, POLLIN) != 0)
			break;
		size = recv(fd, unread, sizeof(unread), 0);
	} while (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR)));
	close(fd);
}

static void end_association(struct association *association)
{
	const struct ending *ending = &association->ending;

	outbound_abort_message(&association->out);
	report_association(association, ending->outcome, ending->reason, ending->detail);
	association->is_ending = true;
	if (association->in.carrier.context)
		part_in_order(association);
	else
		part_from_socket(association);
	if (!association->report.last_word_said && association->report.channel_is_new)
		report_association(association, ending->outcome, ending->reason,
				   ending->detail);
	leg_close(&association->in);
}

static struct association *create_association(const struct association_start *start)
{
	struct association *association = calloc(1, sizeof(*association));

	if (!association)
		return NULL;
	association->start = start;
	association->config = start->config;
	association->supervision.contact.channel = start->supervisor;
	association->spool.client.channel = association->spool.file = -1;
	waiting_init(association);
	report_init(association);
	association->digest = digest_new();
	if (!association->digest) {
		free(association);
		return NULL;
	}
	return association;
}

static void destroy_association(struct association *association)
{
	close(association->report.channel);
	close(association->supervision.contact.channel);
	tls_peer_clear(&association->peer);
	sinks_clear(association);
	config_entry_free(association->entry.own);
	digest_free(association->digest);
	free(association);
}

int association_run(const struct association_start *start)
{
	struct association *association = create_association(start);
	char context[64];

	snprintf(context, sizeof(context), "association %s", start->id);
	log_context(context);
	if (!association) {
		log_error("no memory for an association");
		return 1;
	}
	if (sandbox_enter(start->sandbox, NULL, 0) != 0) {
		destroy_association(association);
		return 1;
	}
	if (admission_run(association) == 0 && negotiation_run(association) == 0)
		serve_messages(association);
	end_association(association);
	destroy_association(association);
	return 0;
}
