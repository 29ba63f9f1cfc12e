/*
 * An association for the C++ files of this folder: DCMTK's handles, and the presentation
 * contexts in a list of our own.
 */
#pragma once

#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/lst.h>

#include "cathgate/base/log.h"
#include "cathgate/dicom/upper_layer.h"
#include "dul_transport.h"
#include "implementation.h"

static constexpr char own_implementation_uid[] = OWN_IMPLEMENTATION_UID;
static constexpr char own_implementation_version[] = OWN_IMPLEMENTATION_VERSION;

static constexpr unsigned long pdu_minimum = 4096, pdu_maximum = 131072; /* DCMTK's */
/* What DCMTK's writer leaves free of a peer's maximum. */
static constexpr unsigned long writer_heads = 12;

struct ul_context {
	uint8_t id;
	bool scp_role_only;
	std::string abstract_syntax;
	std::vector<std::string> transfer_syntaxes; /* proposed */
	bool answered = false;
	enum ul_result result = UL_NO_REASON;
	std::string transfer_syntax = {}; /* accepted */
};

struct ul_association {
	struct transport *transport;
	dul_wire wire;
	dul_layer layer;
	DUL_NETWORKKEY *network = nullptr;
	T_ASC_Parameters *parameters = nullptr;
	DUL_ASSOCIATIONKEY *key = nullptr;
	std::vector<ul_context> contexts;
	unsigned long max_pdu; /* the size of DCMTK's buffer */

	const uint8_t *pdvs = nullptr; /* the rest of the current PDU */
	size_t pdvs_size = 0;
	unsigned empty_pdvs = 0; /* in a row: no other limit counts them */
	bool over = false;	 /* ul_read returns `end` from now on */
	enum ul_event end = UL_CLOSED;

	/* `replay` is read before the transport. */
	ul_association(struct transport *carrier, const uint8_t *replay,
		       size_t replay_size, unsigned wanted_max_pdu);
	~ul_association();
	ul_association(const ul_association &) = delete;
	ul_association &operator=(const ul_association &) = delete;

	/* `mode` is DUL_AEACCEPTOR or DUL_AEREQUESTOR. */
	bool open_network(const char *mode);

	DUL_ASSOCIATESERVICEPARAMETERS &dul() const
	{
		return parameters->DULparams;
	}
	/* NULL when no context has that id. */
	ul_context *find(uint8_t id);
	const ul_context *find(uint8_t id) const;
	const ul_context *find_accepted(uint8_t id) const;
};

/* Catches exceptions, which C callers can't. */
template <typename Result, typename Body> inline Result guarded(Result failure, Body body)
{
	try {
		return body();
	} catch (const std::exception &error) {
		log_bug("the upper layer: %s", error.what());
	} catch (...) {
		log_bug("the upper layer: an exception of no known kind");
	}
	return failure;
}

/* The nodes of one of DCMTK's lists. */
template <typename Node> std::vector<Node *> nodes(LST_HEAD *list)
{
	std::vector<Node *> found;
	void *node = list ? LST_Head(&list) : nullptr;

	if (node)
		LST_Position(&list, node);
	for (; node; node = LST_Next(&list))
		found.push_back(static_cast<Node *>(node));
	return found;
}

template <size_t Size> void copy_text(char (&to)[Size], const char *from)
{
	size_t length = strnlen(from, Size - 1);

	memcpy(to, from, length);
	to[length] = '\0';
}

/* Removes the spaces with which some peers pad UIDs. NULs end DCMTK's strings anyway. */
std::string trimmed(const char *uid);
bool holds(const std::vector<std::string> &list, const std::string &text);

/* Copies the list and its items, which DCMTK frees with the association. With `of`, only
 * the items about one of these contexts. */
SOPClassExtendedNegotiationSubItemList *copy_extended(
	const SOPClassExtendedNegotiationSubItemList *from,
	const std::vector<ul_context> *of);
