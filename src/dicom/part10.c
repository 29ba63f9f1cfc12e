#include "cathgate/dicom/part10.h"

#include <string.h>

#include "cathgate/base/bytes.h"
#include "implementation.h"
#include "uid.h"

#define PREAMBLE    128
#define PREFIX	    "DICM"
#define PREFIX_SIZE 4
#define GROUP_META  0x0002

/* An element of the meta header, which is always explicit VR little endian. */
struct element {
	unsigned number;
	const uint8_t *value;
	size_t length;
};

static bool is_meta(const uint8_t *at, const uint8_t *end)
{
	return end - at >= 2 && bytes_get_le16(at) == GROUP_META;
}

/* VRs with lengths of 32 bits behind two reserved bytes (PS3.5 7.1.2). */
static bool vr_is_long(const uint8_t *vr)
{
	static const char long_vrs[][3] = { "OB", "OW", "OF", "OD", "OL", "OV",
					    "SQ", "UN", "UC", "UR", "UT" };
	for (size_t i = 0; i < sizeof(long_vrs) / sizeof(*long_vrs); i++)
		if (memcmp(vr, long_vrs[i], 2) == 0)
			return true;
	return false;
}

MUST_USE static int take_element(const uint8_t **at, const uint8_t *end,
				 struct element *ret)
{
	const uint8_t *head = *at;
	size_t left = (size_t)(end - head), head_size = 8;
	if (left < head_size || head[4] < 'A' || head[4] > 'Z' || head[5] < 'A' ||
	    head[5] > 'Z')
		return -1;
	size_t length = bytes_get_le16(head + 6);
	if (vr_is_long(head + 4)) {
		head_size = 12;
		if (left < head_size)
			return -1;
		length = bytes_get_le32(head + 8);
	}
	if (length > left - head_size)
		return -1;
	ret->number = bytes_get_le16(head + 2);
	ret->value = head + head_size;
	ret->length = length;
	*at = ret->value + length;
	return 0;
}

int part10_read(const uint8_t *bytes, size_t size, struct part10 *ret)
{
	struct part10 part10 = { .has_meta = false };
	const uint8_t *at = bytes, *end = bytes + size;
	if (size >= PREAMBLE + PREFIX_SIZE &&
	    memcmp(bytes + PREAMBLE, PREFIX, PREFIX_SIZE) == 0)
		at += PREAMBLE + PREFIX_SIZE;
	else if (size >= PREFIX_SIZE && memcmp(bytes, PREFIX, PREFIX_SIZE) == 0)
		at += PREFIX_SIZE;
	const uint8_t *group_end = NULL;
	while (is_meta(at, end)) {
		struct element element;
		if (take_element(&at, end, &element)) {
			/* The meta header has ended: a deflated data set can begin with
			 * any bytes. */
			if (group_end && at >= group_end)
				break;
			return -1;
		}
		part10.has_meta = true;
		if (element.number == 0x0000 && element.length == 4 &&
		    bytes_get_le32(element.value) <= (size_t)(end - at))
			group_end = at + bytes_get_le32(element.value);
		else if (element.number == 0x0002)
			(void)uid_copy(element.value, element.length, part10.sop_class);
		else if (element.number == 0x0003)
			(void)uid_copy(element.value, element.length,
				       part10.sop_instance);
		else if (element.number == 0x0010)
			(void)uid_copy(element.value, element.length,
				       part10.transfer_syntax);
	}
	part10.data_set_at = (size_t)(at - bytes);
	*ret = part10;
	return 0;
}

/* An element of an even length, with that byte behind what is odd (PS3.5 6.2). */
static uint8_t *put_text(uint8_t *to, unsigned number, const char *vr, const char *text,
			 char filler)
{
	size_t length = strlen(text), even = length + length % 2;

	to = bytes_put_le16(to, GROUP_META);
	to = bytes_put_le16(to, (uint16_t)number);
	memcpy(to, vr, 2);
	to = bytes_put_le16(to + 2, (uint16_t)even);
	memcpy(to, text, length);
	if (even > length)
		to[length] = (uint8_t)filler;
	return to + even;
}

static bool is_uid(const char *text)
{
	char copied[UID_MAX + 1];

	return text[0] && uid_copy((const uint8_t *)text, strlen(text), copied) == 0;
}

int part10_write(const struct part10 *part10, uint8_t ret[PART10_WRITTEN_MAX])
{
	/* (0002,0001), version 1; its length has 32 bits. */
	static const uint8_t version[] = { 2, 0, 1, 0, 'O', 'B', 0, 0, 2, 0, 0, 0, 0, 1 };
	uint8_t *length = ret + PREAMBLE + PREFIX_SIZE, *first, *end;

	if (!is_uid(part10->sop_class) || !is_uid(part10->sop_instance) ||
	    !is_uid(part10->transfer_syntax))
		return -1;
	memset(ret, 0, PREAMBLE);
	memcpy(ret + PREAMBLE, PREFIX, PREFIX_SIZE);
	length = bytes_put_le16(length, GROUP_META);
	length = bytes_put_le16(length, 0x0000);
	memcpy(length, "UL", 2);
	length = bytes_put_le16(length + 2, 4);
	first = length + 4;
	memcpy(first, version, sizeof(version));
	end = put_text(first + sizeof(version), 0x0002, "UI", part10->sop_class, 0);
	end = put_text(end, 0x0003, "UI", part10->sop_instance, 0);
	end = put_text(end, 0x0010, "UI", part10->transfer_syntax, 0);
	end = put_text(end, 0x0012, "UI", OWN_IMPLEMENTATION_UID, 0);
	end = put_text(end, 0x0013, "SH", OWN_IMPLEMENTATION_VERSION, ' ');
	bytes_put_le32(length, (uint32_t)(end - first));
	return (int)(end - ret);
}
