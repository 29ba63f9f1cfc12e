/*
 * What a DICOM file says of itself, and what its data set's bytes hash to.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/base/digest.h"
#include "cathgate/base/must_use.h"

struct prove_object {
	int64_t bytes; /* of the data set */
	char sha256[DIGEST_HEX_SIZE];
	char transfer_syntax[65];	      /* "" in a file without meta header */
	char sop_class[65], sop_instance[65]; /* as the data set says, else the header */
	char meta_instance[65];		      /* as the header says */
};

/* -1 after saying what is wrong. */
MUST_USE int prove_object_read(const char *path, struct prove_object *ret);
