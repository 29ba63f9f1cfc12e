#include "cathgate/dicom/part10.h"

#include <string.h>

#include "cathgate/base/bytes.h"
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
