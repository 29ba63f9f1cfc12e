/*
 * What a modality's service engineer gets: one folder, mode 0700, with the certificate
 * and key for the device, the CA that it is to trust, and a page that says how.
 */
#pragma once

#include <stdbool.h>

#include "modality.h"
#include "staging.h"

struct handout {
	const struct modality_options *asked;
	const char *uri; /* that the certificate is to have */
	const char *folder;

	/* What comes of it. */
	struct pki_certificate *certificate;
	struct staging staging;
	char password[PKI_PASSWORD_SIZE]; /* "" when it isn't to be shown */
	bool is_open;
};

/* Issues (or reads) the certificate and prepares the folder, which handout_commit puts
 * where it belongs. -1 with a message. */
MUST_USE int handout_make(struct handout *handout, const struct site *site);
/* Writes the page into that folder, once the entry is known. */
MUST_USE int handout_describe(struct handout *handout, const struct site *site,
			      const struct config_modality *entry);
MUST_USE int handout_commit(struct handout *handout);
void handout_close(struct handout *handout);

/* Prints what there is now, and what to do with it. */
void handout_print(const struct handout *handout);
