#include "supervisor/expiry/warnings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/durable.h"
#include "cathgate/base/log.h"

#define LINE_MAX_BYTES 1200
#define ITEMS_MAX      4096

struct warning *warning_list_find(const struct warning_list *list,
				  enum warning_owner owner, const char *name,
				  time_t until)
{
	for (size_t i = 0; i < list->count; i++) {
		struct warning *item = &list->items[i];

		if (item->owner == owner && item->until == until &&
		    strcmp(item->name, name) == 0)
			return item;
	}
	return NULL;
}

struct warning *warning_list_add(struct warning_list *list, enum warning_owner owner,
				 const char *name, time_t until)
{
	struct warning *items =
		reallocarray(list->items, list->count + 1, sizeof(*items));
	char *copy = strdup(name);

	if (items)
		list->items = items;
	if (!items || !copy) {
		log_error("no memory to watch the end of %s", name);
		free(copy);
		return NULL;
	}
	items[list->count] = (struct warning){
		.owner = owner, .name = copy, .until = until, .told = WARNING_NOT_TOLD
	};
	return &items[list->count++];
}

void warning_list_drop(struct warning_list *list, size_t i)
{
	free(list->items[i].name);
	list->items[i] = list->items[--list->count];
}

static const char *const owners[] = { [WARNING_OWN] = "own",
				      [WARNING_MODALITY] = "modality",
				      [WARNING_DESTINATION] = "destination" };

#define OWNER_COUNT (sizeof(owners) / sizeof(owners[0]))

static void take_warning(struct warning_list *list, const char *line)
{
	long long until, seen;
	char owner[16];
	int told, at = 0;

	if (sscanf(line, "%15s %lld %d %lld %n", owner, &until, &told, &seen, &at) != 4 ||
	    at == 0 || line[at] == '\0')
		return;
	for (unsigned i = 0; i < OWNER_COUNT; i++) {
		struct warning *item;

		if (strcmp(owner, owners[i]) != 0 ||
		    warning_list_find(list, i, line + at, (time_t)until))
			continue;
		item = warning_list_add(list, i, line + at, (time_t)until);
		if (!item)
			return;
		item->told = told;
		item->seen = (time_t)seen;
	}
}

void warning_list_read(struct warning_list *list, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[LINE_MAX_BYTES];

	if (!file) {
		if (errno != ENOENT)
			log_warning("%s: %s: warnings may come twice", path,
				    strerror(errno));
		return;
	}
	while (list->count < ITEMS_MAX && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		take_warning(list, line);
	}
	fclose(file);
}

void warning_list_write(const struct warning_list *list, FILE *to)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct warning *item = &list->items[i];

		if (!strchr(item->name, '\n') &&
		    (item->owner != WARNING_OWN || item->told != WARNING_NOT_TOLD))
			fprintf(to, "%s %lld %d %lld %s\n", owners[item->owner],
				(long long)item->until, item->told, (long long)item->seen,
				item->name);
	}
}

int warning_list_save(const char *path, const char *text, size_t size)
{
	const struct durable_owner own = { (uid_t)-1, (gid_t)-1, 0640 };
	int rc = durable_put(path, DURABLE_REPLACE_OWN_SOON, text, size, &own);

	if (rc != 0)
		log_warning("%s: %s: warnings may come twice", path, strerror(errno));
	return rc;
}
