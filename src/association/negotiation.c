/*
 * Negotiation: policy first, then outbound, then inbound as the destination answered.
 */
#include "fallback_sink.h"
#include "internal.h"
#include "services.h"

#include <stdio.h>
#include <string.h>

#include "cathgate/base/log.h"
#include "cathgate/dicom/sop_class.h"

/* What the gateway says of a proposal before the destination is asked. */
struct verdict {
	bool propose;
	enum ul_result result; /* otherwise; UL_ACCEPTED: by the gateway itself */
};

static struct verdict judge_proposal(const struct association *association,
				     const struct ul_proposal *proposal)
{
	const char *syntax = proposal->abstract_syntax;

	if (!services_has(syntax))
		return (struct verdict){ .result = UL_ABSTRACT_SYNTAX_NOT_SUPPORTED };
	if (proposal->transfer_syntax_count == 0)
		return (struct verdict){ .result = UL_TRANSFER_SYNTAXES_NOT_SUPPORTED };
	if (proposal->scp_role_only)
		return (struct verdict){ .result = UL_USER_REJECTION };
	if (strcmp(syntax, SOP_CLASS_VERIFICATION) == 0) {
		if (association->entry.now->echo == CONFIG_ECHO_GATEWAY)
			return (struct verdict){ .result = UL_ACCEPTED };
		return (struct verdict){ .propose = true };
	}
	if (policy_sop_class(association->entry.now, syntax, true) != REASON_NONE)
		return (struct verdict){ .result = UL_USER_REJECTION };
	return (struct verdict){ .propose = true };
}

static bool was_proposed(const struct association *association, size_t index,
			 const char *transfer_syntax)
{
	const char *syntax;

	for (size_t i = 0;
	     (syntax = ul_proposal_transfer_syntax(association->in.ul, index, i)); i++)
		if (strcmp(syntax, transfer_syntax) == 0)
			return true;
	return false;
}

/* C-ECHO has no data set: any transfer syntax will do, the default one best. */
static const char *echo_syntax(const struct association *association, size_t index)
{
	return was_proposed(association, index, TRANSFER_SYNTAX_IMPLICIT)
		       ? TRANSFER_SYNTAX_IMPLICIT
		       : ul_proposal_transfer_syntax(association->in.ul, index, 0);
}

struct tally {
	size_t proposed, accepted, refused_by_policy, unreadable;
	char refused[UL_UID_SIZE]; /* the first of these */
};

/* Without the destination: what it is known to accept, else what the configuration says.
 * Nothing that it has refused. */
MUST_USE static int answer_as_known(struct association *association, size_t index,
				    const struct ul_proposal *proposal,
				    struct tally *tally)
{
	const char *syntax = known_choose(&association->known, association->in.ul, index,
					  proposal->abstract_syntax);

	tally->accepted += syntax != NULL;
	return ul_answer(association->in.ul, proposal->id,
			 syntax ? UL_ACCEPTED : UL_TRANSFER_SYNTAXES_NOT_SUPPORTED,
			 syntax);
}

MUST_USE static int answer_as_destination(struct association *association, size_t index,
					  uint8_t id, struct tally *tally)
{
	enum ul_result result = ul_context_result(association->out.leg.ul, id);
	const char *syntax = ul_context_transfer_syntax(association->out.leg.ul, id);

	/* Accepted in a transfer syntax that nobody offered: of no use to the modality.
	 */
	if (result == UL_ACCEPTED &&
	    (!syntax || !was_proposed(association, index, syntax)))
		result = UL_NO_REASON;
	tally->accepted += result == UL_ACCEPTED;
	return ul_answer(association->in.ul, id, result,
			 result == UL_ACCEPTED ? syntax : NULL);
}

MUST_USE static int answer_proposals(struct association *association, struct tally *tally)
{
	struct ul_proposal proposal;

	for (size_t i = 0; i < ul_proposal_count(association->in.ul); i++) {
		struct verdict verdict;
		int done;

		ul_proposal(association->in.ul, i, &proposal);
		verdict = judge_proposal(association, &proposal);
		if (verdict.propose && association->is_cut_off) {
			done = answer_as_known(association, i, &proposal, tally);
		} else if (verdict.propose) {
			done = answer_as_destination(association, i, proposal.id, tally);
		} else {
			done = ul_answer(association->in.ul, proposal.id, verdict.result,
					 verdict.result == UL_ACCEPTED
						 ? echo_syntax(association, i)
						 : NULL);
			tally->accepted += verdict.result == UL_ACCEPTED;
		}
		if (done != 0)
			return -1;
	}
	return 0;
}

static void select_proposals(struct association *association, struct tally *tally)
{
	struct ul_proposal proposal;

	for (size_t i = 0; i < ul_proposal_count(association->in.ul); i++) {
		struct verdict verdict;

		ul_proposal(association->in.ul, i, &proposal);
		verdict = judge_proposal(association, &proposal);
		association->propose[proposal.id] = verdict.propose;
		tally->proposed += verdict.propose;
		tally->unreadable += !proposal.abstract_syntax[0] ||
				     proposal.transfer_syntax_count == 0;
		if (!verdict.propose && verdict.result == UL_USER_REJECTION &&
		    tally->refused_by_policy++ == 0)
			memcpy(tally->refused, proposal.abstract_syntax,
			       sizeof(tally->refused));
	}
}

