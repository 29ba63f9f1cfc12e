#include "cathgate/dicom/data_set_head.h"

#include <stdbool.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#include "cathgate/base/bytes.h"
#include "cathgate/dicom/sop_class.h"
#include "uid.h"

#define UNDEFINED     0xffffffffu
#define DEPTH_MAX     64 /* sequences and items within one another */
#define RAW_DEFLATE   (-15)
#define HEAD_BYTES    8
#define EXPLICIT_LONG 4 /* the length that follows the head of a long VR */

#define TAG_SOP_CLASS	 0x00080016u
#define TAG_SOP_INSTANCE 0x00080018u
#define TAG_PATIENT_ID	 0x00100020u
#define TAG_STUDY	 0x0020000du
#define TAG_ITEM_END	 0xfffee00du
#define TAG_SEQUENCE_END 0xfffee0ddu
#define GROUP_OF_ITEMS	 0xfffeu

struct encoding {
	bool explicit_vr, big_endian;
};

struct element {
	uint32_t tag;
	uint32_t length;      /* UNDEFINED: until its delimiter */
	bool implicit_inside; /* UN of undefined length (PS3.5 6.2.2) */
	const uint8_t *value;
};

struct reader {
	const uint8_t *at, *end;
	struct encoding encoding;
	size_t depth;
	struct encoding outside[DEPTH_MAX]; /* of each open sequence and item */
};

static uint16_t get_u16(const struct reader *reader, const uint8_t *bytes)
{
	return reader->encoding.big_endian ? bytes_get_be16(bytes)
					   : bytes_get_le16(bytes);
}

static uint32_t get_u32(const struct reader *reader, const uint8_t *bytes)
{
	return reader->encoding.big_endian ? bytes_get_be32(bytes)
					   : bytes_get_le32(bytes);
}

static size_t bytes_left(const struct reader *reader)
{
	return (size_t)(reader->end - reader->at);
}

static bool vr_is(const uint8_t *vr, const char *known)
{
	for (; *known != '\0'; known += 2)
		if (memcmp(vr, known, 2) == 0)
			return true;
	return false;
}

/* These VRs have lengths of 16 bits; all others, future ones too, of 32 (PS3.5 7.1.2). */
static bool vr_is_short(const uint8_t *vr)
{
	return vr_is(vr, "AEASATCSDADSDTFDFLISLOLTPNSHSLSSSTTMUIULUS");
}

static bool vr_is_vr(const uint8_t *vr)
{
	return vr[0] >= 'A' && vr[0] <= 'Z' && vr[1] >= 'A' && vr[1] <= 'Z';
}

/* DCMTK and pydicom read a length of 16 bits behind a text that is no VR, as "??". */
static bool vr_is_other_text(const uint8_t *vr)
{
	return !vr_is_vr(vr) && vr[0] >= ' ' && vr[0] <= '~' && vr[1] >= ' ' &&
	       vr[1] <= '~';
}

/* Takes the head of the next element; false when it can't be read. */
MUST_USE static bool next_element(struct reader *reader, struct element *ret)
{
	const uint8_t *head = reader->at;

	if (bytes_left(reader) < HEAD_BYTES)
		return false;
	ret->tag = (uint32_t)get_u16(reader, head) << 16 | get_u16(reader, head + 2);
	ret->length = get_u32(reader, head + 4);
	ret->implicit_inside = false;
	reader->at += HEAD_BYTES;
	if (reader->encoding.explicit_vr && ret->tag >> 16 != GROUP_OF_ITEMS) {
		const uint8_t *vr = head + 4;

		if (!vr_is_vr(vr) && !vr_is_other_text(vr))
			return false;
		if (vr_is_short(vr) || vr_is_other_text(vr)) {
			ret->length = get_u16(reader, head + 6);
		} else {
			if (bytes_left(reader) < EXPLICIT_LONG)
				return false;
			ret->length = get_u32(reader, reader->at);
			ret->implicit_inside = vr_is(vr, "UN");
			reader->at += EXPLICIT_LONG;
		}
	}
	ret->value = reader->at;
	return true;
}

/* Goes behind an element's value, or into a value that a delimiter ends. */
MUST_USE static bool step_over_value(struct reader *reader, const struct element *element)
{
	if (element->length != UNDEFINED) {
		if (element->length > bytes_left(reader))
			return false;
		reader->at += element->length;
		return true;
	}
	if (reader->depth == DEPTH_MAX)
		return false;
	reader->outside[reader->depth++] = reader->encoding;
	if (element->implicit_inside)
		reader->encoding = (struct encoding){ 0 };
	return true;
}

