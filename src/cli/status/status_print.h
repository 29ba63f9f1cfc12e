/*
 * `cathgate status` for people.
 */
#ifndef STATUS_PRINT_H
#define STATUS_PRINT_H

#include <jansson.h>
#include <stdio.h>

void status_print(const json_t *status, FILE *to);

#endif
