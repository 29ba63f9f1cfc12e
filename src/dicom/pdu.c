#include "pdu.h"

#include "cathgate/base/bytes.h"

#define PDV_LENGTH_SIZE 4 /* it counts what follows, two bytes of head, too */

/* The body of these PDUs has exactly four bytes (PS3.8 9.3.4 to 9.3.8). */
static bool is_short(uint8_t type)
{
	return type == PDU_ASSOCIATE_RJ || type == PDU_RELEASE_RQ ||
	       type == PDU_RELEASE_RP || type == PDU_ABORT;
}

bool pdu_head_read(const uint8_t bytes[PDU_HEAD_SIZE], unsigned allowed,
		   struct pdu_head *ret)
{
	ret->type = bytes[0];
	ret->length = bytes_get_be32(bytes + 2);
	return ret->type <= PDU_ABORT && (allowed & 1U << ret->type) &&
	       (!is_short(ret->type) || ret->length == 4);
}

bool pdv_take(const uint8_t **bytes, size_t *left, struct ul_pdv *ret)
{
	const uint8_t *head = *bytes;
	size_t size;

	if (*left < PDV_HEAD_SIZE)
		return false;
	size = bytes_get_be32(head);
	if (size < PDV_HEAD_SIZE - PDV_LENGTH_SIZE || size > *left - PDV_LENGTH_SIZE)
		return false;
	*ret = (struct ul_pdv){ .context = head[4],
				.command = (head[5] & 1) != 0,
				.last = (head[5] & 2) != 0,
				.data = head + PDV_HEAD_SIZE,
				.size = size - (PDV_HEAD_SIZE - PDV_LENGTH_SIZE) };
	*bytes += PDV_LENGTH_SIZE + size;
	*left -= PDV_LENGTH_SIZE + size;
	return true;
}
