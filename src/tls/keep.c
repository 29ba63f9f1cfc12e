/* What of the files that were read counts. */
#include "internal.h"

#include <string.h>

static bool is_named(X509 *certificate, const struct config_strings *named)
{
	char sha256[DIGEST_HEX_SIZE];

	if (tls_certificate_sha256(certificate, sha256) != 0)
		return false;
	for (size_t i = 0; i < named->count; i++) {
		if (strcmp(named->items[i], sha256) == 0)
			return true;
	}
	return false;
}

void tls_drop_unnamed(struct tls_material *material, const struct config_tls *tls,
		      struct config_faults *faults)
{
	for (int i = sk_X509_num(material->ca); i > 0; i--) {
		X509 *certificate = sk_X509_value(material->ca, i - 1);
		char subject[TLS_SUBJECT_SIZE];

		if (!tls_is_leaf(certificate) ||
		    is_named(certificate, &tls->entries_sha256))
			continue;
		tls_subject(X509_get_subject_name(certificate), subject);
		config_fault_add(faults, CONFIG_WARNING, &tls->ca.place,
				 "%s: the certificate %s isn't a CA's (basicConstraints "
				 "CA:TRUE), and no entry names its SHA-256: it lets "
				 "nobody in; put there the CA that signed it, or name it "
				 "in `certificate` of its entry",
				 tls->ca.path, subject);
		X509_free(sk_X509_delete(material->ca, i - 1));
	}
}
