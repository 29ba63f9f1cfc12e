/* Readers of single keys: numbers, choices, texts and lists of texts. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"
#include "scan.h"

#define NUMBER_SIZE 24

/* The number as libconfig 1.5 reads it: with an L if it needs more than 32 bits. */
static const char *written_number(int64_t number, char ret[NUMBER_SIZE])
{
	bool is_long = number > INT32_MAX || number < INT32_MIN;

	snprintf(ret, NUMBER_SIZE, "%" PRId64 "%s", number, is_long ? "L" : "");
	return ret;
}

static void out_of_range(struct reader *reader, const struct config_place *place,
			 const struct key *key, const char *text)
{
	char min[NUMBER_SIZE], max[NUMBER_SIZE];

	reader_fault(reader, place,
		     "%s is out of range; write a whole number from %s to %s%s%s%s", text,
		     written_number(key->min, min), written_number(key->max, max),
		     key->zero ? ", or 0 (" : "", key->zero ? key->zero : "",
		     key->zero ? ")" : "");
}

/* Reads a decimal or hexadecimal number; false when the text is neither. A number of more
 * than 64 bits becomes the least or the greatest one. */
MUST_USE static bool parse_number(const char *text, int64_t *ret, bool *ret_is_long)
{
	const char *digits = text[0] == '-' || text[0] == '+' ? text + 1 : text;
	bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
	char *end;
	long long number = strtoll(text, &end, hex ? 16 : 10);

	if (end == text || strspn(end, "L") != strlen(end))
		return false;
	*ret = number;
	*ret_is_long = *end != '\0';
	return true;
}

MUST_USE static bool read_number_key(struct reader *reader,
				     const config_setting_t *setting,
				     const struct key *key, int64_t *ret)
{
	const struct scan_value *value = config_setting_get_hook(setting);
	struct config_place place = reader_place(reader, setting);
	int type = config_setting_type(setting);
	char text[NUMBER_SIZE];
	bool is_long;
	int64_t number;

	if ((type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) ||
	    !parse_number(value->text, &number, &is_long)) {
		reader_wrong_type(reader, setting, key, "a whole number");
		return false;
	}
	if ((number < key->min || number > key->max) && (number != 0 || !key->zero)) {
		out_of_range(reader, &place, key, value->text);
		return false;
	}
	if (!is_long && (number > INT32_MAX || number < INT32_MIN)) {
		reader_fault(reader, &place,
			     "%s needs more than 32 bits and would be cut; write %s",
			     value->text, written_number(number, text));
		return false;
	}
	*ret = number;
	return true;
}

void reader_unsigned(struct reader *reader, const config_setting_t *setting,
		     const struct key *key, void *field)
{
	int64_t number;

	if (read_number_key(reader, setting, key, &number))
		*(unsigned *)field = (unsigned)number;
}

void reader_port(struct reader *reader, const config_setting_t *setting,
		 const struct key *key, void *field)
{
	int64_t number;

	if (read_number_key(reader, setting, key, &number))
		*(uint16_t *)field = (uint16_t)number;
}

void reader_int64(struct reader *reader, const config_setting_t *setting,
		  const struct key *key, void *field)
{
	int64_t number;

	if (read_number_key(reader, setting, key, &number))
		*(int64_t *)field = number;
}

void reader_choice(struct reader *reader, const config_setting_t *setting,
		   const struct key *key, void *field)
{
	const char *text = config_setting_get_string(setting);
	struct config_place place;
	const char *all = "";

	if (!text) {
		reader_wrong_type(reader, setting, key, "a text");
		return;
	}
	for (unsigned i = 0; key->words[i]; i++) {
		if (strcmp(key->words[i], text) == 0) {
			*(unsigned *)field = i;
			return;
		}
		all = arena_format(reader->arena, "%s%s\"%s\"", all, i > 0 ? " or " : "",
				   key->words[i]);
	}
	place = reader_place(reader, setting);
	reader_fault(reader, &place, "\"%s\" is no choice here; write %s", text, all);
}

void reader_text(struct reader *reader, const config_setting_t *setting,
		 const struct key *key, void *field)
{
	const char *text = config_setting_get_string(setting);
	struct config_place place = reader_place(reader, setting);

	if (!text)
		reader_wrong_type(reader, setting, key, "a text");
	else
		key->item(reader, &place, text, field);
}

void *reader_items(struct reader *reader, const config_setting_t *setting,
		   const struct key *key, size_t size, size_t *ret_count)
{
	struct config_place place = reader_place(reader, setting);
	size_t length, count = 0;
	char *items;

	if (!config_setting_is_array(setting) && !config_setting_is_list(setting)) {
		reader_wrong_type(reader, setting, key, "a list");
		return NULL;
	}
	length = (size_t)config_setting_length(setting);
	if (length == 0) {
		if (!key->empty)
			reader_fault(reader, &place, "the list is empty; write %s = %s",
				     key->name, key->example);
		return NULL;
	}
	items = arena_alloc(reader->arena, length, size);
	for (size_t i = 0; i < length; i++) {
		const config_setting_t *element =
			config_setting_get_elem(setting, (unsigned)i);
		const char *text = config_setting_get_string(element);

		place = reader_place(reader, element);
		if (!text)
			reader_wrong_type(reader, element, key, "a text");
		else if (key->item(reader, &place, text, items + count * size))
			count++;
	}
	*ret_count = count;
	return items;
}

void reader_strings(struct reader *reader, const config_setting_t *setting,
		    const struct key *key, void *field)
{
	struct config_strings *strings = field;
	size_t count;
	void *items = reader_items(reader, setting, key, sizeof(*strings->items), &count);

	if (items)
		*strings = (struct config_strings){ items, count };
}

void reader_ae_titles(struct reader *reader, const config_setting_t *setting,
		      const struct key *key, void *field)
{
	struct config_ae_titles *titles = field;
	size_t count;
	void *items = reader_items(reader, setting, key, sizeof(*titles->items), &count);

	if (items)
		*titles = (struct config_ae_titles){ items, count };
}

void reader_files(struct reader *reader, const config_setting_t *setting,
		  const struct key *key, void *field)
{
	struct config_files *files = field;
	size_t count;
	void *items;

	if (config_setting_type(setting) == CONFIG_TYPE_STRING) {
		items = arena_alloc(reader->arena, 1, sizeof(*files->items));
		reader_text(reader, setting, key, items);
		count = 1;
	} else {
		items = reader_items(reader, setting, key, sizeof(*files->items), &count);
	}
	if (items)
		*files = (struct config_files){ items, count };
}
