#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int names_tag(const struct spooler *spooler, size_t key, const char *purpose,
	      const char *name, uint8_t ret[SPOOL_SHORT_TAG])
{
	const void *texts[] = { name };
	const size_t sizes[] = { strlen(name) };

	return spool_tag(&spooler->keys[key], purpose, texts, sizes, 1, ret,
			 SPOOL_SHORT_TAG);
}

void names_add(struct spooler *spooler, struct known_names *names, const char *purpose,
	       const char *text)
{
	struct known_name *more, name = { .text = "" };

	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i].text, text) == 0)
			return;
	if (names_tag(spooler, 0, purpose, text, name.tag) != 0)
		return;
	snprintf(name.text, sizeof(name.text), "%s", text);
	more = reallocarray(names->items, names->count + 1, sizeof(*more));
	if (!more)
		return;
	names->items = more;
	names->items[names->count++] = name;
}

const char *names_find(const struct known_names *names,
		       const uint8_t tag[SPOOL_SHORT_TAG])
{
	for (size_t i = 0; i < names->count; i++)
		if (memcmp(names->items[i].tag, tag, SPOOL_SHORT_TAG) == 0)
			return names->items[i].text;
	return "";
}

void names_clear(struct known_names *names)
{
	free(names->items);
	*names = (struct known_names){ .items = NULL };
}
