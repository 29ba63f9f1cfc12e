/*
 * Faults in the CRLs of a config_tls. First each CRL is checked for faults that make it
 * useless. Then tls_revocation, which judges peers in handshakes, is tried with sample
 * certificates, as each CA might have signed them.
 */
#include "internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* The CA in `ca` that signed the CRL, or NULL; and whether `ca` has one of its name. */
static X509 *crl_signer(const struct tls_check *check, X509_CRL *crl, bool *ret_known)
{
	bool known = false;
	X509 *signer = NULL;

	for (int i = 0; i < sk_X509_num(check->material->ca) && !signer; i++) {
		X509 *ca = sk_X509_value(check->material->ca, i);

		if (X509_NAME_cmp(X509_get_subject_name(ca), X509_CRL_get_issuer(crl)) !=
		    0)
			continue;
		known = true;
		if (X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1)
			signer = ca;
	}
	*ret_known = known;
	return signer;
}

/* Extensions because of which OpenSSL ignores a CRL. */
static const char *crl_extension_fault(X509_CRL *crl)
{
	ISSUING_DIST_POINT *scope =
		X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, NULL, NULL);
	const char *fault = NULL;

	if (scope && (scope->indirectCRL > 0 || scope->onlysomereasons))
		fault = "is an indirect one, or for some reasons only; give the full one";
	else if (scope && scope->onlyattr > 0)
		fault = "is about attribute certificates only; give the one about "
			"users' certificates, or the full one";
	ISSUING_DIST_POINT_free(scope);
	for (int i = 0; i < X509_CRL_get_ext_count(crl) && !fault; i++) {
		X509_EXTENSION *extension = X509_CRL_get_ext(crl, i);
		int kind = OBJ_obj2nid(X509_EXTENSION_get_object(extension));

		if (X509_EXTENSION_get_critical(extension) &&
		    kind != NID_issuing_distribution_point && kind != NID_delta_crl &&
		    kind != NID_authority_key_identifier)
			fault = "holds a critical extension that isn't known here; have "
				"the CA issue one without";
	}
	return fault;
}

static bool is_useful(const struct tls_check *check, X509_CRL *crl,
		      const struct config_file *file)
{
	char issuer[TLS_SUBJECT_SIZE];
	const char *fault = NULL;
	bool known;
	X509 *signer = crl_signer(check, crl, &known);

	if (!signer && !known)
		fault = "is of a CA that isn't in `ca`; add the CA there, or leave the "
			"CRL out";
	else if (!signer)
		fault = "wasn't signed by the CA of that name in `ca`; fetch it again "
			"from the CA";
	else if ((X509_get_key_usage(signer) & KU_CRL_SIGN) == 0)
		fault = "is signed by a CA whose keyUsage lacks cRLSign; have the CA "
			"issued again";
	else if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0)
		fault = "is a delta CRL; give the full one";
	else if (!X509_CRL_get0_nextUpdate(crl))
		fault = "has no nextUpdate, so nobody could see it go stale; have it "
			"issued with one";
	else
		fault = crl_extension_fault(crl);
	if (!fault)
		return true;
	tls_subject(X509_CRL_get_issuer(crl), issuer);
	config_fault_add(check->faults, CONFIG_ERROR, &file->place,
			 "%s: the CRL of %s %s", file->path, issuer, fault);
	return false;
}

/* The file of the first CRL that the CA signed; false when there is none. */
static bool find_crl(const struct tls_check *check, X509 *ca, size_t *ret_file)
{
	X509_CRL *crl;
	size_t file;

	for (size_t i = 0; (crl = tls_material_crl(check->material, i, &file)) != NULL;
	     i++) {
		if (file < check->material->crl_count &&
		    X509_NAME_cmp(X509_get_subject_name(ca), X509_CRL_get_issuer(crl)) ==
			    0 &&
		    X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1) {
			*ret_file = file;
			return true;
		}
	}
	return false;
}

static void check_last_date(const struct tls_check *check, X509_CRL *crl, const char *ca,
			    const struct config_file *file)
{
	time_t first = tls_time(X509_CRL_get0_lastUpdate(crl));
	time_t last = tls_time(X509_CRL_get0_nextUpdate(crl));
	char date[TLS_DATE_SIZE];

	tls_date(last, date);
	if (last < check->now) {
		config_fault_calendar(
			check->faults, REASON_TLS_CRL_STALE, &file->place,
			"%s: the CRL of %s went stale on %s; fetch the new one from the "
			"CA",
			file->path, ca, date);
	} else if (tls_end_stage(TLS_END_CRL, first, last, false, check->now) > 0) {
		config_fault_add(
			check->faults, CONFIG_WARNING, &file->place,
			"%s: the CRL of %s goes stale on %s; fetch the new one from the "
			"CA",
			file->path, ca, date);
	}
}

