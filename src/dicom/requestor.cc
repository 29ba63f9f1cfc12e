/* The requestor's side of cathgate/dicom/upper_layer.h. */
#include "dul_association.h"

#include <memory>

#include "cathgate/dicom/sop_class.h"
#include "decoy.h"

static bool may_pass(UserIdentityNegotiationSubItemRQ *identity)
{
	T_ASC_UserIdentityNegotiationMode type = identity->getIdentityType();

	return type == ASC_USER_IDENTITY_USER || type == ASC_USER_IDENTITY_SAML ||
	       type == ASC_USER_IDENTITY_JWT;
}

/* Verification (PS3.4 A.4) in the default transfer syntax. */
MUST_USE static bool propose_echo(ul_association &out)
{
	const char *syntax = TRANSFER_SYNTAX_IMPLICIT;

	out.contexts.push_back(
		{ UL_ECHO_CONTEXT, false, SOP_CLASS_VERIFICATION, { syntax } });
	return ASC_addPresentationContext(out.parameters, UL_ECHO_CONTEXT,
					  SOP_CLASS_VERIFICATION, &syntax, 1)
		.good();
}

MUST_USE static bool propose_like(ul_association &out, const struct ul_proposer &how)
{
	for (const ul_context &from : how.like->contexts) {
		std::vector<const char *> syntaxes;

		if (!how.propose[from.id])
			continue;
		for (const std::string &syntax : from.transfer_syntaxes)
			syntaxes.push_back(syntax.c_str());
		if (ASC_addPresentationContext(
			    out.parameters, from.id, from.abstract_syntax.c_str(),
			    syntaxes.data(), static_cast<int>(syntaxes.size()))
			    .bad())
			return false;
		out.contexts.push_back(
			{ from.id, false, from.abstract_syntax, from.transfer_syntaxes });
	}
	return !out.contexts.empty();
}

MUST_USE static bool propose_pairs(ul_association &out, const struct ul_proposer &how)
{
	for (size_t i = 0; i < how.pair_count && i < UL_PAIRS_MAX; i++) {
		const struct ul_pair &pair = how.pairs[i];
		const char *syntax = pair.transfer_syntax;
		uint8_t id = static_cast<uint8_t>(2 * i + 1);

		if (ASC_addPresentationContext(out.parameters, id, pair.abstract_syntax,
					       &syntax, 1)
			    .bad())
			return false;
		out.contexts.push_back({ id, false, pair.abstract_syntax, { syntax } });
	}
	return true;
}

MUST_USE static bool propose_contexts(ul_association &out, const struct ul_proposer &how)
{
	bool is_proposed = how.like		? propose_like(out, how)
			   : how.pair_count > 0 ? propose_pairs(out, how)
						: propose_echo(out);

	if (!is_proposed)
		return false;
	/* DCMTK would write "not yet negotiated" into a reserved byte. */
	for (DUL_PRESENTATIONCONTEXT *context :
	     nodes<DUL_PRESENTATIONCONTEXT>(out.dul().requestedPresentationContext))
		context->result = 0;
	return true;
}

static void propose_own_identity(ul_association &out)
{
	copy_text(out.dul().callingImplementationClassUID, own_implementation_uid);
	copy_text(out.dul().callingImplementationVersionName, own_implementation_version);
}

static void propose_identity(ul_association &out, const struct ul_proposer &how)
{
	const DUL_ASSOCIATESERVICEPARAMETERS &from = how.like->dul();
	DUL_ASSOCIATESERVICEPARAMETERS &to = out.dul();

	if (from.callingImplementationClassUID[0] != '\0') {
		copy_text(to.callingImplementationClassUID,
			  from.callingImplementationClassUID);
		copy_text(to.callingImplementationVersionName,
			  from.callingImplementationVersionName);
	} else {
		propose_own_identity(out);
	}
	if (from.requestedExtNegList)
		to.requestedExtNegList =
			copy_extended(from.requestedExtNegList, &out.contexts);
	if (how.pass_user_identity && from.reqUserIdentNeg &&
	    may_pass(from.reqUserIdentNeg))
		to.reqUserIdentNeg =
			new UserIdentityNegotiationSubItemRQ(*from.reqUserIdentNeg);
}

/* Notes the acceptor's answers. An answer for a context that was not proposed, a second
 * answer, and a transfer syntax that was not proposed don't count. */
