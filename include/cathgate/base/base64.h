/*
 * Base64 (RFC 4648, 4), strict: no line breaks, canonical padding. OpenSSL, which does
 * the work, bears both.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"

#define BASE64_LENGTH(size) (((size) + 2) / 3 * 4)

/* `ret` has room for BASE64_LENGTH(size) characters and a NUL. */
void base64_encode(const uint8_t *bytes, size_t size, char *ret);
/* Decodes exactly `size` bytes from `length` characters. -1 when the text holds anything
 * else. */
MUST_USE int base64_decode(const char *text, size_t length, uint8_t *ret, size_t size);