/* A transient rejection invites the modality to try again. */
static const struct ul_rejection try_again = { 2, 3, 1 };

/* Whatever keeps the destination away may pass. The destination's own rejection is passed
 * on as it is. */
static int reject_for(struct association *association, const struct sink_failure *failure)
{
	if (failure->reason == REASON_PEER_LOST || failure->reason == REASON_PEER_ABORT)
		return ending_set(association, AUDIT_ABORTED, failure->reason,
				  LAST_PDU_NONE,
				  "the modality left while the destination was called");
	return ending_reject(association, failure->reason,
			     failure->reason == REASON_DESTINATION_REJECTED
				     ? failure->rejection
				     : try_again,
			     failure->detail);
}

static void summarise(const struct association *association, const struct tally *tally,
		      char *ret, size_t size, enum reason *ret_reason)
{
	size_t proposals = ul_proposal_count(association->in.ul);
	int used = 0;

	*ret_reason = REASON_NONE;
	ret[0] = '\0';
	if (association->requestor.user_identity != 0)
		used = snprintf(ret, size, "user identity of type %u; ",
				association->requestor.user_identity);
	if (tally->refused_by_policy > 0) {
		*ret_reason = REASON_SOP_CLASS_NOT_ALLOWED;
		snprintf(ret + used, size - (size_t)used,
			 "%zu of %zu contexts refused by policy, first %s",
			 tally->refused_by_policy, proposals, tally->refused);
	} else if (tally->unreadable > 0) {
		*ret_reason = REASON_MALFORMED;
		snprintf(ret + used, size - (size_t)used,
			 "%zu of %zu contexts refused: an even id, or syntaxes that are "
			 "no UIDs",
			 tally->unreadable, proposals);
	} else if (tally->proposed > 0 && tally->accepted == 0) {
		*ret_reason = REASON_DESTINATION_CONTEXT;
		snprintf(ret + used, size - (size_t)used,
			 association->is_cut_off
				 ? "the destination is known to accept none of %zu "
				   "contexts"
				 : "the destination accepted none of %zu contexts",
			 tally->proposed);
	} else if (used > 0) {
		ret[used - 2] = '\0';
	}
}

/* What the destination has just accepted is remembered for the day when it is away. */
static void learn(struct association *association)
{
	struct ul_proposal proposal;

	for (size_t i = 0; i < ul_proposal_count(association->in.ul); i++) {
		const char *syntax;

		ul_proposal(association->in.ul, i, &proposal);
		syntax = ul_context_transfer_syntax(association->out.leg.ul, proposal.id);
		if (association->propose[proposal.id] && syntax &&
		    known_says(&association->known, proposal.abstract_syntax, syntax) <=
			    0)
			spool_client_learnt(&association->spool.client,
					    proposal.abstract_syntax, syntax);
	}
}

/* The way to the destination, or to the spool in its place. 0; or -1 with the failure. */
MUST_USE static int find_way(struct association *association, struct sink_failure *ret)
{
	enum config_spool_mode mode = association->entry.now->spool;
	enum reason refuses = REASON_NONE;
	bool has_backlog = false;

	if (mode == CONFIG_SPOOL_OFF)
		return outbound_open(&association->out, ret);
	refuses = spool_sink_refuses(association, &has_backlog);
	known_read(&association->known, association);
	association->is_cut_off =
		mode == CONFIG_SPOOL_ALWAYS || (has_backlog && refuses == REASON_NONE);
	*ret = (struct sink_failure){ .reason = refuses };
	snprintf(ret->detail, sizeof(ret->detail), "%s",
		 refuses == REASON_SPOOL_FULL ? "the spool is full"
					      : "the spooler does not answer");
	if (association->is_cut_off)
		return refuses == REASON_NONE ? 0 : -1;
	if (outbound_open(&association->out, ret) == 0) {
		learn(association);
		return 0;
	}
	association->is_cut_off =
		refuses == REASON_NONE && fallback_sink_may_keep(ret->reason);
	if (!association->is_cut_off)
		return -1;
	fallback_sink_is_away(association);
	log_warning("%s: %s: objects go into the spool", reason_name(ret->reason),
		    ret->detail);
	return 0;
}

int negotiation_run(struct association *association)
{
	struct sink_failure failure;
	struct tally tally = { 0 };
	enum reason reason;
	char detail[256];

	select_proposals(association, &tally);
	if (tally.proposed > 0 && find_way(association, &failure) != 0)
		return reject_for(association, &failure);
	if (answer_proposals(association, &tally) != 0)
		return ending_reject(association, REASON_INTERNAL, try_again,
				     "the contexts could not be answered");
	summarise(association, &tally, detail, sizeof(detail), &reason);
	if (report_association(association, AUDIT_ACCEPTED, reason, detail) != 0)
		return ending_reject(association, REASON_AUDIT_UNAVAILABLE, try_again,
				     "the audit log took no record of the association");
	leg_silence(&association->in, association->config->limits.associate_seconds,
		    REASON_TOO_SLOW);
	if (ul_acknowledge(association->in.ul, association->out.leg.ul) != 0)
		return ending_of_leg(association, UL_CLOSED);
	association->established = true;
	return 0;
}
