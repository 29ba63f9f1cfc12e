/*
 * HKDF with SHA-256 (RFC 5869), in its two steps, by OpenSSL. Both return 0, or -1 when
 * OpenSSL refuses.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"

#define HKDF_SIZE 32 /* of the hash, and so of what the first step gives */

/* Without a salt, its size is 0. */
MUST_USE int hkdf_extract(const void *salt, size_t salt_size, const void *input,
			  size_t size, uint8_t ret[HKDF_SIZE]);
MUST_USE int hkdf_expand(const uint8_t key[HKDF_SIZE], const void *info, size_t info_size,
			 uint8_t *ret, size_t size);
