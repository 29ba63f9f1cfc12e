/*
 * Base64 (RFC 4648, 4), strict: no line breaks, canonical padding. On OpenSSL's, which by
 * itself is neither.
 */
#ifndef AUDIT_BASE64_H
#define AUDIT_BASE64_H

#include <stddef.h>
#include <stdint.h>

#define BASE64_LENGTH(size) (((size) + 2) / 3 * 4)

/* `ret` has room for BASE64_LENGTH(size) characters and a NUL. */
void base64_encode(const uint8_t *bytes, size_t size, char *ret);
/* Decodes exactly `size` bytes from `length` characters. -1 when that isn't what the text
 * holds. */
int base64_decode(const char *text, size_t length, uint8_t *ret, size_t size);

#endif
