#include "cathgate/base/visible.h"

#include <stdio.h>
#include <string.h>

#include "cathgate/base/utf8.h"

/* Controls, Unicode's default-ignorable characters, marks of direction, separators of
 * lines, and numbers that are no characters. */
static const struct {
	uint32_t first, last;
} unseen[] = {
	{ 0x00, 0x1F },	      { 0x7F, 0x9F },	    { 0xAD, 0xAD },
	{ 0x34F, 0x34F },     { 0x61C, 0x61C },	    { 0x115F, 0x1160 },
	{ 0x17B4, 0x17B5 },   { 0x180B, 0x180F },   { 0x200B, 0x200F },
	{ 0x2028, 0x202E },   { 0x2060, 0x206F },   { 0x2800, 0x2800 },
	{ 0x3164, 0x3164 },   { 0xFE00, 0xFE0F },   { 0xFEFF, 0xFEFF },
	{ 0xFFA0, 0xFFA0 },   { 0xFFF0, 0xFFFB },   { 0xFFFE, 0xFFFF },
	{ 0x1BCA0, 0x1BCA3 }, { 0x1D173, 0x1D17A }, { 0xE0000, 0x10FFFF },
};

static bool is_seen(uint32_t character)
{
	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		if (character >= unseen[i].first && character <= unseen[i].last)
			return false;
	return true;
}

bool visible_character(const char *text, size_t size, size_t *ret_length,
		       uint32_t *ret_number)
{
	uint32_t number = (unsigned char)*text;
	size_t length = utf8_read(text, size, &number);

	*ret_length = length > 0 ? length : 1;
	*ret_number = number;
	return length > 0 && is_seen(number);
}

size_t visible_copy(char *ret, size_t room, const char *text, size_t size)
{
	size_t used = 0, length;
	uint32_t number;

	for (size_t i = 0; i < size && used + VISIBLE_MAX < room; i += length) {
		if (visible_character(text + i, size - i, &length, &number)) {
			memcpy(ret + used, text + i, length);
			used += length;
		} else {
			used += (size_t)snprintf(ret + used, room - used, "\\u%04x",
						 (unsigned)number);
		}
	}
	ret[used] = '\0';
	return used;
}
