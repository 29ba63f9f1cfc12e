/*
 * The outbound twin: the association that this process opens to the destination.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/net/net.h"

static void failed(struct relay_failure *failure, enum reason reason, const char *detail)
{
	*failure = (struct relay_failure){ .reason = reason };
	snprintf(failure->detail, sizeof(failure->detail), "%s", detail);
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

void relay_explain(struct association *association, enum ul_event event,
		   struct relay_failure *failure)
{
	struct leg *out = &association->out;
	struct tls_failure tls;
	char byte;

	if (out->interrupted != REASON_NONE) {
		failed(failure, out->interrupted, detail_of_wait(out->interrupted));
		return;
	}
	/* An alert that arrived while we were writing has not been read yet. */
	if (out->carrier.peek)
		out->carrier.peek(out->carrier.context, &byte, 1);
	if (tls_failed(&out->carrier, &tls)) {
		failed(failure, tls.reason, tls.detail);
		return;
	}
	switch (event) {
	case UL_ABORT:
		failed(failure, REASON_DESTINATION_LOST, "the destination aborted");
		break;
	case UL_RELEASE:
		failed(failure, REASON_DESTINATION_LOST,
		       "the destination asked for release within a message");
		break;
	case UL_PROTOCOL:
	case UL_PDV:
		failed(failure, REASON_DESTINATION_PROTOCOL,
		       "the destination sent what no DICOM peer may send there");
		break;
	case UL_CLOSED:
		failed(failure, REASON_DESTINATION_LOST,
		       "the destination's connection ended");
		break;
	}
}

/* One address's share of the time that is left for all of them. */
static int dial_one(struct association *association, const struct sockaddr_storage *to,
		    size_t addresses_left, int64_t end_ms, struct relay_failure *failure)
{
	struct leg *out = &association->out;
	int64_t now_ms = clock_ms();
	char text[ADDRESS_TEXT_SIZE];
	int fd;

	address_text(to, text);
	out->interrupted = REASON_NONE;
	leg_deadline(out, now_ms + (end_ms - now_ms) / (int64_t)addresses_left,
		     REASON_DESTINATION_UNREACHABLE);
	fd = net_connect(to, &out->waiter);
	if (fd >= 0)
		return fd;
	failure->reason = out->interrupted != REASON_NONE
				  ? out->interrupted
				  : REASON_DESTINATION_UNREACHABLE;
	snprintf(failure->detail, sizeof(failure->detail), "%s: %s", text,
		 out->interrupted != REASON_NONE ? detail_of_wait(out->interrupted)
						 : strerror(errno));
	return -1;
}

static int dial(struct association *association, int64_t end_ms,
		struct relay_failure *failure)
{
	const struct association_addresses *addresses = &association->way.addresses;

	failed(failure, REASON_DESTINATION_UNREACHABLE, "");
	if (addresses->count == 0)
		snprintf(failure->detail, sizeof(failure->detail),
			 "the name %.200s has no known address", association->way.host);
	for (size_t i = 0; i < addresses->count; i++) {
		int fd = dial_one(association, &addresses->items[i], addresses->count - i,
				  end_ms, failure);

		if (fd >= 0)
			return fd;
		if (failure->reason != REASON_DESTINATION_UNREACHABLE)
			break; /* the modality left, or we are told to stop */
	}
	return -1;
}

static int carry(struct association *association, int fd, struct relay_failure *failure)
{
	struct leg *out = &association->out;
	struct tls_context *context =
		association->start->clients[association->entry->destination];
	struct tls_failure tls;
	struct tls_peer peer;

	if (!context) {
		if (transport_plain(fd, &out->waiter, &out->carrier) == 0)
			return 0;
		failed(failure, REASON_INTERNAL, "no memory for the connection");
		return -1;
	}
	if (tls_connect(context, fd, &out->waiter, &out->carrier, &peer, &tls) == 0) {
		association->out_trust_until = tls_trusted_until(&peer);
		supervision_saw_destination(association, peer.shown_until);
		tls_peer_clear(&peer);
		return 0;
	}
	if (tls.reason == REASON_NONE)
		relay_explain(association, UL_CLOSED, failure);
	else
		failed(failure, tls.reason, tls.detail);
	return -1;
}

