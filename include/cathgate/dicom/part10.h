/*
 * A DICOM file (PS3.10 7.1): where its data set begins, and what the meta header says.
 * The data set, up to the file's end, is what a C-STORE sends; it isn't read here. And
 * the same the other way: what stands before a data set to make a file of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"

/* The first bytes of a file that part10_read needs at most. */
#define PART10_HEAD_MAX (1024 * 1024)

struct part10 {
	size_t data_set_at;
	bool has_meta;		  /* without one, the whole file is the data set */
	char sop_class[65];	  /* (0002,0002); "" where there is none */
	char sop_instance[65];	  /* (0002,0003); likewise */
	char transfer_syntax[65]; /* (0002,0010); likewise */
};

/* Reads the head of a file with preamble and meta header, with a meta header alone, or
 * with neither. 0; -1 when the meta header breaks the standard or doesn't end within
 * `size`. */
MUST_USE int part10_read(const uint8_t *bytes, size_t size, struct part10 *ret);

/* As large as such a head gets. */
#define PART10_WRITTEN_MAX 1024

/* Writes preamble and meta header with these three UIDs. The size; or -1 where one of
 * them is missing or is no UID. */
MUST_USE int part10_write(const struct part10 *part10, uint8_t ret[PART10_WRITTEN_MAX]);
