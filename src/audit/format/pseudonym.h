/*
 * The pseudonym that stands for a patient in the log: HMAC-SHA-256 of the patient ID's
 * bytes as they came, all 32 bytes in lower-case hex. The same ID gives the same
 * pseudonym as long as the key stays. A reader without the key can neither tell the
 * patient nor try out IDs.
 */
#pragma once

#include "cathgate/audit/record.h"

struct pseudonym {
	enum config_patient_id mode;
	bool has_key;
	uint8_t key[32];
};

/* Reads the key that the configuration names, if any. -1 with what is wrong and its cure
 * in `ret_error`, for a message that names the file. */
MUST_USE int pseudonym_open(const struct config_audit *audit, struct pseudonym *ret,
			    const char **ret_error);
/* Clears the key from memory. */
void pseudonym_close(struct pseudonym *pseudonym);

/* Puts in place of the record's patient_id what may be written, and clears what may not
 * from memory. */
void pseudonym_apply(const struct pseudonym *pseudonym, struct audit_record *record);
