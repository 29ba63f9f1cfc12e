/*
 * What the harnesses for Frama-C's Eva share. Eva runs them with sets of values in the
 * place of values: what it says holds for all inputs of these sizes, not for some that
 * were tried.
 */
#pragma once

#include <__fc_builtin.h>
#include <stddef.h>
#include <stdint.h>

/* Any `size` bytes, at the end of `memory`. Those before are uninitialised, so that a
 * read on either side is an alarm. */
static inline const uint8_t *eva_bytes(uint8_t *memory, size_t room, size_t size)
{
	uint8_t *bytes = memory + (room - size);

	Frama_C_make_unknown((char *)bytes, size);
	return bytes;
}

/* All of these bytes may be read, or it is an alarm. */
static inline void eva_read(const void *bytes, size_t size)
{
	//@ assert all_are_there: \initialized((uint8_t *)bytes + (0 .. size - 1));
	(void)bytes;
	(void)size;
}

/* Tells run.sh that the analysis came to the end: behind an error that is certain, Eva
 * goes on with nothing. */
void Frama_C_show_each_end(void);
