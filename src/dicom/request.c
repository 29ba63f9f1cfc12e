/* The A-ASSOCIATE-RQ (PS3.8 9.3.2), proved item by item before DCMTK parses it. Where the
 * standard says that unknown items are ignored, they are; where DCMTK would go on reading
 * at a wrong place, or keep only the last of two, the request is refused. */
#include "cathgate/upper_layer.h"

#include <stdlib.h>
#include <string.h>

#include "uid.h"

#define PDU_HEAD     6
#define REQUEST_HEAD 74 /* up to the first item */

enum { PDU_ASSOCIATE_RQ = 0x01, PDU_ABORT = 0x07 };

enum item_type {
	ITEM_APPLICATION_CONTEXT = 0x10,
	ITEM_CONTEXT = 0x20,
	ITEM_CONTEXT_ANSWER = 0x21,
	ITEM_ABSTRACT_SYNTAX = 0x30,
	ITEM_TRANSFER_SYNTAX = 0x40,
	ITEM_USER_INFORMATION = 0x50,
	ITEM_MAXIMUM_LENGTH = 0x51,
	ITEM_IMPLEMENTATION_UID = 0x52,
	ITEM_ASYNCHRONOUS_WINDOW = 0x53,
	ITEM_ROLE = 0x54,
	ITEM_IMPLEMENTATION_VERSION = 0x55,
	ITEM_EXTENDED = 0x56,
	ITEM_COMMON_EXTENDED = 0x57,
	ITEM_USER_IDENTITY = 0x58,
	ITEM_USER_IDENTITY_ANSWER = 0x59
};

struct span {
	const uint8_t *at;
	size_t left;
};

struct seen {
	unsigned application_contexts, contexts, user_informations;
	unsigned maximum_lengths, implementation_uids, user_identities;
	bool ids[256];
};

