/*
 * Numbers as the log, its names and its checkpoints have them: no sign, no leading zero.
 */
#pragma once

#include <stdint.h>

/* Reads the number at the beginning of the text, which ends at `end`, and returns what
 * stands behind it. NULL when there is none, or one of more than 18 digits: nothing is
 * ever counted so far, and it could wrap. */
const char *decimal_read(const char *text, const char *end, uint64_t *ret);
