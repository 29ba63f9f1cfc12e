/*
 * `cathgate status` for people: in 80 columns, and on one screen as a rule.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* The texts that an answer holds were made by the gateway, and by peers. */
const char *status_text(const json_t *object, const char *member); /* "-" for none */
/* So many of "thing", with an s for all but one. */
const char *status_plural(json_int_t count);

void status_print(const json_t *status, bool in_colour, FILE *to);
