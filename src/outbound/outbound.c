#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/address.h"
#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/net/net.h"

#define DIALS 5 /* in a row, when the configuration changes meanwhile */

void outbound_way_of(const struct config_destination *destination,
		     struct outbound_way *ret)
{
	memset(ret, 0, sizeof(*ret)); /* it crosses to another process */
	snprintf(ret->host, sizeof(ret->host), "%s", destination->host);
	ret->port = destination->port;
	ret->is_plain = destination->tls.none;
	strcpy(ret->called.text, destination->called_ae_title.text);
	strcpy(ret->calling.text, destination->calling_ae_title.text);
}

static bool is_same_way(const struct outbound_way *a, const struct outbound_way *b)
{
	return a->port == b->port && strcmp(a->host, b->host) == 0 &&
	       ae_title_equal(&a->called, &b->called) &&
	       ae_title_equal(&a->calling, &b->calling);
}

void outbound_init(struct outbound *outbound, const struct outbound_setup *setup,
		   const struct outbound_way *way)
{
	*outbound = (struct outbound){ .setup = *setup, .way = *way };
	leg_init(&outbound->leg, &setup->owner);
}

/* What was proposed to the destination is proposed again on the new way. From TLS to none
 * or back there is no context for it: that is another destination. */
void outbound_revise_way(struct outbound *outbound, const struct outbound_way *way)
{
	outbound->is_astray = !way || way->is_plain != outbound->way.is_plain;
	if (outbound->is_astray)
		return;
	if (!is_same_way(way, &outbound->way))
		outbound->is_of_old = true;
	outbound->way = *way;
}

/* A destination that isn't believed any more is called anew before the next message,
 * whose handshake then says why. So is one that is just being called: that handshake is
 * judged by what was in force when it began. */
void outbound_revise_trust(struct outbound *outbound, const uint8_t *trust, size_t size)
{
	struct tls_context *context = outbound->setup.context;
	struct tls_peer peer = { 0 };
	struct tls_failure failure;

	outbound->trusts++;
	if (!trust || tls_trust_adopt(context, trust, size) != 0)
		log_error("no memory for the new CAs of the destination");
	else if (!outbound->leg.carrier.context)
		outbound->is_of_old = true;
	else if (tls_judge_again(context, &outbound->leg.carrier, &peer, &failure) == 0)
		outbound->trust_until = tls_trusted_until(&peer);
	else
		outbound->trust_until = 1;
}

int outbound_fail(struct sink_failure *ret, enum reason reason, const char *detail)
{
	*ret = (struct sink_failure){ .reason = reason };
	snprintf(ret->detail, sizeof(ret->detail), "%s", detail);
	return -1;
}

static const char *detail_of_wait(enum reason interrupted)
{
	switch (interrupted) {
	case REASON_DESTINATION_UNREACHABLE:
		return "no answer to the connection attempt in time";
	case REASON_DESTINATION_TIMEOUT:
		return "the destination neither took data nor answered in time";
	case REASON_PEER_LOST:
	case REASON_PEER_ABORT:
		return "the modality left while the destination was waited for";
	case REASON_GATEWAY_STOPPING:
		return "the gateway was told to stop";
	default:
		return "";
	}
}

static const char *detail_of_event(enum ul_event event)
{
	switch (event) {
	case UL_ABORT:
		return "the destination aborted";
	case UL_RELEASE:
		return "the destination asked for release within a message";
	case UL_PROTOCOL:
	case UL_PDV:
		return "the destination sent what no DICOM peer may send there";
	case UL_CLOSED:
		break;
	}
	return "the destination's connection ended";
}

int outbound_explain(struct leg *leg, enum ul_event event, struct sink_failure *ret)
{
	bool is_protocol = event == UL_PROTOCOL || event == UL_PDV;
	struct tls_failure tls;
	char byte;

	if (leg->interrupted != REASON_NONE)
		return outbound_fail(ret, leg->interrupted,
				     detail_of_wait(leg->interrupted));
	/* An alert that arrived during a write has not been read yet. */
	if (leg->carrier.peek)
		leg->carrier.peek(leg->carrier.context, &byte, 1);
	if (tls_failed(&leg->carrier, &tls))
		return outbound_fail(ret, tls.reason, tls.detail);
	return outbound_fail(
		ret, is_protocol ? REASON_DESTINATION_PROTOCOL : REASON_DESTINATION_LOST,
		detail_of_event(event));
}

void outbound_hang_up(const struct outbound_call *call)
{
	if (call->fd >= 0)
		net_close(call->fd);
	if (call->signer >= 0)
		close(call->signer);
}

/* Has one address's share of the time that is left for all of them. 0; or -1, and the
 * call is closed. */
