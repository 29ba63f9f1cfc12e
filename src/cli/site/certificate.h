/*
 * What `cathgate certificate renew` and `add` share.
 */
#pragma once

#include <stdbool.h>

#include "site.h"

#define CERTIFICATE_DAYS_USUAL 825

/* Without symbolic links, where it is there. Kept. */
const char *certificate_real_path(const char *path);
/* The gateway's user may have put a CA's certificate in the place of the gateway's, to
 * have a CA of its own. */
bool certificate_is_authority(const struct pki_certificate *certificate);
/* True with a message. */
bool certificate_ca_has_ended(const struct site *site);
