/*
 * Which CA a peer has to trust to accept one of the gateway's own certificates, and where
 * that CA's certificate is.
 */
#pragma once

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/pki/pki.h"

struct own_ca {
	struct pki_facts certificate; /* the gateway's own */
	/* The root of its chain; or, where that isn't at hand, the first CA on the way up
	 * that isn't. In RFC 2253's form. */
	const char *issuer;
	/* The CA itself, and the file it was found in; NULL where none of the
	 * configuration's files has it. */
	struct pki_certificate *ca;
	const char *path;
	bool is_itself; /* the gateway's own certificate is self-signed: it is the CA */
};

/* 0, and the caller frees with own_ca_clear; or -1 when the certificate can't be read. */
MUST_USE int own_ca_find(const struct config *config,
			 const struct config_file *certificate, struct own_ca *ret);
void own_ca_clear(struct own_ca *own);

/* "import the CA CN=…, which signed tls/gateway.crt; its certificate is in ca/ca.crt":
 * for a sentence to the one who looks after a modality, each CA of the listeners'
 * certificates once. "" when no certificate can be read. *ret_is_away: some CA is in no
 * file. Kept. */
const char *own_ca_text(const struct config *config, bool *ret_is_away);
