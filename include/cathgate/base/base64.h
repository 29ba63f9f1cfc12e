/*
 * Base64 (RFC 4648, 4), strict: no line breaks, canonical padding. OpenSSL, which does
 * the work, bears both. And base64url (5) for names of files, without padding.
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

#define BASE64URL_LENGTH(size) (((size)*4 + 2) / 3)

/* The same for base64url, with room for BASE64URL_LENGTH(size) characters, a NUL, and two
 * characters of padding that are cut. */
void base64url_encode(const uint8_t *bytes, size_t size, char *ret);
MUST_USE int base64url_decode(const char *text, size_t length, uint8_t *ret, size_t size);
