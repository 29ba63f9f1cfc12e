/*
 * Decides which certificates in the files count, and keeps the pair or CRLs of the
 * running set when the new ones can't be used yet, since otherwise no peer could connect.
 */
#include "internal.h"

#include <string.h>

static bool is_named(X509 *certificate, const struct config_strings *named)
{
	char sha256[DIGEST_HEX_SIZE];

	if (certificate_sha256(certificate, sha256) != 0)
		return false;
	for (size_t i = 0; i < named->count; i++)
		if (strcmp(named->items[i], sha256) == 0)
			return true;
	return false;
}

static bool certificate_counts(X509 *certificate, const struct config_tls *tls)
{
	return !tls_is_leaf(certificate) || is_named(certificate, &tls->entries_sha256);
}

void tls_drop_unnamed(struct tls_material *material, const struct config_tls *tls,
		      struct config_faults *faults)
{
	enum config_fault_kind kind = CONFIG_ERROR;

	for (int i = 0; i < sk_X509_num(material->ca); i++)
		if (certificate_counts(sk_X509_value(material->ca, i), tls))
			kind = CONFIG_WARNING;
	for (int i = sk_X509_num(material->ca); i > 0; i--) {
		X509 *certificate = sk_X509_value(material->ca, i - 1);
		char subject[TLS_SUBJECT_SIZE];

		if (certificate_counts(certificate, tls))
			continue;
		tls_subject(X509_get_subject_name(certificate), subject);
		config_fault_add(faults, kind, &tls->ca.place,
				 "%s: the certificate %s isn't a CA's (basicConstraints "
				 "CA:TRUE), and no entry names its SHA-256: it lets "
				 "nobody in; put there the CA that signed it, or name "
				 "its SHA-256 in `certificate` of its entry",
				 tls->ca.path, subject);
		X509_free(sk_X509_delete(material->ca, i - 1));
	}
}

static bool fits(const struct tls_pair *pair, EVP_PKEY *key)
{
	return X509_check_private_key(sk_X509_value(pair->chain, 0), key) == 1;
}

/* A key of the running set that this process holds itself can always be kept. */
static bool can_keep(const struct tls_keys *keys, const struct tls_pair *pair)
{
	return !keys || keys->hold(keys->context, &pair->id);
}

/* Pair number `at`, as tls_keep_pairs does all. */
MUST_USE static int keep_pair(const struct config_tls *tls, size_t at,
			      const struct tls_keys *keys,
			      const struct tls_context *running,
			      struct tls_material *material, struct config_faults *faults)
{
	struct tls_pair *pair = &material->pairs[at];

	if (!tls->key.items[at].credential || !pair->chain || !pair->key ||
	    fits(pair, pair->key))
		return 0;
	for (size_t i = 0; i < running->pair_count; i++) {
		if (!fits(&running->pairs[i], pair->key) ||
		    !can_keep(keys, &running->pairs[i]))
			continue;
		config_fault_add(faults, CONFIG_WARNING,
				 &tls->certificate.items[at].place,
				 "%s holds a new certificate, but its key is a "
				 "credential, which is read once at start: the old pair "
				 "stays in force until systemctl restart",
				 tls->certificate.items[at].path);
		return tls_pair_share(&running->pairs[i], pair);
	}
	return 0;
}

int tls_keep_pairs(const struct config_tls *tls, const struct tls_keys *keys,
		   const struct tls_context *running, struct tls_material *material,
		   struct config_faults *faults)
{
	for (size_t i = 0; running && i < material->pair_count; i++)
		if (keep_pair(tls, i, keys, running, material, faults) != 0)
			return -1;
	return 0;
}

static void note_turn(struct tls_material *material, time_t turn)
{
	if (material->turn == 0 || turn < material->turn)
		material->turn = turn;
}

/* The pair of `running` whose place a new one takes: that of the same kind, or the only
 * one, when the only one is to have a key of another kind. NULL: none. */
static const struct tls_pair *predecessor(const struct tls_context *running,
					  const struct tls_material *material,
					  const struct tls_pair *pair)
{
	for (size_t i = 0; i < running->pair_count; i++)
		if (tls_pair_is_like(&running->pairs[i], pair))
			return &running->pairs[i];
	return running->pair_count == 1 && material->pair_count == 1 ? &running->pairs[0]
								     : NULL;
}

/* No slack here: peers judge our certificate by their own clocks. */
int tls_keep_valid_pairs(const struct config_tls *tls, const struct tls_keys *keys,
			 const struct tls_context *running, struct tls_material *material,
			 struct config_faults *faults)
{
	time_t now = time(NULL), first, last, old_first, old_last;
	char date[TLS_DATE_SIZE];

	for (size_t i = 0; running && i < material->pair_count; i++) {
		struct tls_pair *pair = &material->pairs[i];
		const struct tls_pair *old = predecessor(running, material, pair);

		tls_chain_dates(pair->chain, &first, &last);
		if (!old || first <= now)
			continue;
		tls_chain_dates(old->chain, &old_first, &old_last);
		if (now < old_first || now > old_last || !can_keep(keys, old))
			continue;
		tls_date(first, date);
		config_fault_add(faults, CONFIG_WARNING, &tls->certificate.items[i].place,
				 "%s isn't valid before %s: the old pair stays in force "
				 "until then",
				 tls->certificate.items[i].path, date);
		note_turn(material, first);
		if (tls_pair_share(old, pair) != 0)
			return -1;
	}
	return 0;
}

/* Keeps the running set's CRL that counts in the series of `next`, a CRL that isn't valid
 * yet. It must be in force, and newer than any CRL in force in the files. */
MUST_USE static int keep_before(const struct tls_context *running, X509_CRL *next,
				struct tls_material *material)
{
	X509_STORE *store = SSL_CTX_get_cert_store(running->ssl_ctx);
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
	X509_CRL *of_files = tls_series_speaker(material, next), *speaker = NULL;
	time_t now = time(NULL);

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509_CRL *crl =
			X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));

		if (crl && tls_crl_in_same_series(crl, next, material->ca) &&
		    (!speaker || tls_crl_speaks_instead(crl, speaker, now)))
			speaker = crl;
	}
	if (!speaker || !tls_crl_is_in_force(speaker, now) ||
	    (tls_crl_is_in_force(of_files, now) &&
	     !tls_crl_speaks_instead(speaker, of_files, now)))
		return 0;
	if (sk_X509_CRL_push(material->kept, speaker) <= 0)
		return -1;
	X509_CRL_up_ref(speaker);
	return 0;
}

int tls_keep_crls(const struct tls_context *running, struct tls_material *material)
{
	time_t now = time(NULL);
	X509_CRL *crl;
	size_t file;

	material->kept = sk_X509_CRL_new_null();
	if (!material->kept)
		return -1;
	for (size_t i = 0; (crl = tls_material_crl(material, i, &file)) != NULL; i++) {
		time_t first = tls_time(X509_CRL_get0_lastUpdate(crl));

		if (tls_has_begun(first, now))
			continue;
		note_turn(material, first - TLS_CLOCK_SLACK);
		if (running && keep_before(running, crl, material) != 0)
			return -1;
	}
	return 0;
}
