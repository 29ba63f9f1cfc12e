#include "internal.h"

#include <string.h>

/* The head of each item. */
struct head {
	uint32_t kind;
	uint32_t size;
};

int tls_item_put(FILE *to, enum tls_item_kind kind, const void *bytes, size_t size)
{
	struct head head = { .kind = kind, .size = (uint32_t)size };

	return fwrite(&head, sizeof(head), 1, to) == 1 &&
			       (size == 0 || fwrite(bytes, size, 1, to) == 1)
		       ? 0
		       : -1;
}

bool tls_item_take(const uint8_t **bytes, size_t *left, struct tls_item *ret)
{
	struct head head;

	if (*left < sizeof(head))
		return false;
	memcpy(&head, *bytes, sizeof(head));
	*bytes += sizeof(head);
	*left -= sizeof(head);
	if (head.size > *left)
		return false;
	*ret = (struct tls_item){ head.kind, head.size, *bytes };
	*bytes += head.size;
	*left -= head.size;
	return true;
}