static int propose(struct association *association, struct relay_failure *failure)
{
	const struct association_way *way = &association->way;
	struct ul_proposer how = {
		.like = association->in.ul,
		.propose = association->propose,
		.calling = way->calling.text[0] ? way->calling
						: association->requestor.calling,
		.called = way->called,
		.max_pdu = association->config->limits.max_pdu_bytes,
		.pass_user_identity = association->entry->user_identity_pass,
	};
	struct ul_rejection rejection;

	switch (ul_connect(&association->out.metered, &how, &association->out.ul,
			   &rejection)) {
	case UL_CONNECT_OK:
		return 0;
	case UL_CONNECT_REJECTED:
		failed(failure, REASON_DESTINATION_REJECTED, "");
		snprintf(
			failure->detail, sizeof(failure->detail),
			"the destination rejected the association: result %u, source %u, "
			"reason %u",
			rejection.result, rejection.source, rejection.reason);
		failure->rejection = rejection;
		return -1;
	case UL_CONNECT_ABORTED:
		relay_explain(association, UL_ABORT, failure);
		return -1;
	case UL_CONNECT_PROTOCOL:
		relay_explain(association, UL_PROTOCOL, failure);
		return -1;
	case UL_CONNECT_LOST:
		relay_explain(association, UL_CLOSED, failure);
		return -1;
	}
	return -1;
}

int relay_open(struct association *association, struct relay_failure *failure)
{
	unsigned seconds = association->config->limits.connect_seconds;
	int64_t end_ms = clock_ms() + (int64_t)seconds * 1000;
	struct leg *out = &association->out;
	int fd;

	leg_init(out, association);
	association->out_is_amid = false;
	association->out_is_nameless = false;
	memset(association->out_ids, 0, sizeof(association->out_ids));
	association->out_trust_until = 0;
	association->out_is_of_old = false;
	if (association->is_astray) {
		failed(failure, REASON_REVOKED_WHILE_OPEN,
		       "its entry does not send to that destination any more");
		return -1;
	}
	fd = dial(association, end_ms, failure);
	if (fd < 0)
		return -1;
	leg_deadline(out, end_ms, REASON_DESTINATION_TIMEOUT);
	if (carry(association, fd, failure) != 0) {
		net_close(fd);
		return -1;
	}
	leg_opened(out);
	if (propose(association, failure) == 0)
		return 0;
	leg_close(out);
	return -1;
}

static bool same_answers(const struct association *association)
{
	struct ul_proposal proposal;

	for (size_t i = 0; i < ul_proposal_count(association->in.ul); i++) {
		const char *before, *now;

		ul_proposal(association->in.ul, i, &proposal);
		if (!association->propose[proposal.id])
			continue;
		before = ul_context_transfer_syntax(association->in.ul, proposal.id);
		now = ul_context_transfer_syntax(association->out.ul, proposal.id);
		if (!before != !now || (before && strcmp(before, now) != 0))
			return false;
	}
	return true;
}

static int reopen(struct association *association, struct relay_failure *failure)
{
	if (relay_open(association, failure) != 0)
		return -1;
	if (same_answers(association)) {
		log_debug("the destination had left: connected again");
		return 0;
	}
	relay_release(association);
	failed(failure, REASON_DESTINATION_CONTEXT,
	       "the destination answers the contexts otherwise than before");
	return -1;
}

bool relay_has_spoken(const struct association *association)
{
	struct ul_association *out = association->out.ul;

	return out && (ul_has_pdv(out) || ul_peek(out) != UL_PDU_NONE);
}

/* Whether an instance on this association had the request's message id already: a late
 * response to that one could be taken for the request's, unless it names its instance. */
static bool id_was_used(const struct association *association)
{
	const struct command_set *asked = &association->request.command;

	return asked->sop_instance[0] && (association->out_ids[asked->message_id / 8] &
					  1U << asked->message_id % 8);
}

static void use_id(struct association *association)
{
	const struct command_set *asked = &association->request.command;

	association->out_id_is_again = id_was_used(association);
	if (asked->sop_instance[0])
		association->out_ids[asked->message_id / 8] |=
			(uint8_t)(1U << asked->message_id % 8);
}

int relay_ready(struct association *association, struct relay_failure *failure)
{
	if (relay_has_spoken(association))
		relay_heard(association);
	if ((association->out_is_nameless && id_was_used(association)) ||
	    association->is_astray || association->out_is_of_old ||
	    (association->out_trust_until != 0 &&
	     time(NULL) > association->out_trust_until))
		relay_release(association);
	while (!association->out.ul) {
		if (reopen(association, failure) != 0)
			return -1;
		/* A reload came meanwhile. */
		if (association->is_astray || association->out_is_of_old)
			relay_release(association);
	}
	return 0;
}

