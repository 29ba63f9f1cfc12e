/* Reads the A-ASSOCIATE-RQ (PS3.8 9.3.2) item by item, and writes a new one for DCMTK of
 * what can be used. A request that could mean two things is refused: lengths that don't
 * add up, two contexts with one id, two identities. Other faults only cost their context
 * or item. */
#include "cathgate/dicom/upper_layer.h"

#include <stdlib.h>
#include <string.h>

#include "cathgate/base/bytes.h"
#include "pdu.h"
#include "uid.h"

#define REQUEST_HEAD 74 /* up to the first item */

enum item_type {
	ITEM_APPLICATION_CONTEXT = 0x10,
	ITEM_CONTEXT = 0x20,
	ITEM_ABSTRACT_SYNTAX = 0x30,
	ITEM_TRANSFER_SYNTAX = 0x40,
	ITEM_USER_INFORMATION = 0x50,
	ITEM_MAXIMUM_LENGTH = 0x51,
	ITEM_IMPLEMENTATION_UID = 0x52,
	ITEM_ROLE = 0x54,
	ITEM_IMPLEMENTATION_VERSION = 0x55,
	ITEM_EXTENDED = 0x56,
	ITEM_USER_IDENTITY = 0x58
};

struct span {
	const uint8_t *at;
	size_t left;
};

/* The new request, as it grows. */
struct mended {
	uint8_t *bytes; /* of sufficient size */
	size_t size;
	unsigned contexts;
	bool ids[256];
	bool has_maximum_length, has_implementation_uid, has_implementation_version;
	bool has_user_identity;
};

/* A context without valid syntaxes gets two empty ones. */
#define GROWTH_MAX (256 * 8 + 8)

/* Takes the next item of a list; false when it is longer than the list. */
MUST_USE static bool take_item(struct span *list, unsigned *ret_type,
			       struct span *ret_body)
{
	size_t size;

	if (list->left < 4)
		return false;
	size = bytes_get_be16(list->at + 2);
	if (size > list->left - 4)
		return false;
	*ret_type = list->at[0];
	*ret_body = (struct span){ .at = list->at + 4, .left = size };
	list->at += 4 + size;
	list->left -= 4 + size;
	return true;
}

/* Takes a field that begins with its 16-bit length. */
MUST_USE static bool take_field(struct span *body, struct span *ret_field)
{
	size_t size;

	if (body->left < 2)
		return false;
	size = bytes_get_be16(body->at);
	if (size > body->left - 2)
		return false;
	*ret_field = (struct span){ .at = body->at + 2, .left = size };
	body->at += 2 + size;
	body->left -= 2 + size;
	return true;
}

static bool read_uid(struct span field, char ret[UID_MAX + 1])
{
	return uid_copy(field.at, field.left, ret) == 0 && ret[0] != '\0';
}

static void put_bytes(struct mended *to, const void *bytes, size_t size)
{
	if (size > 0)
		memcpy(to->bytes + to->size, bytes, size);
	to->size += size;
}

static size_t begin_item(struct mended *to, unsigned type)
{
	const uint8_t head[] = { (uint8_t)type, 0, 0, 0 };

	put_bytes(to, head, sizeof(head));
	return to->size;
}

/* Writes the item's length. False when it is too long for an item. */
static bool end_item(struct mended *to, size_t began)
{
	size_t size = to->size - began;

	bytes_put_be16(to->bytes + began - 2, (uint16_t)(size & 0xffff));
	return size <= UINT16_MAX;
}

static void put_item(struct mended *to, unsigned type, struct span body)
{
	size_t began = begin_item(to, type);

	put_bytes(to, body.at, body.left);
	(void)end_item(to, began); /* as long as an item that came */
}

static void put_uid(struct mended *to, unsigned type, const char *uid)
{
	put_item(to, type,
		 (struct span){ .at = (const uint8_t *)uid, .left = strlen(uid) });
}

/* The functions mend_… copy what can be used. They return what makes the whole request
 * unusable, or NULL. */

/* An abstract syntax that is no UID becomes "", and a transfer syntax that is none is
 * left out. */
