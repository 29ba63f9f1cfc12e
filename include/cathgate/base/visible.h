/*
 * What may be shown to people of text that came from elsewhere. What would steer a
 * terminal, change the direction of writing or not be seen at all stands there as \u202e,
 * and so does each byte that is no UTF-8, as the audit log writes it.
 */
#ifndef CATHGATE_VISIBLE_H
#define CATHGATE_VISIBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Looks at the character at `text`, of which `size` bytes are there, 1 at least: its
 * length, and whether it may be shown as it is; else the number for its \uXXXX. */
bool visible_character(const char *text, size_t size, size_t *ret_length,
		       uint32_t *ret_number);

/* The longest that one character becomes: "\u10ffff". */
#define VISIBLE_MAX 8

/* Copies so much of the text as fits, and ends it with a NUL. Returns its length. */
size_t visible_copy(char *ret, size_t room, const char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
