#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cathgate/audit/record.h"
#include "cathgate/base/bytes.h"
#include "cathgate/spool/sealed.h"

#define ITEM_HEAD     3
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum kind { TEXT, BYTES, NUMBER };

static const struct item {
	uint8_t which;
	enum kind kind;
	size_t at, size; /* in struct spool_metadata; a text's NUL counts */
} items[] = {
#define ITEM(which, kind, member)                                       \
	{                                                               \
		which, kind, offsetof(struct spool_metadata, member),   \
			sizeof(((struct spool_metadata *)NULL)->member) \
	}
	ITEM(1, TEXT, destination),	ITEM(2, TEXT, modality),
	ITEM(3, TEXT, association),	ITEM(4, TEXT, calling_ae),
	ITEM(5, TEXT, called_ae),	ITEM(6, TEXT, abstract_syntax),
	ITEM(7, TEXT, transfer_syntax), ITEM(8, TEXT, sop_class),
	ITEM(9, TEXT, sop_instance),	ITEM(10, TEXT, study),
	ITEM(11, TEXT, patient_id),	ITEM(12, BYTES, sha256),
	ITEM(13, NUMBER, command_size), ITEM(14, NUMBER, data_size),
	ITEM(15, NUMBER, sealed_us),
#undef ITEM
};

int spool_metadata_pack(const struct spool_metadata *metadata, uint8_t *ret, size_t room)
{
	size_t done = 0;

	for (size_t i = 0; i < LENGTH(items); i++) {
		const struct item *item = &items[i];
		const uint8_t *field = (const uint8_t *)metadata + item->at;
		size_t size = item->size;
		uint64_t number;

		if (item->kind == TEXT)
			size = strnlen((const char *)field, item->size);
		if (item->kind == TEXT && size == item->size)
			return -1;
		if (size == 0)
			continue;
		if (room - done < ITEM_HEAD + size)
			return -1;
		ret[done] = item->which;
		bytes_put_be16(ret + done + 1, (uint16_t)size);
		done += ITEM_HEAD;
		if (item->kind == NUMBER) {
			memcpy(&number, field, sizeof(number));
			bytes_put_be64(ret + done, number);
		} else {
			memcpy(ret + done, field, size);
		}
		done += size;
	}
	return (int)done;
}

MUST_USE static int read_item(uint8_t which, const uint8_t *bytes, size_t size,
			      struct spool_metadata *ret)
{
	const struct item *item = items;
	uint8_t *field;
	uint64_t number;

	while (item < items + LENGTH(items) && item->which != which)
		item++;
	if (item == items + LENGTH(items))
		return 0; /* a later version's */
	field = (uint8_t *)ret + item->at;
	if (item->kind == TEXT ? size >= item->size || memchr(bytes, '\0', size)
			       : size != item->size)
		return -1;
	if (item->kind == NUMBER) {
		number = bytes_get_be64(bytes);
		memcpy(field, &number, sizeof(number));
	} else {
		memcpy(field, bytes, size);
	}
	return 0;
}

int spool_metadata_unpack(const uint8_t *bytes, size_t size, struct spool_metadata *ret)
{
	struct spool_metadata metadata = { .command_size = 0 };
	bool was[UINT8_MAX + 1] = { false };
	size_t item_size;

	while (size > 0) {
		if (size < ITEM_HEAD)
			return -1;
		item_size = bytes_get_be16(bytes + 1);
		if (was[bytes[0]] || item_size > size - ITEM_HEAD ||
		    read_item(bytes[0], bytes + ITEM_HEAD, item_size, &metadata) != 0)
			return -1;
		was[bytes[0]] = true;
		bytes += ITEM_HEAD + item_size;
		size -= ITEM_HEAD + item_size;
	}
	*ret = metadata;
	return 0;
}

#define PUT(field, text) snprintf(ret->field, sizeof(ret->field), "%s", text)

void spool_metadata_tell(const struct spool_metadata *metadata, struct audit_record *ret)
{
	PUT(came_by, metadata->association);
	PUT(modality, metadata->modality);
	PUT(destination, metadata->destination);
	PUT(calling_ae, metadata->calling_ae);
	PUT(called_ae, metadata->called_ae);
	PUT(sop_class, metadata->sop_class);
	PUT(sop_instance, metadata->sop_instance);
	PUT(study, metadata->study);
	PUT(patient_id, metadata->patient_id);
	PUT(transfer_syntax, metadata->transfer_syntax);
	ret->bytes = (int64_t)metadata->data_size;
	digest_hex(metadata->sha256, sizeof(metadata->sha256), ret->sha256);
}
