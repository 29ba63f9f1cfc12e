/*
 * The list of what `cathgate modality revoke` has shut out: ca/revoked, one certificate a
 * line, with its SHA-256, that of its public key ("-": one is not known), the date, and
 * the modality. The CRL speaks of the private CA's certificates alone, and of no key.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/known_certificate.h"
#include "setup.h"
#include "site.h"

#define LIST_MAX (4UL * 1024 * 1024)
#define HEAD                                                                          \
	"# Certificates that cathgate modality revoke has shut out, and their keys: " \
	"they "                                                                       \
	"let nobody in\n# any more. To take one back, remove its line.\n"

static const char *list_path(const struct site *site)
{
	return keep_format("%s/" SETUP_REVOKED, site->folder);
}

/* Kept; "" where there is no list yet, NULL with a message where it can't be read. */
static const char *read_list(const struct site *site)
{
	const char *path = list_path(site), *kept;
	char *bytes;
	size_t size;

	if (durable_read(path, LIST_MAX, &bytes, &size) < 0) {
		if (errno == ENOENT)
			return "";
		complain_file(path);
		return NULL;
	}
	kept = keep_copy(bytes, size);
	free(bytes);
	return kept;
}

static const char *line_for(const char *sha256, const char *key_sha256, const char *name)
{
	return keep_format("%s %s %s %s\n", sha256, key_sha256, site_date(time(NULL)),
			   name);
}

int site_note_revoked(struct site *site, const struct config_modality *entry)
{
	struct durable_owner own = daemon_user_none(0600);
	const struct config_strings *bound = &entry->certificate.sha256;
	const struct config_strings *keys = &entry->certificate.public_key_sha256;
	const char *before = read_list(site), *text = before;

	if (!text)
		return -1;
	if (text[0] == '\0')
		text = HEAD;
	for (size_t i = 0; i < site->known_count; i++) {
		const struct pki_facts *facts = &site->known[i].facts;

		if (known_certificate_fits(&entry->certificate, &site->known[i].facts) &&
		    !strstr(text, facts->sha256))
			text = keep_format("%s%s", text,
					   line_for(facts->sha256,
						    facts->public_key_sha256,
						    entry->name));
	}
	for (size_t i = 0; i < bound->count; i++)
		if (!strstr(text, bound->items[i]))
			text = keep_format("%s%s", text,
					   line_for(bound->items[i], "-", entry->name));
	for (size_t i = 0; i < keys->count; i++)
		if (!strstr(text, keys->items[i]))
			text = keep_format("%s%s", text,
					   line_for("-", keys->items[i], entry->name));
	if (strcmp(text, HEAD) == 0 || strcmp(text, before) == 0)
		return 0;
	return durable_replace(list_path(site), text, strlen(text), &own) < 0
		       ? complain_file(list_path(site))
		       : 0;
}

int site_must_not_be_revoked(const struct site *site,
			     const struct pki_certificate *certificate)
{
	const char *text = read_list(site), *found, *is_about = "certificate";
	struct pki_facts facts;

	if (!text)
		return -1;
	if (pki_certificate_facts(certificate, &facts) < 0)
		return complain_openssl();
	found = strstr(text, facts.sha256);
	if (!found) {
		found = strstr(text, facts.public_key_sha256);
		is_about = "key";
	}
	if (!found)
		return 0;
	complain(
		"this %s was shut out by cathgate modality revoke, since others may have "
		"it: have the device make a new key, and a certificate for that; if it "
		"was revoked by mistake, remove the line with %.16s… from %s",
		is_about,
		strcmp(is_about, "key") == 0 ? facts.public_key_sha256 : facts.sha256,
		list_path(site));
	return -1;
}