/* Goes on until all sequences and items that were entered have ended. */
MUST_USE static bool step_out(struct reader *reader)
{
	while (reader->depth > 0) {
		struct element element;

		if (!next_element(reader, &element))
			return false;
		if (element.tag == TAG_ITEM_END || element.tag == TAG_SEQUENCE_END)
			reader->encoding = reader->outside[--reader->depth];
		else if (!step_over_value(reader, &element))
			return false;
	}
	return true;
}

static bool is_padding(uint8_t byte)
{
	return byte == ' ' || byte == '\0';
}

static void read_patient_id(const struct element *element, struct data_set_head *head)
{
	const uint8_t *from = element->value, *to = from + element->length;

	while (to > from && is_padding(to[-1]))
		to--;
	while (to > from && is_padding(*from))
		from++;

	size_t size = (size_t)(to - from);

	/* A cut id could be another patient's. */
	if (size == 0 || size > DATA_SET_HEAD_PATIENT_MAX || memchr(from, '\0', size))
		return;
	memcpy(head->patient_id, from, size);
	head->patient_id[size] = '\0';
}

static void read_uid(const struct element *element, char ret[UID_MAX + 1])
{
	if (ret[0] == '\0') /* the first that can be read counts */
		(void)uid_copy(element->value, element->length, ret);
}

static void read_value(const struct element *element, struct data_set_head *head)
{
	switch (element->tag) {
	case TAG_SOP_CLASS:
		read_uid(element, head->sop_class);
		break;
	case TAG_SOP_INSTANCE:
		read_uid(element, head->sop_instance);
		break;
	case TAG_PATIENT_ID:
		if (head->patient_id[0] == '\0')
			read_patient_id(element, head);
		break;
	case TAG_STUDY:
		read_uid(element, head->study);
		break;
	default:
		break;
	}
}

static bool is_complete(const struct data_set_head *head)
{
	return head->sop_class[0] && head->sop_instance[0] && head->patient_id[0] &&
	       head->study[0];
}

static void read_elements(struct reader *reader, struct data_set_head *head)
{
	struct element element;

	while (!is_complete(head) && next_element(reader, &element)) {
		if (element.tag >> 16 == GROUP_OF_ITEMS ||
		    !step_over_value(reader, &element))
			return;
		if (element.length != UNDEFINED)
			read_value(&element, head);
		else if (!step_out(reader))
			return;
	}
}

static bool syntax_is_deflated(const char *syntax)
{
	return strcmp(syntax, "1.2.840.10008.1.2.1.99") == 0 || /* explicit VR */
	       strcmp(syntax, "1.2.840.10008.1.2.4.95") == 0 || /* JPIP referenced */
	       strcmp(syntax, "1.2.840.10008.1.2.4.205") == 0;	/* the same, HTJ2K */
}

static size_t inflate_head(const uint8_t *bytes, size_t size,
			   uint8_t ret[DATA_SET_HEAD_MAX])
{
	z_stream stream = { 0 };

	if (inflateInit2(&stream, RAW_DEFLATE) != Z_OK)
		return 0;
	stream.next_in = bytes;
	stream.avail_in = (uInt)size;
	stream.next_out = ret;
	stream.avail_out = DATA_SET_HEAD_MAX;
	/* The bytes before an error or the end can be used. */
	(void)inflate(&stream, Z_SYNC_FLUSH);
	(void)inflateEnd(&stream);
	return DATA_SET_HEAD_MAX - stream.avail_out;
}

void data_set_head_read(const uint8_t *bytes, size_t size, const char *transfer_syntax,
			struct data_set_head *ret)
{
	uint8_t inflated[DATA_SET_HEAD_MAX];
	struct reader reader = { .encoding.explicit_vr = true };
	struct data_set_head head = { 0 };

	if (size > DATA_SET_HEAD_MAX)
		size = DATA_SET_HEAD_MAX;
	if (syntax_is_deflated(transfer_syntax)) {
		size = inflate_head(bytes, size, inflated);
		bytes = inflated;
	} else if (strcmp(transfer_syntax, TRANSFER_SYNTAX_IMPLICIT) == 0) {
		reader.encoding.explicit_vr = false;
	} else if (strcmp(transfer_syntax, "1.2.840.10008.1.2.2") == 0) {
		reader.encoding.big_endian = true;
	}
	if (size > 0) {
		reader.at = bytes;
		reader.end = bytes + size;
		read_elements(&reader, &head);
	}
	*ret = head;
}
