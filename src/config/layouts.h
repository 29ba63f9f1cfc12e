/*
 * How the parts of a configuration are packed (pack.h): all that a process needs which
 * serves by it. The places of keys (config.places) stay with whoever read the text.
 */
#pragma once

#include "pack.h"

/* An entry of the allowlist without its destination and place, which are those of one
 * configuration. */
extern const struct pack_layout layout_entry;
extern const struct pack_layout layout_config;
