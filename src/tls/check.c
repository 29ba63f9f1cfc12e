/*
 * Faults in the certificates of a config_tls.
 *
 * The anchors are the self-signed certificates in `ca`. An intermediate CA in `ca` needs
 * its issuer there too, since X509_V_FLAG_PARTIAL_CHAIN isn't set: as an anchor it could
 * never be revoked. OpenSSL asks for no CRL about the anchor, and could not verify one
 * without its issuer. `ca` may also hold certificates that are no CA's: self-signed ones,
 * as modalities often have, and those whose CA the site can't get. They need no CRL.
 *
 * X509_V_FLAG_X509_STRICT isn't set: it would refuse certificates for formal faults (a
 * missing subject key identifier) that hospitals' own CAs make.
 */
#include "internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define DAY_SECONDS	   ((time_t)24 * 60 * 60)
#define CERTIFICATE_NOTICE (30 * DAY_SECONDS)
#define LEVEL_2_BITS	   112 /* of security, as SSL_CTX_set_security_level(3) counts */

/* One certificate of a file, for messages about it. */
struct subject {
	X509 *certificate;
	const struct config_file *file;
	char name[TLS_SUBJECT_SIZE];
};

static struct subject subject_of(STACK_OF(X509) * list, int i,
				 const struct config_file *file)
{
	struct subject subject = { .certificate = sk_X509_value(list, i), .file = file };

	tls_subject(X509_get_subject_name(subject.certificate), subject.name);
	return subject;
}

static void check_dates(const struct tls_check *check, const struct subject *subject)
{
	time_t first = tls_time(X509_get0_notBefore(subject->certificate));
	time_t last = tls_time(X509_get0_notAfter(subject->certificate));
	const struct config_file *file = subject->file;
	char date[TLS_DATE_SIZE];

	tls_date(last, date);
	if (last < check->now) {
		config_fault_calendar(check->faults, REASON_TLS_EXPIRED, &file->place,
				      "%s: the certificate %s expired on %s; renew it",
				      file->path, subject->name, date);
	} else if (last < check->now + CERTIFICATE_NOTICE) {
		config_fault_add(check->faults, CONFIG_WARNING, &file->place,
				 "%s: the certificate %s expires on %s; renew it",
				 file->path, subject->name, date);
	}
	if (!tls_has_begun(first, check->now)) {
		tls_date(first, date);
		config_fault_calendar(
			check->faults, REASON_TLS_NOT_YET_VALID, &file->place,
			"%s: the certificate %s isn't valid before %s; wait, or see "
			"whether the clock is right",
			file->path, subject->name, date);
	}
}

/* What security level 2 would refuse at each handshake. */
static void check_strength(const struct tls_check *check, const struct subject *subject)
{
	EVP_PKEY *key = X509_get0_pubkey(subject->certificate);
	const struct config_file *file = subject->file;
	char what[CERTIFICATE_KEY_SIZE];

	if (certificate_judge_key(key, what) == CERTIFICATE_KEY_WEAK)
		config_fault_add(check->faults, CONFIG_ERROR, &file->place,
				 "%s: the certificate %s has a weak key (%d bits), which "
				 "security level 2 refuses; take " CERTIFICATE_KEYS,
				 file->path, subject->name,
				 key ? EVP_PKEY_get_bits(key) : 0);
}

/* No peer checks the signature of a self-signed certificate. */
static bool has_weak_signature(X509 *certificate, int *ret_digest)
{
	int digest = NID_undef, bits = 0;

	if (tls_is_self_signed(certificate) ||
	    X509_get_signature_info(certificate, &digest, NULL, &bits, NULL) != 1 ||
	    bits >= LEVEL_2_BITS)
		return false;
	*ret_digest = digest;
	return true;
}

static void check_signature(const struct tls_check *check, const struct subject *subject)
{
	const struct config_file *file = subject->file;
	int digest;

	if (has_weak_signature(subject->certificate, &digest))
		config_fault_add(
			check->faults, CONFIG_ERROR, &file->place,
			"%s: the certificate %s is signed with %s, which security level "
			"2 refuses; have it issued again with SHA-256",
			file->path, subject->name, OBJ_nid2sn(digest));
}

