/*
 * A patient as the log knows one: by the ID's pseudonym, or by the ID itself where the
 * gateway writes it in clear.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cathgate/base/digest.h"
#include "cathgate/base/must_use.h"
#include "cli/kit/options.h"

#define PATIENT_ID_MAX	256
#define PATIENT_ID_SIZE (PATIENT_ID_MAX + 2)

/* An ID from the command line, without the spaces around it; "-": a line of standard
 * input, so that it stands in no shell's history and no list of processes. -1 after
 * saying what is wrong. */
MUST_USE int patient_read_id(const char *given, char ret[PATIENT_ID_SIZE]);

/* The pseudonym key that the configuration names (NULL: the installed one); the caller
 * frees its path. NULL after saying what is wrong. */
MUST_USE char *patient_find_key(const char *config);

/* -1 after saying what is wrong with the key. */
MUST_USE int patient_pseudonym(const char *key, const char *id,
			       char ret[DIGEST_HEX_SIZE]);

struct patient {
	char id[PATIENT_ID_SIZE], pseudonym[DIGEST_HEX_SIZE];
	const char *texts[2]; /* what stands for the patient in the log: either */
	size_t count;
	bool is_clear_alone; /* the pseudonym isn't looked for, since its key can't be
				read */
};

/* A patient by ID, as patient_read_id takes it, or by pseudonym: for that no key is
 * needed. *ret_texts are those of *ret, for a filter. Where the gateway writes IDs in
 * clear, a pseudonym key that can't be read costs a warning alone. -1 after saying what
 * is wrong. */
MUST_USE int patient_find(const char *given, const char *config, struct patient *ret,
			  struct options_texts *ret_texts);

/* That the log has none of the patient, and why that may be. */
void patient_complain_none(const struct patient *patient);
