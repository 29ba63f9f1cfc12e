/*
 * Plain structs as a process that was taken over would send them. An input changes a few
 * bytes of a good one, so that a fuzzer needs not find a whole one: a count, and for each
 * change an offset of two bytes, a length, and the bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct patch_input {
	const uint8_t *at;
	size_t left;
};

/* The next byte; 0 at the end. */
static inline uint8_t patch_byte(struct patch_input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->at++;
}

static inline void patch_apply(struct patch_input *input, void *message, size_t size)
{
	for (unsigned count = patch_byte(input) % 8; count > 0; count--) {
		size_t offset = (size_t)patch_byte(input) << 8;
		size_t length;

		offset = (offset | patch_byte(input)) % size;
		length = patch_byte(input);
		if (length > input->left)
			length = input->left;
		if (length > size - offset)
			length = size - offset;
		memcpy((uint8_t *)message + offset, input->at, length);
		input->at += length;
		input->left -= length;
	}
}
