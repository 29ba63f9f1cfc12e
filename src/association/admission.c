/*
 * From the first byte to an association that may be: TLS, A-ASSOCIATE-RQ, policy, place.
 */
#include "internal.h"
#include "sinks.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cathgate/base/log.h"
#include "cathgate/net/net.h"

static int refuse_silently(struct association *association, enum reason reason,
			   const char *detail)
{
	return ending_set(association, AUDIT_REFUSED, reason, LAST_PDU_NONE, "%s",
			  detail);
}

MUST_USE static int secure_modality(struct association *association)
{
	const struct association_start *start = association->start;
	unsigned seconds = association->config->limits.handshake_seconds;
	struct tls_failure failure;
	struct leg *in = &association->in;
	int rc;

	leg_deadline(in, start->accepted_ms + (int64_t)seconds * 1000,
		     REASON_HANDSHAKE_TIMEOUT);
	if (net_tune(start->socket) != 0)
		return refuse_silently(association, REASON_PEER_LOST,
				       "the connection was gone at once");
	if (!start->server) {
		if (transport_plain(start->socket, &in->waiter, &in->carrier) == 0)
			return 0;
		return refuse_silently(association, REASON_INTERNAL,
				       "no memory for the connection");
	}
	rc = tls_handshake(start->server, start->socket, start->signer, &in->waiter,
			   &in->carrier, &association->peer, &failure);
	close(start->signer);
	if (rc == 0) {
		association->is_authenticated = true;
		report_peer(association);
		supervision_authenticated(association);
		return 0;
	}
	report_shown(association, &failure.shown);
	if (failure.reason != REASON_NONE)
		return refuse_silently(association, failure.reason, failure.detail);
	return refuse_silently(association, in->interrupted,
			       in->interrupted == REASON_HANDSHAKE_TIMEOUT
				       ? "the TLS handshake took longer than allowed"
				       : "the gateway was told to stop");
}

static int request_failed(struct association *association, enum ul_request_fault fault,
			  const char *detail)
{
	switch (fault) {
	case UL_REQUEST_NOT_DICOM:
		return refuse_silently(association, REASON_NOT_DICOM, detail);
	case UL_REQUEST_ABORTED:
		return refuse_silently(association, REASON_PEER_ABORT,
				       "aborted before associating");
	case UL_REQUEST_MALFORMED:
		ending_abort(association, REASON_MALFORMED, "A-ASSOCIATE-RQ: %s", detail);
		association->ending.outcome = AUDIT_REFUSED;
		association->ending.abort_reason = 6; /* invalid PDU parameter value */
		return -1;
	default:
		ending_of_leg(association, UL_CLOSED);
		association->ending.outcome = AUDIT_REFUSED;
		association->ending.last_pdu = LAST_PDU_NONE;
		return -1;
	}
}

MUST_USE static int receive_associate_request(struct association *association)
{
	const struct config_limits *limits = &association->config->limits;
	enum ul_request_fault fault;
	const char *detail = NULL;
	uint8_t *request = NULL;
	size_t size = 0;

	leg_deadline_in(&association->in, limits->associate_seconds,
			REASON_ASSOCIATE_TIMEOUT);
	fault = ul_read_request(&association->in.stream, &request, &size, &detail);
	if (fault != UL_REQUEST_OK)
		return request_failed(association, fault, detail ? detail : "");
	association->in.ul = ul_accept(&association->in.stream, request, size,
				       limits->max_pdu_bytes, &detail);
	free(request);
	if (!association->in.ul) {
		/* DCMTK has rejected it: a protocol version or an application context
		 * that are not DICOM's. */
		return ending_set(association, AUDIT_REFUSED, REASON_MALFORMED,
				  LAST_PDU_SENT, "A-ASSOCIATE-RQ: %s", detail);
	}
	ul_requestor(association->in.ul, &association->requestor);
	report_requestor(association);
	return 0;
}

static struct ul_rejection rejection_of(enum reason reason)
{
	switch (reason) {
	case REASON_CALLED_AE_UNKNOWN:
		return (struct ul_rejection){ 1, 1, 7 };
	case REASON_ADDRESS_NOT_ALLOWED:
		return (struct ul_rejection){ 1, 1, 1 };
	default:
		return (struct ul_rejection){ 1, 1, 3 };
	}
}

static void meet_destination(void *context, const struct tls_peer *peer)
{
	supervision_saw_destination(context, peer->shown_until);
}

MUST_USE static int set_up_outbound(struct association *association)
{
	const struct association_start *start = association->start;
	const struct config_limits *limits = &association->config->limits;
	size_t destination = association->entry.now->destination;
	struct outbound_way way;

	outbound_way_of(association->destination, &way);
	outbound_init(&association->out,
		      &(struct outbound_setup){
			      .context = start->clients[destination],
			      .proposal = { .like = association->in.ul,
					    .propose = association->propose,
					    .calling = association->requestor.calling,
					    .max_pdu = limits->max_pdu_bytes,
					    .pass_user_identity =
						    association->entry.now
							    ->user_identity_pass },
			      .connect_seconds = limits->connect_seconds,
			      .response_seconds = limits->response_seconds,
			      .owner = waiting_for_destination(association),
			      .dial = supervision_dial,
			      .met = meet_destination },
		      &way);
	return sinks_set_up(association);
}

static const char *why_denied(enum reason reason, uint8_t rejection_reason)
{
	switch (reason) {
	case REASON_GATEWAY_STOPPING:
		return "the gateway was told to stop";
	case REASON_REVOKED_WHILE_OPEN:
		return "its entry was taken away while it associated";
	case REASON_INTERNAL:
		return "its entry is held back for a while, since processes that served "
		       "it have crashed: an alert tells more";
	default:
		return rejection_reason == 2 ? "as many associations as allowed are open"
					     : "more handshakes in a minute than allowed";
	}
}

MUST_USE static int admit_modality(struct association *association)
{
	struct policy_claim claim;
	enum reason reason = REASON_INTERNAL;
	uint8_t denied;

	entry_claim(association, &claim);
	association->entry.first = association->entry.now =
		policy_admit(association->config, &claim, &reason);
	if (!association->entry.now)
		return ending_reject(association, reason, rejection_of(reason),
				     "no entry of the allowlist fits");
	association->destination =
		&association->config->destinations[association->entry.now->destination];
	report_entry(association);
	if (set_up_outbound(association) != 0)
		return ending_reject(association, REASON_INTERNAL,
				     (struct ul_rejection){ 2, 3, 1 },
				     "no memory for the association");

	if (supervision_ask_place(association, &reason, &denied) != 0)
		return ending_reject(association, reason,
				     (struct ul_rejection){ 2, 3, denied },
				     why_denied(reason, denied));
	if (association->entry.revoked != REASON_NONE)
		return ending_reject(association, association->entry.revoked,
				     rejection_of(association->entry.revoked),
				     association->entry.revoked_why);
	return 0;
}

int admission_run(struct association *association)
{
	if (secure_modality(association) != 0)
		return -1;
	waiting_opened(association);
	if (receive_associate_request(association) != 0)
		return -1;
	return admit_modality(association);
}