int relay_command(struct association *association, struct relay_failure *failure)
{
	const struct message *request = &association->request;
	struct ul_pdv pdv = { .context = request->context,
			      .command = true,
			      .last = true,
			      .data = request->bytes,
			      .size = request->size };

	association->out_is_amid = true;
	use_id(association);
	leg_silence(&association->out, association->config->limits.response_seconds,
		    REASON_DESTINATION_TIMEOUT);
	if (ul_write(association->out.ul, &pdv) == 0)
		return 0;
	relay_explain(association, UL_CLOSED, failure);
	return -1;
}

static int read_command(struct association *association, struct relay_failure *failure)
{
	struct message *response = &association->response;
	struct ul_pdv pdv;

	response->size = 0;
	response->context = association->request.context;
	do {
		enum ul_event event = ul_read(association->out.ul, &pdv);

		if (event != UL_PDV) {
			relay_explain(association, event, failure);
			return -1;
		}
		if (!pdv.command || pdv.context != response->context ||
		    pdv.size > sizeof(response->bytes) - response->size) {
			failed(failure, REASON_DESTINATION_PROTOCOL,
			       "the destination sent something else than a response");
			return -1;
		}
		memcpy(response->bytes + response->size, pdv.data, pdv.size);
		response->size += pdv.size;
	} while (!pdv.last);
	return 0;
}

/* Why it is no answer to the request; NULL when it is one. */
static const char *mismatch(const struct message *request, const struct message *response)
{
	const struct command_set *asked = &request->command, *said = &response->command;

	if (said->fault)
		return said->fault;
	if (said->field != (asked->field | COMMAND_RSP_BIT))
		return "it answered with another command";
	if (!said->has_responded_to || said->responded_to != asked->message_id)
		return "its response names another message";
	if (said->sop_instance[0] && strcmp(said->sop_instance, asked->sop_instance) != 0)
		return "its response names another SOP instance";
	if (said->has_data_set)
		return "its response announces a data set";
	if (!said->has_status || !command_status_final(said->status))
		return "its response has no final status";
	return NULL;
}

/* Why a response that fits is no success all the same: it names no SOP instance, and
 * could be a late one to another instance. A failure may be believed: it loses nothing.
 */
static const char *take_name(struct association *association)
{
	const struct command_set *said = &association->response.command;

	if (said->sop_instance[0] || !association->request.command.sop_instance[0])
		return NULL;
	association->out_is_nameless = true;
	return association->out_id_is_again && command_status_stored(said->status)
		       ? "its response names no SOP instance, and a message ID "
			 "that another instance had"
		       : NULL;
}

int relay_response(struct association *association, struct relay_failure *failure)
{
	struct message *response = &association->response;
	const char *wrong = NULL;

	leg_deadline_in(&association->out, association->config->limits.response_seconds,
			REASON_DESTINATION_TIMEOUT);
	if (read_command(association, failure) != 0)
		return -1;
	if (command_parse(response->bytes, response->size, &response->command, &wrong) ==
	    0)
		wrong = mismatch(&association->request, response);
	if (!wrong)
		wrong = take_name(association);
	if (!wrong)
		return 0;
	failed(failure, REASON_DESTINATION_PROTOCOL, wrong);
	return -1;
}

/* PS3.8 9.3.8, source 0: the service user, which we are to the destination. */
void relay_abort(struct association *association)
{
	struct leg *out = &association->out;

	if (!out->ul)
		return;
	out->interrupted = REASON_NONE;
	leg_deadline_in(out, PARTING_SECONDS, REASON_DESTINATION_TIMEOUT);
	ul_abort(out->ul, 0, 0);
	leg_close(out);
}

void relay_abort_message(struct association *association)
{
	if (association->out_is_amid)
		relay_abort(association);
}

void relay_release(struct association *association)
{
	struct leg *out = &association->out;

	if (!out->ul)
		return;
	out->interrupted = REASON_NONE;
	leg_deadline_in(out, PARTING_SECONDS, REASON_DESTINATION_TIMEOUT);
	if (ul_release(out->ul) != 0)
		log_debug("the destination did not answer the release");
	leg_close(out);
}

void relay_heard(struct association *association)
{
	struct leg *out = &association->out;
	struct ul_pdv pdv;

	/* Many close associations that idle: the next instance opens another. Whatever
	 * else a destination says without being asked ends it just as well. */
	log_debug("the destination ended its association between instances");
	leg_deadline_in(out, PARTING_SECONDS, REASON_DESTINATION_TIMEOUT);
	if (ul_has_pdv(out->ul) || ul_peek(out->ul) == UL_PDU_OTHER) {
		relay_abort(association);
		return;
	}
	if (ul_read(out->ul, &pdv) == UL_RELEASE)
		ul_release_response(out->ul);
	leg_close(out);
}
