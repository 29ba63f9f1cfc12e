/*
 * `cathgate status` for people.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

void status_print(const json_t *status, FILE *to);
