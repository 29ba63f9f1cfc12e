/*
 * Text for the answer: names can come from a peer.
 */
#pragma once

#include <jansson.h>

/* Whatever isn't UTF-8 becomes plain ASCII. JSON's null for "". */
json_t *plain(const char *value);
