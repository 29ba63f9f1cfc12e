/* What changes in the private CA's folder. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/known_certificate.h"
#include "setup.h"
#include "site.h"

static const char *certificate_copy_path(const struct site *site,
					 const struct pki_certificate *certificate)
{
	struct pki_facts facts;

	if (pki_certificate_facts(certificate, &facts) < 0)
		return NULL;
	return keep_format("%s/" SETUP_KNOWN "/%s.crt", site->folder, facts.sha256);
}

/* A gateway that no `cathgate setup` made has no such folder yet. */
static int make_folders(const struct site *site)
{
	static const char *const names[] = { SETUP_CA_FOLDER, SETUP_KNOWN };
	struct durable_owner closed = daemon_user_none(0700);

	for (size_t i = 0; i < 2; i++) {
		const char *path = keep_format("%s/%s", site->folder, names[i]);

		if (durable_folder(path, &closed) < 0 && errno != EEXIST)
			return complain_file(path);
	}
	return 0;
}

/* A text before the certificate, which readers of PEM pass over. */
static const char *made_with(const struct site_made *made)
{
	return keep_format(SITE_MADE_WITH "%s%s%s%s\n", made->legacy ? " legacy" : "",
			   made->rsa ? " rsa" : "", made->pem ? " pem" : "",
			   made->request ? " request" : "");
}

int site_keep(struct site *site, const struct pki_certificate *certificate,
	      const struct site_made *made)
{
	struct durable_owner own = daemon_user_none(0600);
	const char *path = certificate_copy_path(site, certificate);
	struct pki_text text;
	const char *whole;
	int result = -1;

	if (make_folders(site) < 0)
		return -1;
	if (!path || pki_certificate_write(certificate, &text) < 0)
		return complain_openssl();
	whole = keep_format("%s%s", made_with(made), text.bytes);
	result = durable_replace(path, whole, strlen(whole), &own);
	if (result < 0)
		complain_file(path);
	pki_text_free(&text);
	return result;
}

void site_forget(const struct site *site, const struct pki_certificate *certificate)
{
	const char *path = certificate ? certificate_copy_path(site, certificate) : NULL;

	for (size_t i = 0; i < site->known_count && path; i++)
		if (pki_is_same(site->known[i].certificate, certificate))
			path = NULL;
	if (path)
		(void)!durable_remove(path); /* a copy that stays does no harm */
}

/* The CA's own CRL is written first: the gateway's is a copy, which can be made again. An
 * administrator may have put the hospital's CRLs behind that copy: they stay. */
static int write_crl(struct site *site, const struct pki_text *text)
{
	const char *own_path = keep_format("%s/" SETUP_CA_CRL, site->folder);
	const char *path = keep_format("%s/" SETUP_CRL, site->folder);
	struct durable_owner own = daemon_user_none(0600);
	struct durable_owner readable = daemon_user_file(&site->user);
	struct pki_text all;
	const char *error;
	int result;

	if (durable_replace(own_path, text->bytes, text->size, &own) < 0)
		return complain_file(own_path);
	if (pki_crl_beside(text, site->ca, path, &all) < 0)
		return complain_openssl();
	result = durable_replace(path, all.bytes, all.size, &readable);
	site_forget_trust(site);
	pki_text_free(&all);
	if (result < 0) {
		complain("%s: %s; the gateway still has the old CRL: try again with "
			 "cathgate modality crl",
			 path, strerror(errno));
		return -1;
	}
	pki_crl_free(site->crl);
	site->crl = pki_crl_read(own_path, &error);
	return site->crl ? 0 : -1;
}

int site_revoke(struct site *site, const struct pki_certificate *const *certificates,
		size_t count, enum pki_reason reason, unsigned days)
{
	struct pki_revocation *revocations = calloc(count + 1, sizeof(*revocations));
	struct pki_text text = { 0 };
	int result = -1;

	for (size_t i = 0; i < count && revocations; i++)
		revocations[i] = (struct pki_revocation){ certificates[i], reason };
	if (!revocations)
		complain_memory();
	else if (pki_crl_write(site->crl, revocations, count, site->ca, site->ca_key,
			       days, &text) < 0)
		complain("OpenSSL signs no CRL: %s", pki_failure());
	else
		result = write_crl(site, &text);
	pki_text_free(&text);
	free(revocations);
	return result;
}

int site_revoke_bound(struct site *site, const struct config_modality *entry,
		      const char *but, enum pki_reason reason)
{
	const struct pki_certificate **list =
		keep_bytes((site->known_count + 1) * sizeof(*list));
	size_t count = 0;

	for (size_t i = 0; i < site->known_count; i++) {
		const struct site_certificate *known = &site->known[i];

		if (known->is_ours && known->revoked == 0 &&
		    (!but || strcmp(known->facts.sha256, but) != 0) &&
		    known_certificate_fits(&entry->certificate, &known->facts))
			list[count++] = known->certificate;
	}
	if (count == 0)
		return 0;
	if (site_revoke(site, list, count, reason, 0) < 0)
		return -1;
	(void)site_reads_crl(site); /* it has complained, and the rest can go on */
	return 0;
}

bool site_reads_crl(const struct site *site)
{
	const struct config *config = site->config;
	const char *path = keep_format("%s/" SETUP_CRL, site->folder);
	char *wanted = realpath(path, NULL);
	bool is_read = false;

	for (size_t i = 0; i < config->listen_count && wanted; i++) {
		const struct config_files *files = &config->listen[i].tls.crl;

		for (size_t j = 0; j < files->count; j++) {
			char *found = realpath(files->items[j].path, NULL);

			is_read = is_read || (found && strcmp(found, wanted) == 0);
			free(found);
		}
	}
	free(wanted);
	if (!is_read)
		complain("no listener of %s reads " SETUP_CRL ": add it to crl in its "
			 "tls, or what is revoked is not refused",
			 site->config_path);
	return is_read;
}
