#include "cathgate/dicom/command.h"

#include <string.h>

#include "cathgate/base/bytes.h"
#include "cathgate/dicom/sop_class.h"
#include "cathgate/dicom/upper_layer.h"
#include "uid.h"

#define ELEMENT_HEAD 8 /* tag and 32-bit length: implicit VR little endian */
#define GROUP_HEAD   (ELEMENT_HEAD + sizeof(uint32_t)) /* the group length's element */
#define NO_DATA_SET  0x0101
#define COMMENT_MAX  64 /* PS3.5 6.2, VR LO */

enum element { /* of group 0000 */
	       GROUP_LENGTH = 0x0000,
	       AFFECTED_SOP_CLASS = 0x0002,
	       COMMAND_FIELD = 0x0100,
	       MESSAGE_ID = 0x0110,
	       MESSAGE_ID_RESPONDED_TO = 0x0120,
	       DATA_SET_TYPE = 0x0800,
	       STATUS = 0x0900,
	       ERROR_COMMENT = 0x0902,
	       AFFECTED_SOP_INSTANCE = 0x1000,
	       MOVE_ORIGINATOR = 0x1030,
	       MOVE_ORIGINATOR_MESSAGE_ID = 0x1031
};

struct value {
	unsigned element;
	const uint8_t *bytes;
	size_t size;
};

/* The readers below return what is wrong, or NULL. */

/* A number of another size is a fault. Its first bytes are read all the same, so that a
 * request whose message id is too long can be answered. */
static const char *read_number_element(const struct value *value, bool *ret_has,
				       uint16_t *ret)
{
	*ret_has = value->size > 0;
	if (value->size >= 2)
		*ret = bytes_get_le16(value->bytes);
	else if (value->size == 1)
		*ret = value->bytes[0];
	return value->size == 2 ? NULL
				: "a number in the command set does not have 2 bytes";
}

static const char *read_data_set_type(const struct value *value, struct command_set *set)
{
	bool has;
	uint16_t type = NO_DATA_SET;
	const char *fault = read_number_element(value, &has, &type);

	set->has_data_set_type = !fault;
	set->has_data_set = !fault && type != NO_DATA_SET;
	return fault;
}

static const char *read_uid(const struct value *value, char ret[COMMAND_UID_MAX + 1])
{
	_Static_assert(COMMAND_UID_MAX == UID_MAX, "one size of UID");
	if (uid_copy(value->bytes, value->size, ret) < 0)
		return "a UID in the command set is too long or holds other than digits "
		       "and dots";
	return NULL;
}

static void read_move_originator(const struct value *value, struct command_set *set)
{
	for (size_t i = 0; i < value->size; i++)
		if (value->bytes[i] != ' ' && value->bytes[i] != '\0')
			set->has_move_originator = true;
	if (ae_title_parse((const char *)value->bytes, value->size,
			   &set->move_originator) < 0)
		set->move_originator = (struct ae_title){ 0 };
}

/* Some senders (PixelMed's for several files) put an id of 0 and no AE title into a store
 * without a C-MOVE. */
static void read_move_message(const struct value *value, struct command_set *set)
{
	for (size_t i = 0; i < value->size; i++)
		if (value->bytes[i] != 0)
			set->has_move_originator = true;
}

/* The gateway judges and answers a message by these elements, so each may stand only
 * once: of two, the PACS could use the other one. */
static const uint16_t judged[] = {
	AFFECTED_SOP_CLASS,	 COMMAND_FIELD,	  MESSAGE_ID,
	MESSAGE_ID_RESPONDED_TO, DATA_SET_TYPE,	  STATUS,
	AFFECTED_SOP_INSTANCE,	 MOVE_ORIGINATOR, MOVE_ORIGINATOR_MESSAGE_ID,
};

struct seen {
	bool judged[sizeof(judged) / sizeof(judged[0])];
	bool field;
};

static bool stands_again(unsigned element, struct seen *seen)
{
	for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
		if (judged[i] != element)
			continue;
		if (seen->judged[i])
			return true;
		seen->judged[i] = true;
	}
	return false;
}

MUST_USE static const char *read_value(const struct value *value, struct command_set *set,
				       struct seen *seen)
{
	if (stands_again(value->element, seen))
		return "an element stands twice in the command set";
	switch (value->element) {
	case AFFECTED_SOP_CLASS:
		return read_uid(value, set->sop_class);
	case AFFECTED_SOP_INSTANCE:
		return read_uid(value, set->sop_instance);
	case COMMAND_FIELD:
		return read_number_element(value, &seen->field, &set->field);
	case MESSAGE_ID:
		return read_number_element(value, &set->has_message_id, &set->message_id);
	case MESSAGE_ID_RESPONDED_TO:
		return read_number_element(value, &set->has_responded_to,
					   &set->responded_to);
	case STATUS:
		return read_number_element(value, &set->has_status, &set->status);
	case DATA_SET_TYPE:
		return read_data_set_type(value, set);
	case MOVE_ORIGINATOR:
		read_move_originator(value, set);
		return NULL;
	case MOVE_ORIGINATOR_MESSAGE_ID:
		read_move_message(value, set);
		return NULL;
	default:
		return NULL;
	}
}

