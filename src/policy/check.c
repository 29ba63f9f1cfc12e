/* Whether the entries of a configuration can be told apart, and reached at all. */

#include <string.h>

#include "cathgate/policy/policy.h"

/* An AE title that is in both lists; NULL when there is none. */
static const char *shared_ae_title(const struct config_ae_titles *a,
				   const struct config_ae_titles *b)
{
	for (size_t i = 0; i < a->count; i++) {
		for (size_t j = 0; j < b->count; j++)
			if (ae_title_equal(&a->items[i], &b->items[j]))
				return a->items[i].text;
	}
	return NULL;
}

static bool addresses_overlap(const struct config_modality *a,
			      const struct config_modality *b)
{
	for (size_t i = 0; i < a->address_count; i++) {
		for (size_t j = 0; j < b->address_count; j++)
			if (address_ranges_overlap(&a->addresses[i], &b->addresses[j]))
				return true;
	}
	return a->address_count == 0 || b->address_count == 0;
}

/* Whether no value is in both lists, and both have some. */
static bool are_apart(const struct config_strings *a, const struct config_strings *b)
{
	for (size_t i = 0; i < a->count; i++) {
		for (size_t j = 0; j < b->count; j++)
			if (strcmp(a->items[i], b->items[j]) == 0)
				return false;
	}
	return a->count > 0 && b->count > 0;
}

/* A certificate has one digest, one key and one common name that count, but can carry any
 * number of DNS names and URIs: those don't keep two entries apart. */
static bool certificates_overlap(const struct config_certificate *a,
				 const struct config_certificate *b)
{
	return a->none == b->none && !are_apart(&a->sha256, &b->sha256) &&
	       !are_apart(&a->public_key_sha256, &b->public_key_sha256) &&
	       !are_apart(&a->common_name, &b->common_name);
}

static void check_pair(const struct config_modality *entry,
		       const struct config_modality *other, struct config_faults *faults)
{
	const char *calling = shared_ae_title(&entry->ae_titles, &other->ae_titles);
	const char *called =
		shared_ae_title(&entry->called_ae_titles, &other->called_ae_titles);

	if (!calling || !called || !addresses_overlap(entry, other) ||
	    !certificates_overlap(&entry->certificate, &other->certificate))
		return;
	config_fault_add(
		faults, CONFIG_ERROR, &entry->place,
		"\"%s\" and \"%s\" (%s:%d) could both fit one association: both hold the "
		"AE title \"%s\" calling \"%s\", from overlapping addresses, and one "
		"certificate could match both; give them ae_titles, called_ae_titles or "
		"addresses that have nothing in common, or different sha256, "
		"public_key_sha256 or common_name (dns and uri don't separate: a "
		"certificate can carry both)",
		entry->name, other->name, other->place.file, other->place.line, calling,
		called);
}

static void check_reachable(const struct config_modality *entry, bool plain_exists,
			    bool tls_exists, struct config_faults *faults)
{
	if (entry->certificate.none && !plain_exists)
		config_fault_add(
			faults, CONFIG_ERROR, &entry->place,
			"\"%s\" has certificate = \"none\", but no listener has "
			"tls = \"none\": nobody could use it; bind a certificate, "
			"or add such a listener on 127.0.0.1",
			entry->name);
	if (!entry->certificate.none && !tls_exists)
		config_fault_add(
			faults, CONFIG_ERROR, &entry->place,
			"\"%s\" is bound to a certificate, but no listener has TLS: "
			"nobody could use it; add a listener with certificate, key "
			"and ca in tls",
			entry->name);
}

void policy_check(const struct config *config, struct config_faults *faults)
{
	bool plain_exists = false, tls_exists = false;

	for (size_t i = 0; i < config->listen_count; i++) {
		if (config->listen[i].tls.none)
			plain_exists = true;
		else
			tls_exists = true;
	}
	for (size_t i = 0; i < config->modality_count; i++) {
		check_reachable(&config->modalities[i], plain_exists, tls_exists, faults);
		for (size_t j = 0; j < i; j++)
			check_pair(&config->modalities[i], &config->modalities[j],
				   faults);
	}
}