static unsigned get_u16(const uint8_t *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

static uint32_t get_u32(const uint8_t *bytes)
{
	return (uint32_t)get_u16(bytes) << 16 | get_u16(bytes + 2);
}

/* Takes the next item of a list that isn't at its end; false when it leads outside. */
static bool take_item(struct span *list, unsigned *ret_type, struct span *ret_body)
{
	size_t size;

	if (list->left < 4)
		return false;
	size = get_u16(list->at + 2);
	if (size > list->left - 4)
		return false;
	*ret_type = list->at[0];
	*ret_body = (struct span){ .at = list->at + 4, .left = size };
	list->at += 4 + size;
	list->left -= 4 + size;
	return true;
}

/* Takes a field with its 16-bit length before it. */
static bool take_field(struct span *body, struct span *ret_field)
{
	size_t size;

	if (body->left < 2)
		return false;
	size = get_u16(body->at);
	if (size > body->left - 2)
		return false;
	*ret_field = (struct span){ .at = body->at + 2, .left = size };
	body->at += 2 + size;
	body->left -= 2 + size;
	return true;
}

static bool is_uid(struct span field)
{
	char uid[UID_MAX + 1];

	return field.left <= UID_MAX && uid_copy(field.at, field.left, uid) == 0 &&
	       uid[0] != '\0';
}

/* Each check returns what is wrong, NULL when nothing is. */

static const char *check_context(struct span body, struct seen *seen)
{
	unsigned type, abstract_syntaxes = 0, transfer_syntaxes = 0;
	struct span field;
	uint8_t id;

	if (body.left < 4)
		return "a presentation context is shorter than its head";
	id = body.at[0];
	if (id % 2 == 0)
		return "a presentation context has an even id";
	if (seen->ids[id])
		return "two presentation contexts have the same id";
	seen->ids[id] = true;
	body.at += 4;
	body.left -= 4;

	while (body.left > 0) {
		if (!take_item(&body, &type, &field))
			return "a syntax is longer than its presentation context";
		if (type != ITEM_ABSTRACT_SYNTAX && type != ITEM_TRANSFER_SYNTAX)
			continue;
		if (!is_uid(field))
			return "an abstract or transfer syntax is no UID of 1 to 64 "
			       "characters";
		if (type == ITEM_ABSTRACT_SYNTAX)
			abstract_syntaxes++;
		else
			transfer_syntaxes++;
	}
	if (abstract_syntaxes != 1)
		return "a presentation context has not exactly one abstract syntax";
	if (transfer_syntaxes == 0)
		return "a presentation context has no transfer syntax";
	return NULL;
}

static const char *check_maximum_length(struct span body)
{
	uint32_t maximum;

	if (body.left != 4)
		return "the maximum length does not have 4 bytes";
	maximum = get_u32(body.at);
	/* DCMTK needs 12 for its heads; a fragment of odd length isn't allowed. */
	if (maximum != 0 && maximum < 14)
		return "the maximum length leaves no room for data";
	return NULL;
}

static const char *check_role(struct span body)
{
	struct span uid;

	if (!take_field(&body, &uid) || body.left != 2)
		return "the lengths of a role selection do not add up";
	if (!is_uid(uid))
		return "a role selection names no UID of 1 to 64 characters";
	return NULL;
}

static const char *check_extended(struct span body)
{
	struct span uid;

	if (!take_field(&body, &uid))
		return "the lengths of an extended negotiation do not add up";
	if (!is_uid(uid))
		return "an extended negotiation names no UID of 1 to 64 characters";
	return NULL;
}

static const char *check_common_extended(struct span body)
{
	struct span field;

	for (int i = 0; i < 3; i++) {
		if (!take_field(&body, &field))
			return "the lengths of a common extended negotiation do not add "
			       "up";
	}
	return NULL;
}

static const char *check_user_identity(struct span body)
{
	struct span primary, secondary;
	uint8_t type;

	if (body.left < 2)
		return "the user identity is shorter than its head";
	type = body.at[0];
	body.at += 2;
	body.left -= 2;
	if (!take_field(&body, &primary) || !take_field(&body, &secondary) ||
	    body.left != 0)
		return "the lengths of the user identity do not add up";
	if (type != 2 && secondary.left > 0)
		return "a user identity without a passcode has a secondary field";
	return NULL;
}

static const char *check_user_item(unsigned type, struct span body, struct seen *seen)
{
	switch (type) {
	case ITEM_MAXIMUM_LENGTH:
		seen->maximum_lengths++;
		return check_maximum_length(body);
	case ITEM_IMPLEMENTATION_UID:
		if (++seen->implementation_uids > 1)
			return "there are two implementation class UIDs";
		return is_uid(body) ? NULL
				    : "the implementation class UID is no UID of 1 to 64 "
				      "characters";
	case ITEM_ASYNCHRONOUS_WINDOW:
		return body.left == 4 ? NULL
				      : "the asynchronous operations window does not "
					"have 4 bytes";
	case ITEM_ROLE:
		return check_role(body);
	case ITEM_IMPLEMENTATION_VERSION:
		/* 16 in the standard; more is seen, and is cut. */
		return body.left <= 64 ? NULL
				       : "the implementation version name is too long";
	case ITEM_EXTENDED:
		return check_extended(body);
	case ITEM_COMMON_EXTENDED:
		return check_common_extended(body);
	case ITEM_USER_IDENTITY:
		if (++seen->user_identities > 1)
			return "there are two user identities";
		return check_user_identity(body);
	case ITEM_USER_IDENTITY_ANSWER:
		return "a request holds the answer to a user identity";
	default:
		return NULL;
	}
}

static const char *check_user_information(struct span body, struct seen *seen)
{
	unsigned type;
	struct span field;
	const char *fault;

	while (body.left > 0) {
		if (!take_item(&body, &type, &field))
			return "an item is longer than the user information";
		fault = check_user_item(type, field, seen);
		if (fault)
			return fault;
	}
	return seen->maximum_lengths == 1 ? NULL
					  : "there is not exactly one maximum length";
}

static const char *check_item(unsigned type, struct span body, struct seen *seen)
{
	switch (type) {
	case ITEM_APPLICATION_CONTEXT:
		seen->application_contexts++;
		return is_uid(body) ? NULL
				    : "the application context is no UID of 1 to 64 "
				      "characters";
	case ITEM_CONTEXT:
		seen->contexts++;
		return check_context(body, seen);
	case ITEM_CONTEXT_ANSWER:
		return "a request holds the answer to a presentation context";
	case ITEM_USER_INFORMATION:
		if (++seen->user_informations > 1)
			return "there are two user information items";
		return check_user_information(body, seen);
	default:
		return NULL;
	}
}

static const char *check_items(struct span items)
{
	struct seen seen = { 0 };
	unsigned type;
	struct span body;
	const char *fault;

	while (items.left > 0) {
		if (!take_item(&items, &type, &body))
			return "an item is longer than the request";
		fault = check_item(type, body, &seen);
		if (fault)
			return fault;
	}
	if (seen.application_contexts != 1)
		return "there is not exactly one application context";
	if (seen.contexts == 0)
		return "there is no presentation context";
	if (seen.user_informations == 0)
		return "there is no user information";
	return NULL;
}

static enum ul_request_fault check_type(uint8_t type, const char **detail)
{
	if (type == PDU_ASSOCIATE_RQ)
		return UL_REQUEST_OK;
	if (type == PDU_ABORT) {
		*detail = "the peer aborted before it asked for an association";
		return UL_REQUEST_ABORTED;
	}
	*detail = "the first bytes are no A-ASSOCIATE-RQ's";
	return UL_REQUEST_NOT_DICOM;
}

/* Judges the announced length, so that nothing is allocated for a nonsensical one. */
static enum ul_request_fault check_head(const uint8_t head[PDU_HEAD], const char **detail)
{
	enum ul_request_fault fault = check_type(head[0], detail);
	uint32_t length = get_u32(head + 2);

	if (fault != UL_REQUEST_OK)
		return fault;
	if (length < REQUEST_HEAD - PDU_HEAD) {
		*detail = "the request is shorter than its fixed part";
		return UL_REQUEST_MALFORMED;
	}
	if (length > UL_REQUEST_MAX - PDU_HEAD) {
		*detail = "the request is longer than any that makes sense";
		return UL_REQUEST_MALFORMED;
	}
	return UL_REQUEST_OK;
}

enum ul_request_fault ul_check_request(const uint8_t *pdu, size_t size,
				       const char **detail)
{
	enum ul_request_fault fault;
	const char *wrong;

	if (size == 0) {
		*detail = "there are no bytes";
		return UL_REQUEST_NOT_DICOM;
	}
	fault = check_type(pdu[0], detail);
	if (fault != UL_REQUEST_OK)
		return fault;
	if (size < PDU_HEAD) {
		*detail = "the request is shorter than a PDU's head";
		return UL_REQUEST_MALFORMED;
	}
	fault = check_head(pdu, detail);
	if (fault != UL_REQUEST_OK)
		return fault;
	if (get_u32(pdu + 2) != size - PDU_HEAD) {
		*detail = "the request's length does not fit its bytes";
		return UL_REQUEST_MALFORMED;
	}
	wrong = check_items(
		(struct span){ .at = pdu + REQUEST_HEAD, .left = size - REQUEST_HEAD });
	if (wrong) {
		*detail = wrong;
		return UL_REQUEST_MALFORMED;
	}
	return UL_REQUEST_OK;
}

/* The first byte is judged as soon as it is there: what isn't DICOM may never send six.
 */
static enum ul_request_fault read_head(struct transport *transport,
				       uint8_t head[PDU_HEAD], const char **detail)
{
	size_t have = 0;

	while (have < PDU_HEAD) {
		ssize_t count =
			transport->read(transport->context, head + have, PDU_HEAD - have);
		enum ul_request_fault fault;

		if (count <= 0) {
			*detail = "the connection was lost before the request was there";
			return UL_REQUEST_LOST;
		}
		have += (size_t)count;
		fault = check_type(head[0], detail);
		if (fault != UL_REQUEST_OK)
			return fault;
	}
	return check_head(head, detail);
}

enum ul_request_fault ul_read_request(struct transport *transport, uint8_t **ret,
				      size_t *ret_size, const char **detail)
{
	uint8_t head[PDU_HEAD];
	enum ul_request_fault fault = read_head(transport, head, detail);
	uint8_t *pdu = NULL;
	size_t size, have = PDU_HEAD;

	if (fault != UL_REQUEST_OK)
		return fault;
	size = PDU_HEAD + get_u32(head + 2);
	pdu = malloc(size);
	if (!pdu) {
		*detail = "no memory for the request";
		return UL_REQUEST_LOST;
	}
	memcpy(pdu, head, PDU_HEAD);
	while (have < size) {
		ssize_t count =
			transport->read(transport->context, pdu + have, size - have);

		if (count <= 0) {
			*detail = "the connection was lost within the request";
			fault = UL_REQUEST_LOST;
			goto out;
		}
		have += (size_t)count;
	}
	fault = ul_check_request(pdu, size, detail);
	if (fault != UL_REQUEST_OK)
		goto out;
	*ret = pdu;
	*ret_size = size;
	pdu = NULL;
out:
	free(pdu);
	return fault;
}

/* PS3.8 9.3.8. */
int ul_abort_request(struct transport *transport, uint8_t source, uint8_t reason)
{
	const uint8_t pdu[] = { 7, 0, 0, 0, 0, 4, 0, 0, source, reason };

	return transport->write(transport->context, pdu, sizeof(pdu));
}
