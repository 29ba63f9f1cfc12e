/*
 * An object's header of 4,096 bytes (docs/SPOOL.md, An object), and how large its file
 * is.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"
#include "cathgate/spool/sealed.h"

/* What a writer may count on, whatever the suite. A reader takes what fits. */
#define HEADER_METADATA_ROOM (SPOOL_HEADER_SIZE - SPOOL_FRONT_MAX - 2)
#define HEADER_SEGMENT_STEP  (SPOOL_SEGMENT_SIZE + SPOOL_TAG_SIZE)

/* Writes the front, and returns its size. */
MUST_USE size_t header_put_front(const struct spool_front *front,
				 uint8_t ret[SPOOL_FRONT_MAX]);

struct header {
	struct spool_front front;
	size_t front_size;
	size_t metadata_at, metadata_size; /* with the tag */
};

/* SPOOL_GOOD; SPOOL_UNKNOWN, where it gives the suite alone; or SPOOL_TORN, SPOOL_FOREIGN
 * or SPOOL_CORRUPT. */
MUST_USE enum spool_fault header_read(const uint8_t bytes[SPOOL_HEADER_SIZE],
				      struct header *ret);

/* Where segment number 0, 1, … begins. */
uint64_t header_segment_at(uint64_t segment);

/* How many bytes of plaintext an object has whose metadata say this, and its file. -1
 * where there can be no such object: it is empty, or larger than any file. */
MUST_USE int header_sizes(const struct spool_metadata *metadata, uint64_t *ret_plain,
			  uint64_t *ret_file);
