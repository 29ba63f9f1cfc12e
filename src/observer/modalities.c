#include "modalities.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/audit/members.h"

void modalities_free(struct modalities *modalities)
{
	free(modalities->items);
	*modalities = (struct modalities){ 0 };
}

const struct modality *modalities_find(const struct modalities *modalities,
				       const char *name)
{
	for (size_t i = 0; i < modalities->count; i++)
		if (strcmp(modalities->items[i].name, name) == 0)
			return &modalities->items[i];
	return NULL;
}

struct modality *modalities_get(struct modalities *modalities, const char *name)
{
	const struct modality *known = modalities_find(modalities, name);
	struct modality *items;

	if (known)
		return &modalities->items[known - modalities->items];
	if (!name[0] || modalities->count == MODALITIES_MAX)
		return NULL;
	items = reallocarray(modalities->items, modalities->count + 1, sizeof(*items));
	if (!items)
		return NULL;
	modalities->items = items;
	items[modalities->count] = (struct modality){ 0 };
	snprintf(items[modalities->count].name, sizeof(items->name), "%s", name);
	return &items[modalities->count++];
}

/* "192.0.2.1:104" without the port. */
static size_t host_size(const char *peer)
{
	const char *colon = strrchr(peer, ':');

	return colon ? (size_t)(colon - peer) : 0;
}

void modalities_take(struct modalities *modalities, const json_t *line)
{
	const char *outcome = members_text(line, "outcome");
	const char *peer = members_text(line, "peer");
	struct modality *modality =
		modalities_get(modalities, members_text(line, "modality"));

	if (!modality)
		return;
	if (strcmp(outcome, "accepted") == 0)
		snprintf(modality->host, sizeof(modality->host), "%.*s",
			 (int)host_size(peer), peer);
	else if (strcmp(outcome, "forwarded") == 0 || strcmp(outcome, "spooled") == 0)
		snprintf(modality->last_instance, sizeof(modality->last_instance), "%s",
			 members_text(line, "time"));
}

const char *modalities_whose(const struct modalities *modalities, const json_t *line)
{
	const char *name = members_text(line, "modality");
	const char *peer = members_text(line, "peer");
	size_t size = host_size(peer);
	const struct modality *found = NULL;

	if (name[0] || size == 0)
		return name;
	for (size_t i = 0; i < modalities->count; i++) {
		const struct modality *item = &modalities->items[i];

		if (strlen(item->host) != size || strncmp(item->host, peer, size) != 0)
			continue;
		if (found)
			return ""; /* several behind one address */
		found = item;
	}
	return found ? found->name : "";
}