static void check_kind(const struct tls_check *check, const struct subject *subject)
{
	char what[CERTIFICATE_KEY_SIZE];

	if (certificate_judge_key(X509_get0_pubkey(subject->certificate), what) ==
	    CERTIFICATE_KEY_UNKNOWN)
		config_fault_add(
			check->faults, CONFIG_ERROR, &subject->file->place,
			"%s: the certificate %s has a key %s, which not every TLS "
			"handshake takes; have it issued for one "
			"of " CERTIFICATE_KEYS,
			subject->file->path, subject->name, what);
}

/* Checks that `subject` is a CA's and signed the certificate before it in the chain. */
static void check_signer(const struct tls_check *check, const struct subject *subject,
			 X509 *signed_one)
{
	const struct config_file *file = subject->file;

	if (!certificate_is_signed_by(signed_one, subject->certificate))
		config_fault_add(check->faults, CONFIG_ERROR, &file->place,
				 "%s: the certificate %s didn't sign the one before it; "
				 "put the own certificate first, then the CA that signed "
				 "it, then that CA's, and nothing else",
				 file->path, subject->name);
	else if (!tls_is_self_signed(subject->certificate) &&
		 X509_check_ca(subject->certificate) != 1)
		config_fault_add(check->faults, CONFIG_ERROR, &file->place,
				 "%s: the certificate %s isn't a CA's (basicConstraints "
				 "CA:TRUE), but signed the one before it; have the chain "
				 "issued again",
				 file->path, subject->name);
}

static void check_purpose(const struct tls_check *check, const struct subject *subject,
			  bool server)
{
	const struct config_file *file = subject->file;
	const char *side = server ? "server" : "client";
	const char *usage = server ? "serverAuth" : "clientAuth";

	if (!certificate_is_for(subject->certificate, server))
		config_fault_add(
			check->faults, CONFIG_ERROR, &file->place,
			"%s: the certificate %s isn't for a TLS %s (its keyUsage "
			"or extendedKeyUsage says so); have one issued with %s",
			file->path, subject->name, side, usage);
	else if (X509_check_purpose(subject->certificate,
				    server ? X509_PURPOSE_SSL_SERVER
					   : X509_PURPOSE_SSL_CLIENT,
				    0) != 1)
		config_fault_add(check->faults, CONFIG_WARNING, &file->place,
				 "%s: the certificate %s is for any purpose, but doesn't "
				 "name that of a TLS %s, without which peers that use "
				 "OpenSSL refuse it; better have one issued with %s",
				 file->path, subject->name, side, usage);
}

/* NULL when the issuer isn't in the list. */
static X509 *issuer_of(STACK_OF(X509) * list, X509 *certificate)
{
	for (int i = 0; i < sk_X509_num(list); i++) {
		X509 *issuer = sk_X509_value(list, i);

		if (X509_check_ca(issuer) != 0 &&
		    certificate_is_signed_by(certificate, issuer))
			return issuer;
	}
	return NULL;
}

/* Looks for the issuer in all files of the configuration that hold CAs. True when it is a
 * root, which peers have. Else *ret_path is the file in which it is, or NULL. */
static bool is_issued_by_root(const struct tls_check *check, X509 *certificate,
			      const char **ret_path)
{
	const struct config_files *files = &check->tls->authorities;
	X509 *issuer = issuer_of(check->material->ca, certificate);
	bool is_root = issuer && tls_is_self_signed(issuer);

	*ret_path = issuer ? check->tls->ca.path : NULL;
	for (size_t i = 0; i < files->count && !issuer; i++) {
		struct config_faults others = { 0 }; /* told where the file is used */
		STACK_OF(X509) *list = tls_load_certificates(&files->items[i], &others);

		issuer = issuer_of(list, certificate);
		is_root = issuer && tls_is_self_signed(issuer);
		if (issuer)
			*ret_path = files->items[i].path;
		sk_X509_pop_free(list, X509_free);
		config_faults_clear(&others);
	}
	return is_root;
}

/* Peers usually have the root alone: without the intermediate CAs they find no way from
 * it to our certificate (RFC 8446 4.4.2). */
static void check_chain_is_whole(const struct tls_check *check, STACK_OF(X509) * chain,
				 const struct config_file *file)
{
	X509 *last = sk_X509_value(chain, sk_X509_num(chain) - 1);
	char issuer[TLS_SUBJECT_SIZE];
	const char *path;

	if (X509_NAME_cmp(X509_get_subject_name(last), X509_get_issuer_name(last)) == 0 ||
	    is_issued_by_root(check, last, &path))
		return;
	tls_subject(X509_get_issuer_name(last), issuer);
	if (path)
		config_fault_add(check->faults, CONFIG_WARNING, &file->place,
				 "%s: the intermediate CA %s is missing behind the "
				 "certificate, so peers that have only the root refuse "
				 "it; append its certificate, which is in %s",
				 file->path, issuer, path);
	else
		config_fault_add(check->faults, CONFIG_WARNING, &file->place,
				 "%s: the CA %s, which has signed the last certificate "
				 "in it, is missing; unless it is a root, peers refuse "
				 "the gateway: append its certificate (a root's does no "
				 "harm)",
				 file->path, issuer);
}

