/*
 * The spool's part of the gateway's answer (gateway_ask.h), for people.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Nothing where there is no spool. `now` is a time_t. */
void spool_shown(const json_t *status, int64_t now, bool in_colour, FILE *to);