static void check_crl_dates(const struct tls_check *check, X509_CRL *crl,
			    const struct config_file *file)
{
	X509_CRL *speaker = tls_series_speaker(check->material, crl);
	time_t first = tls_time(X509_CRL_get0_lastUpdate(crl));
	char ca[TLS_SUBJECT_SIZE], date[TLS_DATE_SIZE];

	tls_subject(X509_CRL_get_issuer(crl), ca);
	if (speaker == crl)
		check_last_date(check, crl, ca, file);
	if (tls_has_begun(first, check->now))
		return;
	tls_date(first, date);
	if (tls_crl_is_in_force(speaker, check->now))
		config_fault_add(
			check->faults, CONFIG_WARNING, &file->place,
			"%s: the CRL of %s isn't valid before %s: the one before "
			"it stays in force until then; see whether the clock is "
			"right",
			file->path, ca, date);
	else
		config_fault_calendar(
			check->faults, REASON_TLS_CRL_STALE, &file->place,
			"%s: the CRL of %s isn't valid before %s; see whether the clock "
			"is right",
			file->path, ca, date);
}

/* A certificate as the CA might have signed it: no CA's, with serial number 0, which no
 * CA assigns, and with that distribution point unless NULL. */
MUST_USE static X509 *sample_of(X509 *ca, DIST_POINT_NAME *point)
{
	X509 *sample = X509_dup(ca);
	CRL_DIST_POINTS *points = sk_DIST_POINT_new_null();
	DIST_POINT *only = DIST_POINT_new();
	bool good = sample && points && only && sk_DIST_POINT_push(points, only) > 0;

	while (good && X509_get_ext_count(sample) > 0)
		X509_EXTENSION_free(X509_delete_ext(sample, 0));
	good = good && ASN1_INTEGER_set(X509_get_serialNumber(sample), 0) == 1 &&
	       X509_set_issuer_name(sample, X509_get_subject_name(ca)) == 1;
	if (good && point) {
		only->distpoint = point;
		good = X509_add1_ext_i2d(sample, NID_crl_distribution_points, points, 0,
					 0) == 1;
		only->distpoint = NULL; /* the CRL's */
	}
	DIST_POINT_free(only);
	sk_DIST_POINT_free(points);
	if (good) {
		X509_check_purpose(sample, -1, 0); /* reads the extensions */
		return sample;
	}
	X509_free(sample);
	return NULL;
}

/* Whether the CRLs say if the certificate is revoked; else the error. */
static bool is_covered(X509_STORE *judge, X509 *certificate, X509 *ca, int *ret_error)
{
	time_t until;
	int error = certificate ? tls_revocation(judge, certificate, ca, true, &until)
				: X509_V_ERR_OUT_OF_MEM;

	if (error == X509_V_OK || error == X509_V_ERR_CERT_REVOKED)
		return true;
	*ret_error = error;
	return false;
}

static bool covers_sample(X509_STORE *judge, X509 *ca, DIST_POINT_NAME *point,
			  int *ret_error)
{
	X509 *sample = sample_of(ca, point);
	bool covers = is_covered(judge, sample, ca, ret_error);

	X509_free(sample);
	return covers;
}

/* Whether there is a CRL for certificates that name its distribution point. */
static bool covers_some(const struct tls_check *check, X509_STORE *judge, X509 *ca)
{
	bool covers = false;
	int error;

	for (size_t f = 0; f < check->material->crl_count; f++) {
		STACK_OF(X509_CRL) *list = check->material->crl[f];

		for (int i = 0; i < sk_X509_CRL_num(list) && !covers; i++) {
			X509_CRL *crl = sk_X509_CRL_value(list, i);
			ISSUING_DIST_POINT *scope = X509_CRL_get_ext_d2i(
				crl, NID_issuing_distribution_point, NULL, NULL);

			covers = scope && scope->distpoint &&
				 covers_sample(judge, ca, scope->distpoint, &error);
			ISSUING_DIST_POINT_free(scope);
		}
	}
	return covers;
}

/* The first CA in `ca` that this CA signed and no CRL covers, or NULL; and whether it
 * signed any in `ca`. */
static X509 *uncovered_ca(const struct tls_check *check, X509_STORE *judge, X509 *ca,
			  bool *ret_has_any)
{
	int error;

	for (int i = 0; i < sk_X509_num(check->material->ca); i++) {
		X509 *other = sk_X509_value(check->material->ca, i);

		if (tls_is_self_signed(other) || X509_check_ca(other) == 0 ||
		    !certificate_is_signed_by(other, ca))
			continue;
		*ret_has_any = true;
		if (!is_covered(judge, other, ca, &error))
			return other;
	}
	return NULL;
}