/* Takes the element at *at, and moves *at behind it. */
MUST_USE static const char *next_value(const uint8_t *bytes, size_t size, size_t *at,
				       struct value *ret)
{
	if (size - *at < ELEMENT_HEAD)
		return "the command set is cut off within an element";
	const uint8_t *head = bytes + *at;
	uint32_t length = bytes_get_le32(head + 4);

	if (bytes_get_le16(head) != 0)
		return "the command set holds an element of another group";
	if (length > size - *at - ELEMENT_HEAD)
		return "an element is longer than the command set";
	ret->element = bytes_get_le16(head + 2);
	ret->bytes = head + ELEMENT_HEAD;
	ret->size = length;
	*at += ELEMENT_HEAD + length;
	return NULL;
}

/* The first fault counts. After a fault in an element's head nothing more can be read. */
MUST_USE static const char *read_all_values(const uint8_t *bytes, size_t size,
					    struct command_set *set, struct seen *seen)
{
	const char *first = NULL;

	for (size_t at = 0; at < size;) {
		struct value value;
		const char *fault = next_value(bytes, size, &at, &value);

		if (fault)
			return first ? first : fault;
		fault = read_value(&value, set, seen);
		if (!first)
			first = fault;
	}
	return first;
}

int command_add(struct command_message *message, const struct ul_pdv *pdv)
{
	if (!pdv->command ||
	    (message->context != 0 && pdv->context != message->context) ||
	    pdv->size > sizeof(message->bytes) - message->size)
		return -1;
	message->context = pdv->context;
	memcpy(message->bytes + message->size, pdv->data, pdv->size);
	message->size += pdv->size;
	return 0;
}

int command_parse(const uint8_t *bytes, size_t size, struct command_set *ret,
		  const char **detail)
{
	struct command_set set = { 0 };
	struct seen seen = { 0 };

	if (size > COMMAND_SET_MAX) {
		*detail = "the command set is too long";
		return -1;
	}
	set.fault = read_all_values(bytes, size, &set, &seen);
	if (!seen.field) {
		*detail = set.fault ? set.fault
				    : "the command set has no command field (0000,0100)";
		return -1;
	}
	/* A response without a type has no data set: responses to C-STORE and C-ECHO have
	 * none. */
	if (!set.fault && !set.has_data_set_type && !(set.field & COMMAND_RSP_BIT))
		set.fault = "the command set has no data set type (0000,0800)";
	*ret = set;
	return 0;
}

static uint8_t *put_head(uint8_t *at, enum element element, size_t size)
{
	at = bytes_put_le16(at, 0);
	at = bytes_put_le16(at, (uint16_t)element);
	return bytes_put_le32(at, (uint32_t)size);
}

static uint8_t *put_number(uint8_t *at, enum element element, uint16_t value)
{
	at = put_head(at, element, sizeof(value));
	return bytes_put_le16(at, value);
}

static uint8_t *put_text(uint8_t *at, enum element element, const char *text, size_t max,
			 char padding)
{
	size_t size = strnlen(text, max);

	at = put_head(at, element, size + size % 2);
	memcpy(at, text, size);
	at += size;
	if (size % 2 != 0)
		*at++ = (uint8_t)padding;
	return at;
}

/* Completes the command set that ends at `end`. Returns its size. */
static size_t put_group_length(uint8_t *begin, const uint8_t *end)
{
	size_t size = (size_t)(end - begin);

	bytes_put_le32(put_head(begin, GROUP_LENGTH, sizeof(uint32_t)),
		       (uint32_t)(size - GROUP_HEAD));
	return size;
}

size_t command_response(const struct command_set *request, uint16_t status,
			const char *comment, uint8_t ret[COMMAND_RESPONSE_MAX])
{
	uint8_t *at = ret + GROUP_HEAD;

	if (request->sop_class[0] != '\0')
		at = put_text(at, AFFECTED_SOP_CLASS, request->sop_class, UID_MAX, '\0');
	at = put_number(at, COMMAND_FIELD, (uint16_t)(request->field | COMMAND_RSP_BIT));
	if (request->has_message_id)
		at = put_number(at, MESSAGE_ID_RESPONDED_TO, request->message_id);
	at = put_number(at, DATA_SET_TYPE, NO_DATA_SET);
	at = put_number(at, STATUS, status);
	if (comment)
		at = put_text(at, ERROR_COMMENT, comment, COMMENT_MAX, ' ');
	if (request->sop_instance[0] != '\0')
		at = put_text(at, AFFECTED_SOP_INSTANCE, request->sop_instance, UID_MAX,
			      '\0');
	return put_group_length(ret, at);
}

size_t command_echo(uint16_t message_id, uint8_t ret[COMMAND_ECHO_MAX])
{
	uint8_t *at = ret + GROUP_HEAD;

	at = put_text(at, AFFECTED_SOP_CLASS, SOP_CLASS_VERIFICATION, UID_MAX, '\0');
	at = put_number(at, COMMAND_FIELD, COMMAND_C_ECHO_RQ);
	at = put_number(at, MESSAGE_ID, message_id);
	at = put_number(at, DATA_SET_TYPE, NO_DATA_SET);
	return put_group_length(ret, at);
}

bool command_status_stored(uint16_t status)
{
	return status == STATUS_SUCCESS || (status & 0xf000) == 0xb000 ||
	       status == 0x0001 || status == 0x0107 || status == 0x0116;
}

bool command_status_final(uint16_t status)
{
	return (status & 0xff00) != 0xff00;
}
