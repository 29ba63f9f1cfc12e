#include "decimal.h"

#include <stddef.h>

#define DIGITS_MAX 18

const char *decimal_read(const char *text, const char *end, uint64_t *ret)
{
	const char *at = text;
	uint64_t number = 0;

	for (; at < end && *at >= '0' && *at <= '9' && at - text <= DIGITS_MAX; at++)
		number = 10 * number + (uint64_t)(*at - '0');
	if (at == text || at - text > DIGITS_MAX || (*text == '0' && at - text > 1))
		return NULL;
	*ret = number;
	return at;
}
