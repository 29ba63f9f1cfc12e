/*
 * `cathgate status --nagios`: one line and an exit status as monitoring plugins give
 * them.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

enum nagios_level { NAGIOS_OK, NAGIOS_WARNING, NAGIOS_CRITICAL, NAGIOS_UNKNOWN };

/* Returns the exit status. */
int nagios_print(const json_t *status, FILE *to);
/* Nobody answers: critical, unless that can't be told. `error` is ask_status's errno. */
int nagios_print_silence(const char *path, int error, FILE *to);