MUST_USE static int await_call(struct outbound *outbound,
			       const struct outbound_call *call, size_t addresses_left,
			       int64_t end_ms, struct sink_failure *ret)
{
	struct leg *leg = &outbound->leg;
	int64_t now_ms = clock_ms();
	char text[ADDRESS_TEXT_SIZE];
	int error = call->error;

	leg_deadline(leg, now_ms + (end_ms - now_ms) / (int64_t)addresses_left,
		     REASON_DESTINATION_UNREACHABLE);
	if (call->fd >= 0) {
		if (net_await_connected(call->fd, &leg->waiter) == 0)
			return 0;
		error = errno;
	}
	outbound_hang_up(call);
	address_text(&call->address, text);
	if (outbound->setup.missed)
		outbound->setup.missed(outbound->setup.owner.context, text, error);
	ret->reason = leg->interrupted != REASON_NONE ? leg->interrupted
						      : REASON_DESTINATION_UNREACHABLE;
	snprintf(ret->detail, sizeof(ret->detail), "%s: %s", text,
		 leg->interrupted != REASON_NONE ? detail_of_wait(leg->interrupted)
						 : strerror(error));
	return -1;
}

/* Who dials is the gateway's own: that it doesn't is no fault of the destination's. */
static int explain_no_call(const struct leg *leg, struct sink_failure *ret)
{
	return outbound_fail(ret, leg->interrupted,
			     leg->interrupted == REASON_INTERNAL
				     ? "the gateway itself opened no connection in time"
				     : detail_of_wait(leg->interrupted));
}

static int fail_astray(struct sink_failure *ret)
{
	return outbound_fail(ret, REASON_REVOKED_WHILE_OPEN,
			     "its entry does not send to that destination any more");
}

/* A reload, or the name service, may change the addresses meanwhile. */
int outbound_dial(struct outbound *outbound, int64_t end_ms,
		  struct outbound_call *ret_call, struct sink_failure *ret)
{
	const struct outbound_setup *setup = &outbound->setup;
	struct leg *leg = &outbound->leg;

	outbound_fail(ret, REASON_DESTINATION_UNREACHABLE, "");
	for (size_t i = 0; ret->reason == REASON_DESTINATION_UNREACHABLE; i++) {
		struct outbound_call call = { .fd = -1, .signer = -1 };

		leg->interrupted = REASON_NONE;
		leg_deadline(leg, end_ms, REASON_INTERNAL);
		if (setup->dial(setup->owner.context, leg, i, &call) != 0)
			return explain_no_call(leg, ret);
		if (outbound->is_astray) {
			outbound_hang_up(&call);
			return fail_astray(ret);
		}
		if (i == 0 && call.count == 0)
			snprintf(ret->detail, sizeof(ret->detail),
				 "the name %.200s has no known address",
				 outbound->way.host);
		if (i >= call.count)
			break;
		if (await_call(outbound, &call, call.count - i, end_ms, ret) == 0) {
			*ret_call = call;
			return 0;
		}
	}
	return -1;
}

/* Our own certificates may be others than when the call came; the channel to the keeper
 * that came with it signs for those before. */
MUST_USE static int dial_in_force(struct outbound *outbound, int64_t end_ms,
				  struct outbound_call *ret_call,
				  struct sink_failure *ret)
{
	for (int i = 0; i < DIALS; i++) {
		outbound->is_of_old = false;
		if (outbound_dial(outbound, end_ms, ret_call, ret) != 0)
			return -1;
		if (ret_call->signer < 0 || ret_call->trusts == outbound->trusts)
			return 0;
		outbound_hang_up(ret_call);
	}
	return outbound_fail(ret, REASON_INTERNAL,
			     "the configuration changed at each try to connect");
}

MUST_USE static int secure_socket(struct outbound *outbound,
				  const struct outbound_call *call,
				  struct sink_failure *ret)
{
	struct tls_context *context = outbound->setup.context;
	struct leg *leg = &outbound->leg;
	struct tls_failure tls;
	struct tls_peer peer;

	if (!context) {
		if (transport_plain(call->fd, &leg->waiter, &leg->carrier) == 0)
			return 0;
		return outbound_fail(ret, REASON_INTERNAL,
				     "no memory for the connection");
	}
	if (tls_handshake(context, call->fd, call->signer, &leg->waiter, &leg->carrier,
			  &peer, &tls) == 0) {
		outbound->trust_until = tls_trusted_until(&peer);
		if (outbound->setup.met)
			outbound->setup.met(outbound->setup.owner.context, &peer);
		tls_peer_clear(&peer);
		return 0;
	}
	if (tls.reason == REASON_NONE)
		return outbound_explain(leg, UL_CLOSED, ret);
	outbound_fail(ret, tls.reason, tls.detail);
	ret->shown = tls.shown;
	return -1;
}