MUST_USE static const char *mend_context(struct span body, struct mended *to)
{
	char abstract[UID_MAX + 1] = "", uid[UID_MAX + 1];
	unsigned type, abstract_syntaxes = 0, transfer_syntaxes = 0;
	struct span field;
	size_t item;
	uint8_t id;

	if (body.left < 4)
		return "a presentation context is shorter than its head";
	id = body.at[0];
	if (to->ids[id])
		return "two presentation contexts have the same id";
	to->ids[id] = true;
	to->contexts++;
	body.at += 4;
	body.left -= 4;

	item = begin_item(to, ITEM_CONTEXT);
	put_bytes(to, (const uint8_t[]){ id, 0, 0, 0 }, 4);
	while (body.left > 0) {
		if (!take_item(&body, &type, &field))
			return "a syntax is longer than its presentation context";
		if (type == ITEM_TRANSFER_SYNTAX && read_uid(field, uid)) {
			put_uid(to, type, uid);
			transfer_syntaxes++;
		} else if (type == ITEM_ABSTRACT_SYNTAX && abstract_syntaxes++ == 0) {
			if (!read_uid(field, abstract))
				abstract[0] = '\0';
		}
	}
	/* Ids are odd (PS3.8 9.3.2.2), and two abstract syntaxes could mean either. */
	if (abstract_syntaxes != 1 || id % 2 == 0)
		abstract[0] = '\0';
	put_uid(to, ITEM_ABSTRACT_SYNTAX, abstract);
	if (transfer_syntaxes == 0) /* DCMTK needs one */
		put_uid(to, ITEM_TRANSFER_SYNTAX, "");
	return end_item(to, item) ? NULL : "a presentation context is too long";
}

MUST_USE static const char *mend_maximum_length(struct span body, struct mended *to)
{
	uint32_t maximum;

	if (body.left != 4 || to->has_maximum_length)
		return NULL;
	maximum = bytes_get_be32(body.at);
	/* DCMTK needs 12 for its heads, and a fragment has an even length. */
	if (maximum != 0 && maximum < 14)
		return "the maximum length leaves no room for data";
	to->has_maximum_length = true;
	put_item(to, ITEM_MAXIMUM_LENGTH, body);
	return NULL;
}

static void mend_implementation_uid(struct span body, struct mended *to)
{
	char uid[UID_MAX + 1];

	if (to->has_implementation_uid || !read_uid(body, uid))
		return;
	to->has_implementation_uid = true;
	put_uid(to, ITEM_IMPLEMENTATION_UID, uid);
}

static void mend_implementation_version(struct span body, struct mended *to)
{
	/* The standard allows 16 characters; longer ones are met, and cut later. */
	if (to->has_implementation_version || body.left == 0 || body.left > 64)
		return;
	to->has_implementation_version = true;
	put_item(to, ITEM_IMPLEMENTATION_VERSION, body);
}

/* Items that begin with a SOP class. The UID loses its padding, as in the contexts, since
 * the two are compared. */
static void mend_of_class(unsigned type, struct span body, struct mended *to)
{
	char uid[UID_MAX + 1];
	struct span field;
	size_t item;

	if (!take_field(&body, &field) || !read_uid(field, uid) ||
	    (type == ITEM_ROLE && body.left != 2))
		return;
	item = begin_item(to, type);
	put_bytes(to, (const uint8_t[]){ 0, (uint8_t)strlen(uid) }, 2);
	put_bytes(to, uid, strlen(uid));
	put_bytes(to, body.at, body.left);
	(void)end_item(to, item); /* no longer than what came */
}

/* A user identity must be unambiguous. */
MUST_USE static const char *mend_user_identity(struct span body, struct mended *to)
{
	struct span left = body, primary, secondary;
	uint8_t type;

	if (to->has_user_identity)
		return "there are two user identities";
	to->has_user_identity = true;
	if (body.left < 2)
		return "the user identity is shorter than its head";
	type = body.at[0];
	left.at += 2;
	left.left -= 2;
	if (!take_field(&left, &primary) || !take_field(&left, &secondary) ||
	    left.left != 0)
		return "the lengths of the user identity do not add up";
	if (type != 2 && secondary.left > 0)
		return "a user identity without a passcode has a secondary field";
	put_item(to, ITEM_USER_IDENTITY, body);
	return NULL;
}

/* Other items are left out: unknown ones, which the standard says to ignore, the
 * asynchronous operations window and common extended negotiation, which DCMTK doesn't
 * know, and items of answers. */
MUST_USE static const char *mend_user_item(unsigned type, struct span body,
					   struct mended *to)
{
	switch (type) {
	case ITEM_MAXIMUM_LENGTH:
		return mend_maximum_length(body, to);
	case ITEM_IMPLEMENTATION_UID:
		mend_implementation_uid(body, to);
		return NULL;
	case ITEM_IMPLEMENTATION_VERSION:
		mend_implementation_version(body, to);
		return NULL;
	case ITEM_ROLE:
	case ITEM_EXTENDED:
		mend_of_class(type, body, to);
		return NULL;
	case ITEM_USER_IDENTITY:
		return mend_user_identity(body, to);
	default:
		return NULL;
	}
}

MUST_USE static const char *mend_user_information(struct span body, struct mended *to)
{
	unsigned type;
	struct span field;
	const char *fault;

	while (body.left > 0) {
		if (!take_item(&body, &type, &field))
			return "an item is longer than the user information";
		fault = mend_user_item(type, field, to);
		if (fault)
			return fault;
	}
	return NULL;
}

/* Writes all user information as one item at the end, as DCMTK does. */
MUST_USE static const char *mend_all_user_information(struct span items,
						      struct mended *to)
{
	size_t item = begin_item(to, ITEM_USER_INFORMATION);
	const char *fault = NULL;
	struct span body;
	unsigned type;

