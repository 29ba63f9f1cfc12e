#include "internal.h"

#include <string.h>
#include <time.h>

#include "cathgate/base/log.h"

bool outbound_has_spoken(const struct outbound *outbound)
{
	struct ul_association *ul = outbound->leg.ul;

	return ul && (ul_has_pdv(ul) || ul_peek(ul) != UL_PDU_NONE);
}

/* Whether each context that was passed on is answered as the association that it comes
 * from was told. */
static bool answers_as_before(const struct outbound *outbound)
{
	const struct ul_proposer *proposal = &outbound->setup.proposal;
	struct ul_proposal context;

	if (!proposal->like)
		return true;
	for (size_t i = 0; i < ul_proposal_count(proposal->like); i++) {
		const char *before, *now;

		ul_proposal(proposal->like, i, &context);
		if (!proposal->propose[context.id])
			continue;
		before = ul_context_transfer_syntax(proposal->like, context.id);
		now = ul_context_transfer_syntax(outbound->leg.ul, context.id);
		if (!before != !now || (before && strcmp(before, now) != 0))
			return false;
	}
	return true;
}

MUST_USE static int reopen(struct outbound *outbound, struct sink_failure *ret)
{
	if (outbound_open(outbound, ret) != 0)
		return -1;
	if (answers_as_before(outbound)) {
		log_debug("the destination had left: connected again");
		return 0;
	}
	outbound_release(outbound);
	return outbound_fail(
		ret, REASON_DESTINATION_CONTEXT,
		"the destination answers the contexts otherwise than before");
}

/* Whether an instance on this association had the request's message id already: a late
 * response to that one could be taken for the request's, unless it names its instance. */
static bool id_was_used(const struct outbound *outbound, const struct command_set *asked)
{
	return asked->sop_instance[0] &&
	       (outbound->ids[asked->message_id / 8] & 1U << asked->message_id % 8);
}

static void use_id(struct outbound *outbound, const struct command_set *asked)
{
	outbound->is_id_again = id_was_used(outbound, asked);
	if (asked->sop_instance[0])
		outbound->ids[asked->message_id / 8] |=
			(uint8_t)(1U << asked->message_id % 8);
}

int outbound_ready(struct outbound *outbound, const struct command_message *request,
		   struct sink_failure *ret)
{
	if (outbound_has_spoken(outbound))
		outbound_close_left(outbound);
	if ((outbound->is_nameless && id_was_used(outbound, &request->command)) ||
	    outbound->is_astray || outbound->is_of_old ||
	    (outbound->trust_until != 0 && time(NULL) > outbound->trust_until))
		outbound_release(outbound);
	while (!outbound->leg.ul) {
		if (reopen(outbound, ret) != 0)
			return -1;
		/* A reload came meanwhile. */
		if (outbound->is_astray || outbound->is_of_old)
			outbound_release(outbound);
	}
	return 0;
}

MUST_USE static int outbound_write(struct outbound *outbound, const struct ul_pdv *pdv,
				   struct sink_failure *ret)
{
	if (ul_write(outbound->leg.ul, pdv) == 0)
		return 0;
	return outbound_explain(&outbound->leg, UL_CLOSED, ret);
}

int outbound_command(struct outbound *outbound, const struct command_message *request,
		     struct sink_failure *ret)
{
	struct ul_pdv pdv = { .context = request->context,
			      .command = true,
			      .last = true,
			      .data = request->bytes,
			      .size = request->size };

	outbound->request = request;
	outbound->is_amid = true;
	outbound->has_refused_early = false;
	use_id(outbound, &request->command);
	leg_silence(&outbound->leg, outbound->setup.response_seconds,
		    REASON_DESTINATION_TIMEOUT);
	return outbound_write(outbound, &pdv, ret);
}

MUST_USE static int read_command(struct outbound *outbound,
				 struct command_message *response,
				 struct sink_failure *ret)
{
	struct ul_pdv pdv;

