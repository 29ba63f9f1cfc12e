#include "own_ca.h"

#include <string.h>

#include "keep.h"

#define CERTIFICATES_MAX 1000 /* of one file */
#define PRIVATE_CA	 "ca/ca.crt"

/* The last certificate of the chain in a file, or NULL. */
static struct pki_certificate *last_of_chain(const char *path)
{
	struct pki_certificate *last = NULL, *next;

	for (size_t i = 0; i < CERTIFICATES_MAX; i++) {
		next = pki_certificate_read_at(path, i);
		if (!next)
			break;
		pki_certificate_free(last);
		last = next;
	}
	return last;
}

/* Looks for the self-signed CA that signed `last`, or is it. */
static bool is_in(const char *path, const struct pki_certificate *last,
		  struct own_ca *ret)
{
	struct pki_certificate *ca;

	for (size_t i = 0; path && i < CERTIFICATES_MAX; i++) {
		ca = pki_certificate_read_at(path, i);
		if (!ca)
			return false;
		if (pki_is_issued_by(last, ca) && pki_is_issued_by(ca, ca)) {
			ret->ca = ca;
			ret->path = path;
			return true;
		}
		pki_certificate_free(ca);
	}
	return false;
}

static void find_ca(const struct config *config, const char *chain,
		    const struct pki_certificate *last, struct own_ca *ret)
{
	const char *slash = strrchr(config->path, '/');

	if (is_in(keep_format("%.*s" PRIVATE_CA,
			      slash ? (int)(slash + 1 - config->path) : 0, config->path),
		  last, ret) ||
	    is_in(chain, last, ret))
		return;
	for (size_t i = 0; i < config->listen_count; i++)
		if (is_in(config->listen[i].tls.ca.path, last, ret))
			return;
	for (size_t i = 0; i < config->destination_count; i++)
		if (is_in(config->destinations[i].tls.ca.path, last, ret))
			return;
}

int own_ca_find(const struct config *config, const struct config_file *certificate,
		struct own_ca *ret)
{
	const char *path = certificate->path;
	struct pki_certificate *first = path ? pki_certificate_read_at(path, 0) : NULL;
	struct pki_certificate *last = first ? last_of_chain(path) : NULL;
	struct own_ca own = { .ca = NULL };
	struct pki_facts facts;
	int result = -1;

	if (last && pki_certificate_facts(first, &own.certificate) == 0 &&
	    pki_certificate_facts(last, &facts) == 0) {
		own.issuer = keep_format("%s", facts.issuer);
		own.is_itself = strcmp(facts.sha256, own.certificate.sha256) == 0 &&
				pki_is_issued_by(last, last);
		find_ca(config, path, last, &own);
		*ret = own;
		result = 0;
	}
	pki_certificate_free(first);
	pki_certificate_free(last);
	return result;
}

void own_ca_clear(struct own_ca *own)
{
	pki_certificate_free(own->ca);
	own->ca = NULL;
}

const char *own_ca_text(const struct config *config,
			const struct config_file *certificate)
{
	struct own_ca own;
	const char *text;

	if (own_ca_find(config, certificate, &own) < 0)
		return "";
	if (own.is_itself)
		text = keep_format("trust the gateway's own certificate, %s (%s): it is "
				   "self-signed",
				   certificate->path, own.issuer);
	else if (own.path)
		text = keep_format("trust the CA %s, which signed %s; its certificate is "
				   "in %s",
				   own.issuer, certificate->path, own.path);
	else
		text = keep_format("trust the CA %s, which signed %s; its certificate "
				   "is in no file of the configuration: whoever runs "
				   "that CA has it",
				   own.issuer, certificate->path);
	own_ca_clear(&own);
	return text;
}
