#include "known_certificate.h"

#include <string.h>

#include "keep.h"

int known_certificate_facts(const char *config_path, const char *sha256,
			    struct pki_facts *ret)
{
	const char *slash = strrchr(config_path, '/');
	struct pki_certificate *certificate;
	struct pki_facts facts;
	const char *error;
	int result = -1;

	/* It comes from the log, and becomes a file's name. */
	if (strlen(sha256) != DIGEST_HEX_SIZE - 1 ||
	    strspn(sha256, "0123456789abcdef") != DIGEST_HEX_SIZE - 1)
		return -1;
	certificate = pki_certificate_read(
		keep_format("%.*s" KNOWN_CERTIFICATES "/%s.crt",
			    slash ? (int)(slash + 1 - config_path) : 0, config_path,
			    sha256),
		&error);
	if (certificate && pki_certificate_facts(certificate, &facts) == 0 &&
	    strcmp(facts.sha256, sha256) == 0) {
		*ret = facts;
		result = 0;
	}
	pki_certificate_free(certificate);
	return result;
}