static void check_pair(const struct tls_check *check, size_t at, bool server)
{
	const struct config_file *file = &check->tls->certificate.items[at];
	const struct config_file *key_file = &check->tls->key.items[at];
	STACK_OF(X509) *chain = check->material->pairs[at].chain;
	EVP_PKEY *key = check->material->pairs[at].key;
	struct subject first = subject_of(chain, 0, file);

	check_purpose(check, &first, server);
	for (int i = 0; i < sk_X509_num(chain); i++) {
		struct subject subject = subject_of(chain, i, file);

		check_dates(check, &subject);
		check_strength(check, &subject);
		check_signature(check, &subject);
		if (i == 0)
			check_kind(check, &subject);
		else
			check_signer(check, &subject, sk_X509_value(chain, i - 1));
	}
	check_chain_is_whole(check, chain, file);
	if (key && X509_check_private_key(first.certificate, key) != 1)
		config_fault_add(
			check->faults, CONFIG_ERROR, &key_file->place,
			"%s isn't the key of the certificate in %s; name the two that "
			"were made together%s",
			key_file->path, file->path,
			key_file->credential
				? " (credentials are read when the service starts: "
				  "\"Keys as credentials\" in docs/ADMIN.md has the "
				  "command that checks those which it will read)"
				: "");
}

/* OpenSSL would silently keep the last of two whose keys are of one kind. */
static void check_kinds_differ(const struct tls_check *check)
{
	const struct tls_pair *pairs = check->material->pairs;
	const struct config_files *files = &check->tls->certificate;

	for (size_t i = 1; i < check->material->pair_count; i++)
		if (pairs[0].key && pairs[i].key &&
		    tls_pair_is_like(&pairs[0], &pairs[i]))
			config_fault_add(
				check->faults, CONFIG_ERROR, &files->items[i].place,
				"%s has a key of the kind %s, as %s has, so that one of "
				"the two would never be shown; name one with an EC key "
				"and one with an RSA key, or one alone",
				files->items[i].path,
				EVP_PKEY_get0_type_name(pairs[i].key),
				files->items[0].path);
}

/* Whether a CA above the certificate allows fewer CAs below it (RFC 5280 4.2.1.9). */
static bool is_too_deep(STACK_OF(X509) * ca, X509 *certificate)
{
	X509 *at = certificate;
	long below = 0;

	for (int i = 0; at && i < sk_X509_num(ca); i++) {
		long allowed = X509_get_pathlen(at);

		if (allowed >= 0 && below > allowed)
			return true;
		if (tls_is_self_signed(at))
			break;
		if ((X509_get_extension_flags(at) & EXFLAG_SI) == 0)
			below++;
		at = issuer_of(ca, at);
	}
	return false;
}

/* Why a handshake refuses the peer, a server or a client, that shows this certificate or
 * one below it; NULL when it doesn't. */
static const char *fault_of_trusted(STACK_OF(X509) * ca, X509 *certificate, bool server)
{
	int digest;

	if ((X509_get_extension_flags(certificate) & EXFLAG_CRITICAL) != 0)
		return "holds a critical extension that isn't known here; have it issued "
		       "without";
	if (X509_check_ca(certificate) == 0) {
		if (!certificate_is_for(certificate, server))
			return server ? "isn't for a TLS server (its keyUsage or "
					"extendedKeyUsage says so); have it issued with "
					"serverAuth"
				      : "isn't for a TLS client (its keyUsage or "
					"extendedKeyUsage says so); have it issued with "
					"clientAuth";
		if (issuer_of(ca, certificate) &&
		    has_weak_signature(certificate, &digest))
			return "is signed with less than SHA-256, which security level 2 "
			       "refuses; have it issued again with SHA-256";
		return NULL;
	}
	if (!tls_may_sign_for(certificate, server))
		return server ? "is of a CA that may not sign for TLS servers (its "
				"extendedKeyUsage or keyUsage says so); have it issued "
				"without extendedKeyUsage, or with serverAuth"
			      : "is of a CA that may not sign for TLS clients (its "
				"extendedKeyUsage or keyUsage says so); have it issued "
				"without extendedKeyUsage, or with clientAuth";
	if (is_too_deep(ca, certificate))
		return "stands below a CA that allows fewer CAs below itself (pathlen of "
		       "its basicConstraints); have that one issued anew";
	return NULL;
}

