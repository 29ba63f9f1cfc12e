#include "cathgate/base/ae_title.h"

#include <string.h>

int ae_title_parse(const char *bytes, size_t size, struct ae_title *ret)
{
	struct ae_title title = { 0 };

	/* NUL padding is not in the standard, but in the field. */
	while (size > 0 && (bytes[size - 1] == ' ' || bytes[size - 1] == '\0'))
		size--;
	while (size > 0 && *bytes == ' ') {
		bytes++;
		size--;
	}
	if (size < 1 || size > AE_TITLE_MAX)
		return -1;
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] < 0x20 || bytes[i] > 0x7e || bytes[i] == '\\')
			return -1;
		title.text[i] = bytes[i];
	}
	*ret = title;
	return 0;
}

bool ae_title_equal(const struct ae_title *a, const struct ae_title *b)
{
	return strcmp(a->text, b->text) == 0;
}
