#include "dul_association.h"

#include <algorithm>
#include <cerrno>

#include <dcmtk/oflog/oflog.h>

void ul_init(void)
{
	OFLog::configure(OFLogger::OFF_LOG_LEVEL);
	dcmDisableGethostbyaddr.set(OFTrue);
	dcmSocketSendTimeout.set(-1);
	dcmSocketReceiveTimeout.set(-1);
}

enum ul_result ul_context_result(const struct ul_association *association, uint8_t id)
{
	const ul_context *context = association->find(id);

	return context ? context->result : UL_NO_REASON;
}

const char *ul_context_abstract_syntax(const struct ul_association *association,
				       uint8_t id)
{
	const ul_context *context = association->find_accepted(id);

	return context ? context->abstract_syntax.c_str() : nullptr;
}

const char *ul_context_transfer_syntax(const struct ul_association *association,
				       uint8_t id)
{
	const ul_context *context = association->find_accepted(id);

	return context ? context->transfer_syntax.c_str() : nullptr;
}

static enum ul_event end_with(ul_association &association, enum ul_event event)
{
	association.over = true;
	association.pdvs_size = 0;
	association.end = event;
	return event;
}

/* DCMTK's DUL_NextPDV finds the third PDV of a PDU at a wrong place unless the first two
 * are of the same length (3.6.7 to 3.6.9), so only the first is taken from it: it tells
 * where the PDU's bytes are. */
static enum ul_event read_pdu(ul_association &association)
{
	dul_wire &wire = association.wire;
	OFCondition condition;
	DUL_PDV first;

	wire.expect(1U << PDU_DATA | 1U << PDU_RELEASE_RQ | 1U << PDU_ABORT);
	condition = DUL_ReadPDVs(&association.key, nullptr, DUL_BLOCK, 0);
	if (wire.fault() == WIRE_LOST)
		return UL_CLOSED;
	if (condition == DUL_PEERREQUESTEDRELEASE)
		return UL_RELEASE;
	if (condition == DUL_PEERABORTEDASSOCIATION && wire.fault() == WIRE_OK)
		return UL_ABORT;
	if (condition != DUL_PDATAPDUARRIVED ||
	    DUL_NextPDV(&association.key, &first).bad())
		return UL_PROTOCOL;
	association.pdvs = static_cast<const uint8_t *>(first.data) - PDV_HEAD_SIZE;
	association.pdvs_size = wire.length();
	return UL_PDV;
}

static enum ul_event take_pdv(ul_association &association, struct ul_pdv *ret)
{
	struct ul_pdv pdv;

	if (!pdv_take(&association.pdvs, &association.pdvs_size, &pdv) ||
	    !association.find_accepted(pdv.context))
		return UL_PROTOCOL;
	*ret = pdv;
	return UL_PDV;
}

static constexpr unsigned empty_pdvs_maximum = 1000;

static enum ul_event read_pdv(ul_association &association, struct ul_pdv *ret)
{
	enum ul_event event = UL_PDV;

	if (association.over)
		return association.end;
	if (association.pdvs_size == 0)
		event = read_pdu(association);
	if (event == UL_PDV)
		event = take_pdv(association, ret);
	if (event == UL_PDV) {
		association.empty_pdvs = ret->size > 0 ? 0 : association.empty_pdvs + 1;
		if (association.empty_pdvs > empty_pdvs_maximum)
			event = UL_PROTOCOL;
	}
	return event == UL_PDV ? event : end_with(association, event);
}

enum ul_event ul_read(struct ul_association *association, struct ul_pdv *ret)
{
	return guarded(UL_CLOSED, [&] { return read_pdv(*association, ret); });
}

bool ul_has_pdv(const struct ul_association *association)
{
	return association->pdvs_size > 0;
}

/* DCMTK would cut at the peer's maximum too, but into odd fragments if that is odd. */
MUST_USE static int write_pdv(ul_association &association, const struct ul_pdv &pdv)
{
	unsigned long maximum = association.dul().peerMaxPDU;
	size_t most = ((maximum == 0 ? pdu_maximum : maximum) - writer_heads) & ~1UL;
	const uint8_t *next = pdv.data;
	size_t left = pdv.size;

	do {
		size_t size = std::min(left, most);
		DUL_PDV piece = { size, pdv.context,
				  pdv.command ? DUL_COMMANDPDV : DUL_DATASETPDV,
				  pdv.last && size == left ? OFTrue : OFFalse,
				  const_cast<uint8_t *>(next) };
		DUL_PDVLIST list = { 1, nullptr, 0, { 0, 0, 0 }, &piece };

		if (DUL_WritePDVs(&association.key, &list).bad())
			return -1;
		next += size;
		left -= size;
	} while (left > 0);
	return 0;
}

int ul_write(struct ul_association *association, const struct ul_pdv *pdv)
{
	return guarded(-1, [&] {
		return association->find_accepted(pdv->context)
			       ? write_pdv(*association, *pdv)
			       : -1;
	});
}

enum ul_pdu_type ul_peek(struct ul_association *association)
{
	struct transport *transport = association->transport;
	uint8_t type;
	ssize_t count = transport->peek(transport->context, &type, 1);

	if (count < 0 && errno == EAGAIN)
		return UL_PDU_NONE;
	if (count <= 0)
		return UL_PDU_CLOSED;
	switch (type) {
	case PDU_ABORT:
		return UL_PDU_ABORT;
	case PDU_RELEASE_RQ:
		return UL_PDU_RELEASE_RQ;
	default:
		return UL_PDU_OTHER;
	}
}

/* When both sides ask for release at once, the requestor answers first (PS3.8 9.2.3, AR-8
 * and AR-9), then waits on. */
MUST_USE static int release_association(ul_association &out)
{
	OFCondition condition;

	out.wire.expect(1U << PDU_RELEASE_RP | 1U << PDU_RELEASE_RQ | 1U << PDU_ABORT);
	condition = DUL_ReleaseAssociation(&out.key);
	if (condition == DUL_PEERREQUESTEDRELEASE) {
		out.wire.expect(1U << PDU_RELEASE_RP | 1U << PDU_ABORT);
		condition = DUL_AcknowledgeRelease(&out.key);
		if (condition.good())
			condition = DUL_ReadPDVs(&out.key, nullptr, DUL_BLOCK, 0);
	}
	end_with(out, UL_CLOSED);
	out.wire.shut();
	return condition.good() && out.wire.fault() == WIRE_OK &&
			       out.wire.type() == PDU_RELEASE_RP
		       ? 0
		       : -1;
}

int ul_release(struct ul_association *out)
{
	return guarded(-1, [&] { return release_association(*out); });
}

int ul_release_response(struct ul_association *in)
{
	return guarded(-1,
		       [&] { return DUL_AcknowledgeRelease(&in->key).good() ? 0 : -1; });
}

void ul_abort(struct ul_association *association, uint8_t source, uint8_t reason)
{
	association->wire.write_short(PDU_ABORT, 0, source, reason);
	association->wire.shut();
	end_with(*association, UL_CLOSED);
}

void ul_free(struct ul_association *association)
{
	delete association;
}