	response->size = 0;
	response->context = outbound->request->context;
	do {
		enum ul_event event = ul_read(outbound->leg.ul, &pdv);

		if (event != UL_PDV)
			return outbound_explain(&outbound->leg, event, ret);
		if (command_add(response, &pdv) != 0) {
			return outbound_fail(ret, REASON_DESTINATION_PROTOCOL,
					     "the destination sent something else than a "
					     "response");
		}
	} while (!pdv.last);
	return 0;
}

/* Why it is no answer to the request; NULL when it is one. */
static const char *mismatch(const struct command_set *asked,
			    const struct command_set *said)
{
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

/* Notes that the destination leaves the SOP instance out. Returns why such a success is
 * not believed, or NULL: another instance had the same message id, and this may be the
 * late response to that one. A failure may be believed: it loses nothing. */
static const char *doubt_nameless(struct outbound *outbound,
				  const struct command_set *said)
{
	if (said->sop_instance[0] || !outbound->request->command.sop_instance[0])
		return NULL;
	outbound->is_nameless = true;
	return outbound->is_id_again && command_status_stored(said->status)
		       ? "its response names no SOP instance, and a message ID "
			 "that another instance had"
		       : NULL;
}

MUST_USE static int read_response(struct outbound *outbound,
				  struct command_message *response,
				  struct sink_failure *ret)
{
	const char *wrong = NULL;

	leg_deadline_in(&outbound->leg, outbound->setup.response_seconds,
			REASON_DESTINATION_TIMEOUT);
	if (read_command(outbound, response, ret) != 0)
		return -1;
	if (command_parse(response->bytes, response->size, &response->command, &wrong) ==
	    0)
		wrong = mismatch(&outbound->request->command, &response->command);
	if (!wrong)
		wrong = doubt_nameless(outbound, &response->command);
	if (!wrong)
		return 0;
	return outbound_fail(ret, REASON_DESTINATION_PROTOCOL, wrong);
}

int outbound_response(struct outbound *outbound, struct command_message *ret_response,
		      struct sink_failure *ret)
{
	if (read_response(outbound, ret_response, ret) != 0)
		return -1;
	outbound->is_amid = false;
	return 0;
}

/*
 * The same as a sink for instances.
 */

static int sink_begin(void *context, const struct command_message *request,
		      struct sink_failure *ret)
{
	struct outbound *outbound = context;

	if (outbound_ready(outbound, request, ret) != 0)
		return -1;
	return outbound_command(outbound, request, ret);
}

/* Success before the instance's end is none. */
static int sink_early(void *context, struct command_message *ret_answer,
		      struct sink_failure *ret)
{
	struct outbound *outbound = context;

	if (ul_peek(outbound->leg.ul) == UL_PDU_NONE)
		return 0;
	if (read_response(outbound, ret_answer, ret) != 0)
		return -1;
	if (command_status_stored(ret_answer->command.status))
		return outbound_fail(
			ret, REASON_DESTINATION_PROTOCOL,
			"the destination reported success before the object's end");
	outbound->has_refused_early = true;
	leg_silence(&outbound->leg, outbound->setup.response_seconds,
		    REASON_DESTINATION_TIMEOUT);
	return 1;
}

static int sink_fragment(void *context, const struct ul_pdv *pdv,
			 struct sink_failure *ret)
{
	return outbound_write(context, pdv, ret);
}

/* Should there be another answer after an early one, it is not for the next instance. */
static int sink_finish(void *context, struct command_message *ret_answer,
		       struct sink_failure *ret)
{
	struct outbound *outbound = context;

	if (!outbound->has_refused_early)
		return outbound_response(outbound, ret_answer, ret);
	outbound->is_amid = false;
	outbound_release(outbound);
	return 0;
}

static void sink_abort(void *context)
{
	outbound_abort_message(context);
}

void outbound_sink(struct outbound *outbound, struct sink *ret)
{
	*ret = (struct sink){ .context = outbound,
			      .begin = sink_begin,
			      .early = sink_early,
			      .fragment = sink_fragment,
			      .finish = sink_finish,
			      .abort = sink_abort };
}