	while (!fault && items.left > 0 && take_item(&items, &type, &body)) {
		if (type == ITEM_USER_INFORMATION)
			fault = mend_user_information(body, to);
	}
	if (!fault && !end_item(to, item))
		fault = "the user information is too long";
	return fault;
}

MUST_USE static const char *mend_items(struct span items, struct mended *to)
{
	struct span left = items, body;
	const char *fault = NULL;
	char uid[UID_MAX + 1];
	bool has_application_context = false;
	unsigned type;

	while (!fault && left.left > 0) {
		if (!take_item(&left, &type, &body))
			return "an item is longer than the request";
		if (type == ITEM_CONTEXT) {
			fault = mend_context(body, to);
		} else if (type == ITEM_APPLICATION_CONTEXT && !has_application_context &&
			   read_uid(body, uid)) {
			has_application_context = true;
			put_uid(to, type, uid);
		}
	}
	if (!fault && to->contexts == 0)
		fault = "there is no presentation context";
	return fault ? fault : mend_all_user_information(items, to);
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

/* Checks the announced length before memory is allocated for it. */
static enum ul_request_fault check_head(const uint8_t head[PDU_HEAD_SIZE],
					const char **detail)
{
	enum ul_request_fault fault = check_type(head[0], detail);
	uint32_t length = bytes_get_be32(head + 2);

	if (fault != UL_REQUEST_OK)
		return fault;
	if (length < REQUEST_HEAD - PDU_HEAD_SIZE) {
		*detail = "the request is shorter than its fixed part";
		return UL_REQUEST_MALFORMED;
	}
	if (length > UL_REQUEST_MAX - PDU_HEAD_SIZE) {
		*detail = "the request is longer than any that makes sense";
		return UL_REQUEST_MALFORMED;
	}
	return UL_REQUEST_OK;
}

static enum ul_request_fault check_size(const uint8_t *pdu, size_t size,
					const char **detail)
{
	enum ul_request_fault fault;

	if (size == 0) {
		*detail = "there are no bytes";
		return UL_REQUEST_NOT_DICOM;
	}
	fault = check_type(pdu[0], detail);
	if (fault != UL_REQUEST_OK)
		return fault;
	if (size < PDU_HEAD_SIZE) {
		*detail = "the request is shorter than a PDU's head";
		return UL_REQUEST_MALFORMED;
	}
	fault = check_head(pdu, detail);
	if (fault == UL_REQUEST_OK &&
	    (size < REQUEST_HEAD || bytes_get_be32(pdu + 2) != size - PDU_HEAD_SIZE)) {
		*detail = "the request's length does not fit its bytes";
		return UL_REQUEST_MALFORMED;
	}
	return fault;
}

enum ul_request_fault ul_mend_request(const uint8_t *pdu, size_t size, uint8_t **ret,
				      size_t *ret_size, const char **detail)
{
	enum ul_request_fault fault = check_size(pdu, size, detail);
	struct mended to = { 0 };
	const char *wrong;

	if (fault != UL_REQUEST_OK)
		return fault;
	to.bytes = malloc(size + GROWTH_MAX);
	if (!to.bytes) {
		*detail = "no memory for the request";
		return UL_REQUEST_LOST;
	}
	put_bytes(&to, pdu, REQUEST_HEAD);
	wrong = mend_items(
		(struct span){ .at = pdu + REQUEST_HEAD, .left = size - REQUEST_HEAD },
		&to);
	if (wrong) {
		free(to.bytes);
		*detail = wrong;
		return UL_REQUEST_MALFORMED;
	}
	bytes_put_be32(to.bytes + 2, (uint32_t)(to.size - PDU_HEAD_SIZE));
	*ret = to.bytes;
	*ret_size = to.size;
	return UL_REQUEST_OK;
}

/* Checks the first byte at once: a peer that doesn't speak DICOM may never send six. */
static enum ul_request_fault read_head(struct transport *transport,
				       uint8_t head[PDU_HEAD_SIZE], const char **detail)
{
	size_t have = 0;

	while (have < PDU_HEAD_SIZE) {
		ssize_t count = transport->read(transport->context, head + have,
						PDU_HEAD_SIZE - have);
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
	uint8_t head[PDU_HEAD_SIZE];
	enum ul_request_fault fault = read_head(transport, head, detail);
	uint8_t *pdu = NULL;
	size_t size, have = PDU_HEAD_SIZE;

	if (fault != UL_REQUEST_OK)
		return fault;
	size = PDU_HEAD_SIZE + bytes_get_be32(head + 2);
	pdu = malloc(size);
	if (!pdu) {
		*detail = "no memory for the request";
		return UL_REQUEST_LOST;
	}
	memcpy(pdu, head, PDU_HEAD_SIZE);
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
	fault = ul_mend_request(pdu, size, ret, ret_size, detail);
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
