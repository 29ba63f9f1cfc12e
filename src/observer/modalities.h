/*
 * What the audit log says of each modality: when it last stored an instance, and from
 * which address it was last let in. By that address a peer that was refused before it
 * proved anything is known for that modality, most likely.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cathgate/base/must_use.h"

#define MODALITIES_MAX 4096 /* names in old lines come on top of the configuration's */

struct modality {
	char name[64];
	char host[64];		/* "" when it isn't known */
	char last_instance[32]; /* a line's time; "": not known */
	bool has_counters;
};

struct modalities {
	struct modality *items;
	size_t count;
};

void modalities_free(struct modalities *modalities);
/* Makes it where there is none yet; NULL for "", without memory, or for one too many. */
struct modality *modalities_get(struct modalities *modalities, const char *name);
/* NULL when nothing is known of it. */
const struct modality *modalities_find(const struct modalities *modalities,
				       const char *name);
/* Takes a line of the event `association` or `instance`. */
void modalities_take(struct modalities *modalities, const json_t *line);
/* Whose line it is: the modality that it names, else the only one that was last let in
 * from the line's address; "" when that can't be told. */
const char *modalities_whose(const struct modalities *modalities, const json_t *line);
