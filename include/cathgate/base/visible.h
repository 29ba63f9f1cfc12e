/*
 * Text from elsewhere, made safe to show. Characters that would steer a terminal, change
 * the direction of writing or not be seen are written as \u202e, and so is each byte that
 * is no UTF-8. The audit log writes them in the same way.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the character at `text`, which has `size` > 0 more bytes, may be shown as it
 * is; its length, and its number for \uXXXX. */
bool visible_character(const char *text, size_t size, size_t *ret_length,
		       uint32_t *ret_number);

/* The longest that one character becomes: "\u10ffff". */
#define VISIBLE_MAX 8

/* Copies as much of the text as fits, and a NUL. Returns the copy's length. */
size_t visible_copy(char *ret, size_t room, const char *text, size_t size);
