/*
 * What differs between two settings, in words.
 */
#pragma once

#include "supervisor/settings/settings.h"

/* One text for each difference. */
struct changes {
	char **items;
	size_t count;
};

/* The caller clears the list. */
void changes_list(const struct settings *before, const struct settings *now,
		  struct changes *ret);
void changes_add(struct changes *changes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void changes_clear(struct changes *changes);

bool changes_same_strings(const struct config_strings *a, const struct config_strings *b);
