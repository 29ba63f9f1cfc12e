/*
 * What the destination is known to accept, as the spooler remembers it, and what is
 * answered for it while nobody asks it.
 */
#pragma once

#include <stddef.h>

#include "cathgate/dicom/upper_layer.h"

struct association;
struct config_strings;

struct known {
	char *text; /* lines "+ ABSTRACT TRANSFER", or with "-"; NULL: nothing is known */
	const struct config_strings *usual; /* transfer syntaxes; none: any */
};

/* Asks the spooler; where that doesn't answer, nothing is known. */
void known_read(struct known *known, struct association *association);
void known_clear(struct known *known);

/* 1: it accepts that pair; -1: it has refused it; 0: nobody knows. */
int known_says(const struct known *known, const char *abstract_syntax,
	       const char *transfer_syntax);
/* Of what that proposal offers the first that is known to be accepted, or else the first
 * that may be; NULL: none. Valid as long as the association. */
const char *known_choose(const struct known *known, const struct ul_association *in,
			 size_t proposal, const char *abstract_syntax);
