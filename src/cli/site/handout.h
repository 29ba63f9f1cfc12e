/*
 * What a modality's service engineer gets: one folder, mode 0700, with the certificate
 * and key for the device, the CA that it is to trust, and a page that says how.
 */
#pragma once

#include <stdbool.h>

#include "modality.h"
#include "cli/kit/staging.h"

struct handout {
	const struct modality_options *asked;
	const char *uri; /* that the certificate is to have */
	const char *folder;
	/* Of several hand-outs, the folder that is to hold one folder for each; NULL:
	 * this one has a folder by itself. */
	struct staging *shelf;

	/* What comes of it. */
	struct pki_certificate *certificate; /* NULL: any with a name counts */
	size_t listener;		     /* that accepts it, of the configuration */
	/* The CAs that the modality is to trust: first the gateway's, or NULL where it
	 * isn't at hand, or there is none yet; then those that were asked for. */
	struct pki_certificate **roots;
	size_t root_count;
	const char *root_away;		  /* what to do then; "" */
	struct staging staging;		  /* where it has no shelf */
	char password[PKI_PASSWORD_SIZE]; /* "" when it isn't to be shown */
	bool is_open;
};

/* Issues (or reads) the certificate and prepares the folder, which handout_commit puts
 * where it belongs. -1 with a message. */
MUST_USE int handout_make(struct handout *handout, const struct site *site);
/* Writes the page into that folder, once the entry is known. */
MUST_USE int handout_describe(struct handout *handout, const struct site *site,
			      const struct config_modality *entry);
/* Only without a shelf, which is its owner's to put in place. */
MUST_USE int handout_commit(struct handout *handout);
void handout_close(struct handout *handout);

/* Opens the hidden folder of what is to be a new one. -1 with a message. */
MUST_USE int handout_open(struct staging *staging, const char *folder);
/* A new file of the hand-out. -1 with a message. */
MUST_USE int handout_write(const struct handout *handout, const char *name,
			   const char *bytes, size_t size);

/* The listener that the modality will meet. The configuration may have been read anew
 * since handout_make. */
const struct config_listen *handout_listener(const struct handout *handout,
					     const struct site *site);
/* The file of such a CA, without its ending: "ca", "ca-2". Kept. */
const char *handout_ca_name(size_t at);

/* Prints what there is now, and what to do with it. */
void handout_print(const struct handout *handout);
