#include "header.h"

#include <stdbool.h>
#include <string.h>

#include "cathgate/base/bytes.h"

#define MAGIC	   "CGspool1"
#define MAGIC_SIZE 8
#define ENC_AT	   32
#define LARGEST	   ((uint64_t)1 << 56) /* far from where file offsets end */

size_t header_put_front(const struct spool_front *front, uint8_t ret[SPOOL_FRONT_MAX])
{
	uint8_t *end = ret + MAGIC_SIZE;

	memcpy(ret, MAGIC, MAGIC_SIZE);
	*end++ = front->suite;
	*end++ = 0;
	end = bytes_put_be16(end, (uint16_t)front->enc_size);
	end = bytes_put_be32(end, SPOOL_SEGMENT_SIZE);
	memcpy(end, front->key_id, sizeof(front->key_id));
	memcpy(ret + ENC_AT, front->enc, front->enc_size);
	return ENC_AT + front->enc_size;
}

MUST_USE static bool is_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

enum spool_fault header_read(const uint8_t bytes[SPOOL_HEADER_SIZE], struct header *ret)
{
	struct header header = { .front = { .suite = bytes[8],
					    .enc_size = bytes_get_be16(bytes + 10) } };
	size_t public_size, enc_size, end;

	if (is_zero(bytes, SPOOL_HEADER_SIZE))
		return SPOOL_TORN;
	if (memcmp(bytes, MAGIC, MAGIC_SIZE) != 0)
		return SPOOL_FOREIGN;
	if (!spool_suite_sizes(header.front.suite, &public_size, &enc_size)) {
		*ret = (struct header){ .front = { .suite = header.front.suite } };
		return SPOOL_UNKNOWN;
	}
	if (bytes[9] != 0 || header.front.enc_size != enc_size ||
	    bytes_get_be32(bytes + 12) != SPOOL_SEGMENT_SIZE)
		return SPOOL_FOREIGN;
	memcpy(header.front.key_id, bytes + 16, sizeof(header.front.key_id));
	memcpy(header.front.enc, bytes + ENC_AT, header.front.enc_size);
	header.front_size = ENC_AT + header.front.enc_size;
	header.metadata_at = header.front_size + 2;
	header.metadata_size = bytes_get_be16(bytes + header.front_size);
	end = header.metadata_at + header.metadata_size;
	if (header.metadata_size < SPOOL_TAG_SIZE || end > SPOOL_HEADER_SIZE ||
	    !is_zero(bytes + end, SPOOL_HEADER_SIZE - end))
		return SPOOL_CORRUPT;
	*ret = header;
	return SPOOL_GOOD;
}

uint64_t header_segment_at(uint64_t segment)
{
	return SPOOL_HEADER_SIZE + segment * HEADER_SEGMENT_STEP;
}

int header_sizes(const struct spool_metadata *metadata, uint64_t *ret_plain,
		 uint64_t *ret_file)
{
	uint64_t plain, segments;

	if (metadata->command_size > LARGEST || metadata->data_size > LARGEST)
		return -1;
	plain = metadata->command_size + metadata->data_size;
	if (plain == 0)
		return -1;
	segments = (plain + SPOOL_SEGMENT_SIZE - 1) / SPOOL_SEGMENT_SIZE;
	*ret_plain = plain;
	*ret_file = SPOOL_HEADER_SIZE + plain + segments * SPOOL_TAG_SIZE;
	return 0;
}
