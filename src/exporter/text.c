#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/base64.h"
#include "cathgate/base/log.h"
#include "cathgate/base/visible.h"

#define ROOM_FIRST 4096

void *memory_resize(void *old, size_t count, size_t size)
{
	void *memory = reallocarray(old, count, size);

	if (!memory) {
		log_error("the audit messages have no memory: give the gateway more; the "
			  "exporter starts anew");
		exit(EXIT_FAILURE);
	}
	return memory;
}

char *memory_copy(const char *string)
{
	size_t size = string ? strlen(string) + 1 : 1;

	return memcpy(memory_resize(NULL, size, 1), string ? string : "", size);
}

void text_free(struct text *text)
{
	free(text->bytes);
	*text = (struct text){ 0 };
}

void text_add(struct text *text, const char *bytes, size_t size)
{
	if (text->room - text->size < size) {
		size_t room = text->room ? 2 * text->room : ROOM_FIRST;

		while (room - text->size < size)
			room *= 2;
		text->bytes = memory_resize(text->bytes, room, 1);
		text->room = room;
	}
	if (size > 0)
		memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
}

void text_put(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_put_number(struct text *text, uint64_t number)
{
	char digits[24];
	int size = snprintf(digits, sizeof(digits), "%" PRIu64, number);

	text_add(text, digits, (size_t)size);
}

const char *text_string(struct text *text)
{
	text_add(text, "", 1);
	text->size--;
	return text->bytes;
}

static const char *entity_of(uint32_t character)
{
	switch (character) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	default:
		return NULL;
	}
}

void text_put_xml(struct text *text, const char *utf8)
{
	size_t length, left = strlen(utf8);
	uint32_t number;

	for (; left > 0; utf8 += length, left -= length) {
		bool is_seen = visible_character(utf8, left, &length, &number);
		const char *entity = is_seen ? entity_of(number) : NULL;
		char escaped[VISIBLE_MAX + 1];

		if (entity) {
			text_put(text, entity);
		} else if (is_seen) {
			text_add(text, utf8, length);
		} else {
			snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned)number);
			text_put(text, escaped);
		}
	}
}

void text_put_base64(struct text *text, const char *string)
{
	size_t left = strlen(string), size;

	for (; left > 0; string += size, left -= size) {
		char four[BASE64_LENGTH(3) + 1];

		size = left < 3 ? left : 3;
		base64_encode((const uint8_t *)string, size, four);
		text_put(text, four);
	}
}

void text_put_host(struct text *text, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < length && i < 255; i++) {
		char byte = name[i] > ' ' && name[i] < 0x7F ? name[i] : '-';

		text_add(text, &byte, 1);
	}
	if (length == 0)
		text_put(text, "-");
}
