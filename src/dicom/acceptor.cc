/* The acceptor's side of cathgate/dicom/upper_layer.h. */
#include "dul_association.h"

#include <algorithm>
#include <memory>

#include <dcmtk/dcmdata/dcuid.h>

static void list_proposals(ul_association &in)
{
	LST_HEAD *list = in.dul().requestedPresentationContext;

	for (DUL_PRESENTATIONCONTEXT *from : nodes<DUL_PRESENTATIONCONTEXT>(list)) {
		ul_context to{};

		to.id = from->presentationContextID;
		to.scp_role_only = from->proposedSCRole == DUL_SC_ROLE_SCP;
		to.abstract_syntax = from->abstractSyntax;
		for (DUL_TRANSFERSYNTAX *syntax :
		     nodes<DUL_TRANSFERSYNTAX>(from->proposedTransferSyntax))
			if (syntax->transferSyntax[0] != '\0')
				to.transfer_syntaxes.push_back(syntax->transferSyntax);
		in.contexts.push_back(std::move(to));
	}
}

/* DCMTK takes an accepted socket from a global variable, in which 0 means none. */
static OFCondition receive_request(ul_association &in, int fd)
{
	OFCondition condition = DUL_NETWORKCLOSED;

	dcmExternalSocketHandle.set(fd);
	if (in.open_network(DUL_AEACCEPTOR))
		condition = DUL_ReceiveAssociationRQ(&in.network, DUL_BLOCK, 0, &in.dul(),
						     &in.key, 0);
	dcmExternalSocketHandle.set(DCMNET_INVALID_SOCKET);
	return condition;
}

static ul_association *accept_request(struct transport *transport, const uint8_t *request,
				      size_t size, unsigned max_pdu, const char **detail)
{
	auto in = std::make_unique<ul_association>(transport, request, size, max_pdu);
	OFCondition condition;

	if (transport->fd <= 0) {
		*detail = "the connection is on descriptor 0, which DCMTK does not take";
		return nullptr;
	}
	condition = receive_request(*in, transport->fd);
	if (condition == DUL_UNSUPPORTEDPEERPROTOCOL) { /* DCMTK has sent it */
		*detail = "the protocol version is not supported; rejected with 1/2/2";
		return nullptr;
	}
	if (condition.bad()) {
		log_debug("DCMTK about the request: %s", condition.text());
		*detail = "DCMTK does not take the request, or the connection was lost";
		return nullptr;
	}
	if (strcmp(in->dul().applicationContextName, UID_StandardApplicationContext) !=
	    0) {
		in->wire.write_short(PDU_ASSOCIATE_RJ, 1, 1, 2);
		*detail = "the application context is not DICOM's; rejected with 1/1/2";
		return nullptr;
	}
	list_proposals(*in);
	return in.release();
}

struct ul_association *ul_accept(struct transport *transport, const uint8_t *request,
				 size_t size, unsigned max_pdu, const char **detail)
{
	*detail = "no memory";
	return guarded<ul_association *>(nullptr, [&] {
		return accept_request(transport, request, size, max_pdu, detail);
	});
}

static void requestor_title(const char *title, struct ae_title *ret,
			    char (&ret_text)[AE_TITLE_MAX + 1])
{
	while (*title == ' ')
		title++;
	copy_text(ret_text, title);
	if (ae_title_parse(title, strlen(title), ret) != 0)
		ret->text[0] = '\0';
}

void ul_requestor(const struct ul_association *in, struct ul_requestor *ret)
{
	const DUL_ASSOCIATESERVICEPARAMETERS &dul = in->dul();
	unsigned identity =
		dul.reqUserIdentNeg ? dul.reqUserIdentNeg->getIdentityType() : 0;

	requestor_title(dul.callingAPTitle, &ret->calling, ret->calling_text);
	requestor_title(dul.calledAPTitle, &ret->called, ret->called_text);
	copy_text(ret->implementation_uid, dul.callingImplementationClassUID);
	copy_text(ret->implementation_version, dul.callingImplementationVersionName);
	ret->user_identity = identity <= ASC_USER_IDENTITY_MAX_VALUE ? identity : 0;
}

size_t ul_proposal_count(const struct ul_association *in)
{
	return in->contexts.size();
}

