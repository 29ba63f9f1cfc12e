#include "known_certificate.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "gateway_config.h"

int known_certificate_facts(const char *config_path, const char *sha256,
			    struct pki_facts *ret)
{
	const char *slash = strrchr(config_path, '/');
	struct pki_certificate *certificate;
	char path[PATH_MAX]; /* not kept: a log has as many as peers like to show */
	struct pki_facts facts;
	const char *error;
	int result = -1;

	/* It comes from the log, and becomes a file's name. */
	if (strlen(sha256) != DIGEST_HEX_SIZE - 1 ||
	    strspn(sha256, "0123456789abcdef") != DIGEST_HEX_SIZE - 1)
		return -1;
	if (snprintf(path, sizeof(path), "%.*s" KNOWN_CERTIFICATES "/%s.crt",
		     slash ? (int)(slash + 1 - config_path) : 0, config_path,
		     sha256) >= (int)sizeof(path))
		return -1;
	certificate = pki_certificate_read(path, &error);
	if (certificate && pki_certificate_facts(certificate, &facts) == 0 &&
	    strcmp(facts.sha256, sha256) == 0) {
		*ret = facts;
		result = 0;
	}
	pki_certificate_free(certificate);
	return result;
}

/* As policy/ judges what a modality shows. */
static bool is_one_of(const struct config_strings *wanted, const char *text)
{
	return wanted->count == 0 || gateway_config_has_text(wanted, text);
}

static bool has_one_of(const struct config_strings *wanted, const char (*names)[256],
		       size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (gateway_config_has_text(wanted, names[i]))
			return true;
	return wanted->count == 0;
}

bool known_certificate_fits(const struct config_certificate *bound,
			    const struct pki_facts *facts)
{
	return !bound->none && is_one_of(&bound->sha256, facts->sha256) &&
	       is_one_of(&bound->public_key_sha256, facts->public_key_sha256) &&
	       is_one_of(&bound->common_name, facts->common_name) &&
	       has_one_of(&bound->dns, facts->names, facts->name_count) &&
	       has_one_of(&bound->uri, facts->uris, facts->uri_count);
}

bool known_certificate_is_by_name(const struct config_certificate *bound)
{
	size_t digests = bound->sha256.count + bound->public_key_sha256.count;

	return digests == 0 &&
	       bound->dns.count + bound->common_name.count + bound->uri.count > 0 &&
	       !(bound->uri.count == 1 &&
		 bound->dns.count + bound->common_name.count == 0 &&
		 strncmp(bound->uri.items[0], PKI_UUID_HEAD, strlen(PKI_UUID_HEAD)) == 0);
}
