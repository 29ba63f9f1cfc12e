/*
 * The lines of the log that are of one modality, or may be. Most lines of somebody who
 * was refused name no entry, and prove nothing.
 */
#pragma once

#include "diagnose.h"

enum diagnose_known {
	DIAGNOSE_KNOWN_NOT,
	DIAGNOSE_KNOWN_ENTRY,
	DIAGNOSE_KNOWN_AE_TITLE,
	DIAGNOSE_KNOWN_CERTIFICATE,
	DIAGNOSE_KNOWN_SHOWN,	     /* it was not proved */
	DIAGNOSE_KNOWN_FORMER,	     /* with it the entry was let in before ... */
	DIAGNOSE_KNOWN_FORMER_SHOWN, /* ... and here it was not proved */
	DIAGNOSE_KNOWN_ADDRESS,
};

/* The caller sets the first three, and releases all but the first two. */
struct diagnose_search {
	const struct config *config;
	const struct config_modality *entry;
	json_t *let_in;		/* of diagnose_note_let_in */
	json_t *last;		/* of this modality ... */
	enum diagnose_known by; /* ... which is known by this */
	json_t *stranger;	/* the last that fits no entry at all, if it came later */
	json_t *accepted;	/* the last time that it was let in */
};

/* For diagnose_log_each. */
void diagnose_search_visit(void *search, json_t *line);
/* By what the last one is known, in words; "" where there is none. */
const char *diagnose_search_by(const struct diagnose_search *search);
/* The entry that the last line is about: an address alone doesn't say so. */
const struct config_modality *diagnose_search_whose(const struct diagnose_search *search);
bool diagnose_is_of_tls(const json_t *line);