/* Whether a handshake accepts the certificate and all above it. */
static bool lets_in(STACK_OF(X509) * ca, X509 *certificate, bool server)
{
	X509 *at = certificate;

	for (int i = 0; at && i < sk_X509_num(ca); i++) {
		if (fault_of_trusted(ca, at, server))
			return false;
		at = tls_is_self_signed(at) ? NULL : issuer_of(ca, at);
	}
	return true;
}

/* Certificates that each handshake would refuse. These are warnings as long as there is
 * one that a handshake accepts. */
static void check_handshakes(const struct tls_check *check, bool server)
{
	const struct config_file *file = &check->tls->ca;
	STACK_OF(X509) *ca = check->material->ca;
	enum config_fault_kind kind = CONFIG_ERROR;

	for (int i = 0; i < sk_X509_num(ca); i++)
		if (lets_in(ca, sk_X509_value(ca, i), server))
			kind = CONFIG_WARNING;
	for (int i = 0; i < sk_X509_num(ca); i++) {
		struct subject subject = subject_of(ca, i, file);
		const char *fault = fault_of_trusted(ca, subject.certificate, server);

		if (fault)
			config_fault_add(check->faults, kind, &file->place,
					 "%s: the certificate %s %s", file->path,
					 subject.name, fault);
	}
}

/* A peer's own certificate that is a CA's too, as `openssl req -x509` makes it by
 * default. The owner of its key could issue other certificates. */
static bool is_leaf_and_ca(X509 *certificate)
{
	return tls_is_self_signed(certificate) && X509_check_ca(certificate) != 0 &&
	       certificate_looks_like_a_peers(certificate);
}

static void check_ca(const struct tls_check *check)
{
	const struct config_file *file = &check->tls->ca;
	STACK_OF(X509) *ca = check->material->ca;

	for (int i = 0; i < sk_X509_num(ca); i++) {
		struct subject subject = subject_of(ca, i, file);
		bool self_signed = tls_is_self_signed(subject.certificate);

		check_dates(check, &subject);
		check_strength(check, &subject);
		if (X509_check_ca(subject.certificate) == 0)
			check_kind(check, &subject);
		if (tls_is_leaf(subject.certificate))
			continue;
		check_signature(check, &subject);
		if (!self_signed && X509_check_ca(subject.certificate) != 1)
			config_fault_add(
				check->faults, CONFIG_ERROR, &file->place,
				"%s: the certificate %s isn't a CA's (basicConstraints "
				"CA:TRUE); put there the CA that signed it",
				file->path, subject.name);
		else if (!self_signed && !issuer_of(ca, subject.certificate))
			config_fault_add(
				check->faults, CONFIG_ERROR, &file->place,
				"%s: the CA that signed %s isn't in this file; add it, "
				"up to the self-signed one",
				file->path, subject.name);
		else if (is_leaf_and_ca(subject.certificate))
			config_fault_add(
				check->faults, CONFIG_WARNING, &file->place,
				"%s: the self-signed certificate %s looks like a "
				"device's own and is a CA too: its key can make "
				"certificates for any name; have it made again with "
				"basicConstraints CA:FALSE",
				file->path, subject.name);
	}
}

void tls_material_check(const struct tls_material *material, const struct config_tls *tls,
			bool server, struct config_faults *faults)
{
	struct tls_check check = { material, tls, faults, time(NULL) };
	bool crls_read = material->crl_count > 0;

	if (!server && !tls->server_name)
		config_fault_add(
			faults, CONFIG_ERROR, &tls->place,
			"server_name is missing; write the name in the destination's "
			"certificate");
	for (size_t i = 0; i < material->pair_count; i++)
		if (material->pairs[i].chain)
			check_pair(&check, i, server);
	check_kinds_differ(&check);
	if (material->ca) {
		check_ca(&check);
		check_handshakes(&check, !server);
	}
	/* A CRL that couldn't be read has its fault already. */
	for (size_t i = 0; i < material->crl_count; i++)
		crls_read = crls_read && material->crl[i];
	if (material->ca && crls_read)
		tls_check_crls(&check);
	ERR_clear_error();
}