static void list_answers(ul_association &out)
{
	LST_HEAD *list = out.dul().acceptedPresentationContext;

	for (DUL_PRESENTATIONCONTEXT *from : nodes<DUL_PRESENTATIONCONTEXT>(list)) {
		ul_context *to = out.find(from->presentationContextID);
		std::string syntax = trimmed(from->acceptedTransferSyntax);

		if (!to || to->answered)
			continue;
		to->answered = true;
		if (from->result == UL_ACCEPTED && holds(to->transfer_syntaxes, syntax)) {
			to->result = UL_ACCEPTED;
			to->transfer_syntax = syntax;
		} else if (from->result >= UL_USER_REJECTION &&
			   from->result <= UL_TRANSFER_SYNTAXES_NOT_SUPPORTED) {
			to->result = static_cast<enum ul_result>(from->result);
		}
	}
}

/* DCMTK reads the address as a number, which needs no name service, and connects to
 * nothing (decoy.h). dul_connection uses the caller's transport. */
static OFCondition request_over_decoy(ul_association &out)
{
	decoy instead_of_a_socket;

	copy_text(out.dul().calledPresentationAddress, "127.0.0.1:104");
	return DUL_RequestAssociation(&out.network, DUL_BLOCK, 0, &out.dul(), &out.key,
				      0);
}

static enum ul_connect_fault judge_connect(const ul_association &out,
					   const OFCondition &condition)
{
	unsigned long maximum = out.dul().peerMaxPDU;

	if (out.wire.fault() == WIRE_PROTOCOL)
		return UL_CONNECT_PROTOCOL;
	if (out.wire.fault() == WIRE_LOST || out.wire.type() == PDU_NONE)
		return UL_CONNECT_LOST;
	if (out.wire.type() == PDU_ASSOCIATE_RJ)
		return UL_CONNECT_REJECTED;
	if (out.wire.type() == PDU_ABORT)
		return UL_CONNECT_ABORTED;
	if (condition.bad() || (maximum != 0 && maximum < writer_heads + 2))
		return UL_CONNECT_PROTOCOL; /* broken, or no room for data */
	return UL_CONNECT_OK;
}

static enum ul_connect_fault connect_over(struct transport *transport,
					  const struct ul_proposer &how,
					  struct ul_association **ret,
					  struct ul_rejection *ret_rejection)
{
	auto out = std::make_unique<ul_association>(transport, nullptr, 0, how.max_pdu);
	OFCondition condition;
	enum ul_connect_fault fault;

	if (!out->open_network(DUL_AEREQUESTOR))
		return UL_CONNECT_LOST;
	if (!propose_contexts(*out, how)) {
		log_bug("there is nothing to propose");
		return UL_CONNECT_LOST;
	}
	if (how.like)
		propose_identity(*out, how);
	else
		propose_own_identity(*out);
	ASC_setAPTitles(out->parameters, how.calling.text, how.called.text, nullptr);

	out->wire.expect(1U << PDU_ASSOCIATE_AC | 1U << PDU_ASSOCIATE_RJ |
			 1U << PDU_ABORT);
	condition = request_over_decoy(*out);
	fault = judge_connect(*out, condition);
	if (fault == UL_CONNECT_REJECTED)
		*ret_rejection = { static_cast<uint8_t>(out->dul().result),
				   static_cast<uint8_t>(out->dul().resultSource),
				   static_cast<uint8_t>(out->dul().diagnostic) };
	if (fault == UL_CONNECT_PROTOCOL) /* PS3.8 9.2.3, AA-8 */
		out->wire.write_short(PDU_ABORT, 0, 2, 2);
	if (fault != UL_CONNECT_OK) {
		log_debug("DCMTK about the proposal: %s", condition.text());
		return fault;
	}
	list_answers(*out);
	*ret = out.release();
	return UL_CONNECT_OK;
}

enum ul_connect_fault ul_connect(struct transport *transport,
				 const struct ul_proposer *how,
				 struct ul_association **ret,
				 struct ul_rejection *ret_rejection)
{
	return guarded(UL_CONNECT_LOST,
		       [&] { return connect_over(transport, *how, ret, ret_rejection); });
}

void ul_implementation(const struct ul_association *out, struct ul_implementation *ret)
{
	copy_text(ret->uid, out->dul().calledImplementationClassUID);
	copy_text(ret->version, out->dul().calledImplementationVersionName);
}
