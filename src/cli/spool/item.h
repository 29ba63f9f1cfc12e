/* One object as a list shows it. */
#pragma once

#include <jansson.h>

#include "cathgate/spool/operator.h"
#include "cli/kit/moment.h"
#include "cli/kit/shown.h"

#define ITEM_NUMBER_SIZE 17

struct item_texts {
	char number[ITEM_NUMBER_SIZE], came[MOMENT_SIZE], size[SHOWN_SIZE_SIZE];
	char what[160]; /* what it waits for; "" */
};

void item_number(uint64_t object, char ret[ITEM_NUMBER_SIZE]);
void item_text(const struct spool_item *item, struct item_texts *ret);
json_t *item_json(const struct spool_item *item);
