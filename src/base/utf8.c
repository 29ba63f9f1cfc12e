#include "cathgate/base/utf8.h"

#include <string.h>

size_t utf8_read(const char *text, size_t left, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *at = (const unsigned char *)text;
	uint32_t character;
	size_t length;

	if (left == 0)
		return 0;
	length = at[0] < 0x80			  ? 1
		 : at[0] >= 0xC2 && at[0] <= 0xDF ? 2
		 : at[0] >= 0xE0 && at[0] <= 0xEF ? 3
		 : at[0] >= 0xF0 && at[0] <= 0xF4 ? 4
						  : 0;
	if (length == 0 || length > left)
		return 0;
	character = length == 1 ? at[0] : at[0] & (0x7Fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xC0) != 0x80)
			return 0;
		character = character << 6 | (at[i] & 0x3Fu);
	}
	if (character < least[length] || character > 0x10FFFF ||
	    (character >= 0xD800 && character <= 0xDFFF))
		return 0;
	*ret = character;
	return length;
}

bool utf8_is_valid(const char *text)
{
	size_t left = strlen(text), length;
	uint32_t character;

	for (; left > 0; text += length, left -= length) {
		length = utf8_read(text, left, &character);
		if (length == 0)
			return false;
	}
	return true;
}

bool utf8_is_control(uint32_t character)
{
	return character < 0x20 || (character >= 0x7F && character <= 0x9F);
}
