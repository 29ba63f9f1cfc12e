/*
 * What the team of a PACS has to know of the gateway: `cathgate destination page`.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "cathgate/config/config.h"
#include "cli/kit/own_ca.h"

struct destination_facts {
	const struct config *config;
	const struct config_destination *destination;
	struct config_ae_titles calling; /* each title that the gateway calls by */
	bool is_passed_on;		 /* these are the modalities' own */
	const char *source;  /* the address that the PACS sees; "" where it isn't known */
	const char *unknown; /* why it isn't */
	struct own_ca own[CONFIG_PAIRS_MAX]; /* one for each certificate of ours */
	size_t own_count;
};

/* Writes what to enter at the PACS, for three of them as text to paste. -1 without
 * memory. */
MUST_USE int destination_snippets(FILE *page, const struct destination_facts *facts);

/* The certificates that are to be trusted at the PACS, under this name. */
#define DESTINATION_CA_FILE "cathgate-ca.pem"