void ul_proposal(const struct ul_association *in, size_t index, struct ul_proposal *ret)
{
	const ul_context &from = in->contexts[index];

	ret->id = from.id;
	ret->scp_role_only = from.scp_role_only;
	copy_text(ret->abstract_syntax, from.abstract_syntax.c_str());
	ret->transfer_syntax_count = from.transfer_syntaxes.size();
}

const char *ul_proposal_transfer_syntax(const struct ul_association *in, size_t index,
					size_t number)
{
	const std::vector<std::string> &list = in->contexts[index].transfer_syntaxes;

	return number < list.size() ? list[number].c_str() : nullptr;
}

MUST_USE static int answer_proposal(ul_association &in, ul_context &to,
				    enum ul_result result, const char *transfer_syntax)
{
	OFCondition condition;

	if (result == UL_ACCEPTED) {
		if (!transfer_syntax || !holds(to.transfer_syntaxes, transfer_syntax))
			return -1;
		/* No role in the answer: the requestor is SCU only (PS3.7 D.3.3.4). */
		condition = ASC_acceptPresentationContext(
			in.parameters, to.id, transfer_syntax, ASC_SC_ROLE_DEFAULT);
	} else {
		condition = ASC_refusePresentationContext(
			in.parameters, to.id, static_cast<T_ASC_P_ResultReason>(result));
	}
	if (condition.bad())
		return -1;
	to.answered = true;
	to.result = result;
	to.transfer_syntax = result == UL_ACCEPTED ? transfer_syntax : "";
	return 0;
}

int ul_answer(struct ul_association *in, uint8_t id, enum ul_result result,
	      const char *transfer_syntax)
{
	return guarded(-1, [&] {
		ul_context *to = in->find(id);

		return to ? answer_proposal(*in, *to, result, transfer_syntax) : -1;
	});
}

/* The maximum PDU for the modality, such that each fragment fits into one PDU for the
 * destination. It is never less than DCMTK's minimum, since a modality may not cope with
 * less: write_pdv then cuts the fragments. */
static unsigned long unsplit_maximum(unsigned long other_side)
{
	unsigned long limit =
		other_side == 0 ? pdu_maximum : std::min(other_side, pdu_maximum);

	if (limit < pdu_minimum)
		return pdu_minimum;
	return (limit - (writer_heads - PDV_HEAD_SIZE)) & ~1UL;
}

static void pass_back(ul_association &in, const ul_association &out)
{
	DUL_ASSOCIATESERVICEPARAMETERS &to = in.dul();
	const DUL_ASSOCIATESERVICEPARAMETERS &from = out.dul();

	to.maxPDU = std::min(in.max_pdu, unsplit_maximum(from.peerMaxPDU));
	if (from.calledImplementationClassUID[0] != '\0') {
		copy_text(to.calledImplementationClassUID,
			  from.calledImplementationClassUID);
		copy_text(to.calledImplementationVersionName,
			  from.calledImplementationVersionName);
	}
	if (from.acceptedExtNegList)
		to.acceptedExtNegList = copy_extended(from.acceptedExtNegList, nullptr);
	if (from.ackUserIdentNeg && from.reqUserIdentNeg)
		to.ackUserIdentNeg =
			new UserIdentityNegotiationSubItemAC(*from.ackUserIdentNeg);
}

int ul_acknowledge(struct ul_association *in, const struct ul_association *out)
{
	return guarded(-1, [&] {
		DUL_ASSOCIATESERVICEPARAMETERS &dul = in->dul();

		for (const ul_context &context : in->contexts) {
			if (!context.answered) {
				log_bug("presentation context %u has no answer",
					context.id);
				return -1;
			}
		}
		dul.maxPDU = in->max_pdu;
		copy_text(dul.calledImplementationClassUID, own_implementation_uid);
		copy_text(dul.calledImplementationVersionName,
			  own_implementation_version);
		if (out)
			pass_back(*in, *out);
		return DUL_AcknowledgeAssociationRQ(&in->key, &dul, 0).good() ? 0 : -1;
	});
}

int ul_reject(struct ul_association *in, struct ul_rejection rejection)
{
	int written = in->wire.write_short(PDU_ASSOCIATE_RJ, rejection.result,
					   rejection.source, rejection.reason);

	in->wire.shut();
	return written;
}
