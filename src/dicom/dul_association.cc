#include "dul_association.h"

#include <algorithm>
#include <memory>
#include <utility>

/* DCMTK 3.6.8 added an argument for the timeout. */
#if PACKAGE_VERSION_NUMBER < 368
static OFCondition create_parameters(T_ASC_Parameters **ret, long max_pdu)
{
	return ASC_createAssociationParameters(ret, max_pdu);
}
#else
static OFCondition create_parameters(T_ASC_Parameters **ret, long max_pdu)
{
	return ASC_createAssociationParameters(ret, max_pdu, -1);
}
#endif

ul_association::ul_association(struct transport *carrier, const uint8_t *replay,
			       size_t replay_size, unsigned wanted_max_pdu)
    : transport(carrier), wire(carrier, replay, replay_size), layer(&wire),
      max_pdu(std::clamp<unsigned long>(wanted_max_pdu, pdu_minimum, pdu_maximum) & ~1UL)
{
}

ul_association::~ul_association()
{
	if (key)
		DUL_DropAssociation(&key);
	if (parameters)
		ASC_destroyAssociationParameters(&parameters);
	if (network)
		DUL_DropNetwork(&network);
}

bool ul_association::open_network(const char *mode)
{
	int unused_port = 0;

	if (create_parameters(&parameters, static_cast<long>(max_pdu)).bad())
		return false;
	if (DUL_InitializeNetwork(mode, &unused_port, 0, DUL_ORDERBIGENDIAN, &network)
		    .bad())
		return false;
	return DUL_setTransportLayer(network, &layer, 0).good();
}

const ul_context *ul_association::find(uint8_t id) const
{
	for (const ul_context &context : contexts)
		if (context.id == id)
			return &context;
	return nullptr;
}

ul_context *ul_association::find(uint8_t id)
{
	return const_cast<ul_context *>(std::as_const(*this).find(id));
}

const ul_context *ul_association::find_accepted(uint8_t id) const
{
	const ul_context *context = find(id);

	return context && context->result == UL_ACCEPTED ? context : nullptr;
}

std::string trimmed(const char *uid)
{
	std::string text(uid);

	text.erase(text.find_last_not_of(' ') + 1);
	return text;
}

bool holds(const std::vector<std::string> &list, const std::string &text)
{
	return std::find(list.begin(), list.end(), text) != list.end();
}

SOPClassExtendedNegotiationSubItemList *copy_extended(
	const SOPClassExtendedNegotiationSubItemList *from,
	const std::vector<ul_context> *of)
{
	auto list = std::make_unique<SOPClassExtendedNegotiationSubItemList>();

	for (const SOPClassExtendedNegotiationSubItem *item : *from) {
		auto copy = std::make_unique<SOPClassExtendedNegotiationSubItem>();
		size_t size = item->serviceClassAppInfoLength;

		if (of &&
		    std::none_of(of->begin(), of->end(), [&](const ul_context &context) {
			    return context.abstract_syntax == item->sopClassUID.c_str();
		    }))
			continue;
		copy->sopClassUID = item->sopClassUID;
		copy->serviceClassAppInfo = new unsigned char[size];
		copy->serviceClassAppInfoLength = item->serviceClassAppInfoLength;
		std::copy_n(item->serviceClassAppInfo, size, copy->serviceClassAppInfo);
		list->push_back(copy.release());
	}
	return list.release();
}