int outbound_secure(struct outbound *outbound, const struct outbound_call *call,
		    int64_t end_ms, struct sink_failure *ret)
{
	int rc;

	leg_deadline(&outbound->leg, end_ms, REASON_DESTINATION_TIMEOUT);
	rc = secure_socket(outbound, call, ret);
	if (call->signer >= 0)
		close(call->signer);
	if (rc == 0)
		leg_opened(&outbound->leg);
	else
		net_close(call->fd);
	return rc;
}

static void explain_rejection(struct ul_rejection rejection, struct sink_failure *ret)
{
	*ret = (struct sink_failure){ .reason = REASON_DESTINATION_REJECTED,
				      .rejection = rejection };
	snprintf(ret->detail, sizeof(ret->detail),
		 "the destination rejected the association: result %u, source %u, "
		 "reason %u",
		 rejection.result, rejection.source, rejection.reason);
}

enum ul_connect_fault outbound_propose(struct outbound *outbound, int64_t end_ms,
				       struct sink_failure *ret)
{
	const struct outbound_way *way = &outbound->way;
	struct leg *leg = &outbound->leg;
	struct ul_proposer how = outbound->setup.proposal;
	struct ul_rejection rejection;
	enum ul_connect_fault fault;

	how.called = way->called;
	if (way->calling.text[0])
		how.calling = way->calling;
	leg_deadline(leg, end_ms, REASON_DESTINATION_TIMEOUT);
	fault = ul_connect(&leg->stream, &how, &leg->ul, &rejection);
	if (fault == UL_CONNECT_REJECTED)
		explain_rejection(rejection, ret);
	else if (fault != UL_CONNECT_OK)
		outbound_explain(leg,
				 fault == UL_CONNECT_ABORTED	? UL_ABORT
				 : fault == UL_CONNECT_PROTOCOL ? UL_PROTOCOL
								: UL_CLOSED,
				 ret);
	return fault;
}

int outbound_open(struct outbound *outbound, struct sink_failure *ret)
{
	int64_t end_ms = clock_ms() + (int64_t)outbound->setup.connect_seconds * 1000;
	struct outbound_call call;

	leg_init(&outbound->leg, &outbound->setup.owner);
	outbound->is_amid = false;
	outbound->is_nameless = false;
	memset(outbound->ids, 0, sizeof(outbound->ids));
	outbound->trust_until = 0;
	if (outbound->is_astray)
		return fail_astray(ret);
	if (dial_in_force(outbound, end_ms, &call, ret) != 0 ||
	    outbound_secure(outbound, &call, end_ms, ret) != 0)
		return -1;
	if (outbound_propose(outbound, end_ms, ret) == UL_CONNECT_OK)
		return 0;
	leg_close(&outbound->leg);
	return -1;
}

/* PS3.8 9.3.8, source 0: the service user, which we are to the destination. */
static void abort_and_close(struct outbound *outbound)
{
	struct leg *leg = &outbound->leg;

	leg->interrupted = REASON_NONE;
	leg_deadline_in(leg, LEG_PARTING_SECONDS, REASON_DESTINATION_TIMEOUT);
	ul_abort(leg->ul, 0, 0);
	leg_close(leg);
}

void outbound_abort_message(struct outbound *outbound)
{
	if (outbound->is_amid && outbound->leg.ul)
		abort_and_close(outbound);
	outbound->is_amid = false;
}

void outbound_release(struct outbound *outbound)
{
	struct leg *leg = &outbound->leg;

	outbound_abort_message(outbound);
	if (!leg->ul)
		return;
	leg->interrupted = REASON_NONE;
	leg_deadline_in(leg, LEG_PARTING_SECONDS, REASON_DESTINATION_TIMEOUT);
	if (ul_release(leg->ul) != 0)
		log_debug("the destination did not answer the release");
	leg_close(leg);
}

/* Many destinations close associations that idle: the next message opens another.
 * Whatever else a destination says without being asked ends the association as well. */
void outbound_close_left(struct outbound *outbound)
{
	struct leg *leg = &outbound->leg;
	struct ul_pdv pdv;

	log_debug("the destination ended its association between instances");
	leg_deadline_in(leg, LEG_PARTING_SECONDS, REASON_DESTINATION_TIMEOUT);
	if (ul_has_pdv(leg->ul) || ul_peek(leg->ul) == UL_PDU_OTHER) {
		abort_and_close(outbound);
		return;
	}
	if (ul_read(leg->ul, &pdv) == UL_RELEASE)
		ul_release_response(leg->ul);
	leg_close(leg);
}