static void check_scope(const struct tls_check *check, X509_STORE *judge, X509 *ca,
			const char *name, const struct config_file *file)
{
	bool signs_cas = false;
	X509 *uncovered = uncovered_ca(check, judge, ca, &signs_cas);
	char other[TLS_SUBJECT_SIZE];
	int error = X509_V_OK;

	if (uncovered) {
		tls_subject(X509_get_subject_name(uncovered), other);
		config_fault_add(check->faults, CONFIG_ERROR, &file->place,
				 "%s: the CRL of %s says nothing of %s, a CA that it "
				 "signed, so that this one's peers would be refused; "
				 "give the full one",
				 file->path, name, other);
	} else if (covers_sample(judge, ca, NULL, &error)) {
		return;
	} else if (covers_some(check, judge, ca)) {
		config_fault_add(check->faults, CONFIG_WARNING, &file->place,
				 "%s: the CRL of %s is only about certificates that name "
				 "its distribution point (cRLDistributionPoints); others "
				 "of this CA are refused: if there are any, give the "
				 "full one",
				 file->path, name);
	} else if (error == X509_V_ERR_DIFFERENT_CRL_SCOPE && !signs_cas) {
		config_fault_add(check->faults, CONFIG_ERROR, &file->place,
				 "%s: the CRL of %s is about CAs' certificates only, so "
				 "that peers would be refused; give the full one, or "
				 "that of users' certificates",
				 file->path, name);
	} else if (error != X509_V_ERR_DIFFERENT_CRL_SCOPE) {
		config_fault_add(check->faults, CONFIG_ERROR, &file->place,
				 "%s: no handshake would take the CRL of %s (%s); fetch "
				 "the full one from the CA",
				 file->path, name, X509_verify_cert_error_string(error));
	}
}

static bool has_signed_another(const struct tls_check *check, X509 *ca)
{
	for (int i = 0; i < sk_X509_num(check->material->ca); i++) {
		X509 *other = sk_X509_value(check->material->ca, i);

		if (other != ca && !tls_is_self_signed(other) &&
		    certificate_is_signed_by(other, ca))
			return true;
	}
	return false;
}

/* A self-signed certificate may be a device's own, made with CA:TRUE, and then needs no
 * CRL. With keyCertSign, and without what devices' certificates have, it is a CA's. In
 * doubt it is a warning: an error would stop a reload that may bring revocations. */
static void tell_missing(const struct tls_check *check, X509 *ca, const char *name)
{
	const struct config_place *place = &check->tls->crl.items[0].place;
	uint32_t usage = X509_get_key_usage(ca); /* all bits where it isn't there */

	if (!tls_is_self_signed(ca) || has_signed_another(check, ca) ||
	    (usage != UINT32_MAX && (usage & KU_KEY_CERT_SIGN) != 0 &&
	     !certificate_looks_like_a_peers(ca)))
		config_fault_add(check->faults, CONFIG_ERROR, place,
				 "there is no CRL of %s, which is in %s; add it (each CA "
				 "there needs one), or take that CA out",
				 name, check->tls->ca.path);
	else
		config_fault_add(check->faults, CONFIG_WARNING, place,
				 "there is no CRL of %s, which is in %s: if it is a "
				 "device's own certificate, it needs none; if it is a "
				 "CA, what it signed is refused until you add its CRL",
				 name, check->tls->ca.path);
}

static void check_signers(const struct tls_check *check, X509_STORE *judge)
{
	for (int i = 0; i < sk_X509_num(check->material->ca); i++) {
		X509 *ca = sk_X509_value(check->material->ca, i);
		char name[TLS_SUBJECT_SIZE];
		size_t file;

		if (X509_check_ca(ca) == 0)
			continue; /* it signs nothing */
		tls_subject(X509_get_subject_name(ca), name);
		if (!find_crl(check, ca, &file))
			tell_missing(check, ca, name);
		else if (judge)
			check_scope(check, judge, ca, name, &check->tls->crl.items[file]);
	}
}

void tls_check_crls(const struct tls_check *check)
{
	const struct tls_material *material = check->material;
	size_t errors = check->faults->error_count;
	X509_STORE *judge = tls_store_new();
	bool is_filled = judge && tls_store_fill(judge, material) == 0;

	for (size_t f = 0; f < material->crl_count; f++) {
		for (int i = 0; i < sk_X509_CRL_num(material->crl[f]); i++) {
			X509_CRL *crl = sk_X509_CRL_value(material->crl[f], i);
			const struct config_file *file = &check->tls->crl.items[f];

			if (is_useful(check, crl, file))
				check_crl_dates(check, crl, file);
		}
	}
	/* A useless CRL has its fault already: trying samples would only repeat it. */
	check_signers(check,
		      check->faults->error_count == errors && is_filled ? judge : NULL);
	X509_STORE_free(judge);
}
