/*
 * The copies that `cathgate modality` keeps of each certificate that a modality was given
 * or came with, each under its SHA-256, in a folder beside the configuration. Only root
 * and the folder's owner can read them.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/pki/pki.h"

#define KNOWN_CERTIFICATES "ca/certificates"

/* What the copy says. -1 when there is none, or it can't be read: the caller does
 * without. `sha256` may be any text. */
MUST_USE int known_certificate_facts(const char *config_path, const char *sha256,
				     struct pki_facts *ret);

/* Whether an entry is bound to such a certificate. Of each list that isn't empty, one
 * value must match. */
bool known_certificate_fits(const struct config_certificate *bound,
			    const struct pki_facts *facts);

/* Whether any certificate with a certain name counts, so that a CA of the hospital's can
 * renew it without a word to the gateway. The private CA's own names, which are unique,
 * are none of these. */
bool known_certificate_is_by_name(const struct config_certificate *bound);
