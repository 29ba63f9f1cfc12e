/*
 * UTF-8 as RFC 3629 has it: no longer form than needed, no surrogate, nothing beyond
 * U+10FFFF.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"

/* Reads the character at `text`, which has `left` more bytes, into *ret. Returns its
 * length, 0 when it is no UTF-8. */
MUST_USE size_t utf8_read(const char *text, size_t left, uint32_t *ret);

bool utf8_is_valid(const char *text);

/* Whether it is a control character (C0, C1 or DEL). */
bool utf8_is_control(uint32_t character);
