/*
 * UIDs (PS3.5 9) in command sets and data sets: up to 64 digits and dots, padded with a
 * NUL, or by some devices with a space.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define UID_MAX 64

/* Copies the value without its padding; an empty value is "". 0; or -1 when it is no UID,
 * with *ret untouched, which is why a caller may ignore the result. */
int uid_copy(const uint8_t *bytes, size_t size, char ret[UID_MAX + 1]);
