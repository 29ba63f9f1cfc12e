/*
 * A series of CRLs: those that a CA issues one after another with one key and for the
 * same certificates, the scope (a distribution point, users or CAs: RFC 5280 5.2.5). CRLs
 * with another key or scope are another series, also if their CA has the same name. The
 * CRL of a series that has begun last counts ("speaks"). An older one may end later, but
 * lacks the latest revocations.
 */
#include "internal.h"

#include <openssl/x509v3.h>

static const ASN1_OCTET_STRING *scope_of(X509_CRL *crl)
{
	int at = X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1);

	return at < 0 ? NULL : X509_EXTENSION_get_data(X509_CRL_get_ext(crl, at));
}

bool tls_crl_scopes_equal(X509_CRL *a, X509_CRL *b)
{
	const ASN1_OCTET_STRING *of_a = scope_of(a), *of_b = scope_of(b);

	if (!of_a || !of_b)
		return of_a == of_b;
	return ASN1_OCTET_STRING_cmp(of_a, of_b) == 0;
}

/* Decides between CRLs of the same second. */
static bool has_higher_number(X509_CRL *crl, X509_CRL *than)
{
	ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	ASN1_INTEGER *other = X509_CRL_get_ext_d2i(than, NID_crl_number, NULL, NULL);
	bool higher = number && other && ASN1_INTEGER_cmp(number, other) > 0;

	ASN1_INTEGER_free(number);
	ASN1_INTEGER_free(other);
	return higher;
}

bool tls_crl_speaks_instead(X509_CRL *crl, X509_CRL *of, time_t now)
{
	time_t first = tls_time(X509_CRL_get0_lastUpdate(crl));
	time_t other = tls_time(X509_CRL_get0_lastUpdate(of));
	bool has_begun = tls_has_begun(first, now);

	if (has_begun != tls_has_begun(other, now))
		return has_begun;
	if (first != other)
		return has_begun ? first > other : first < other;
	return has_higher_number(crl, of);
}

bool tls_crl_in_same_series(X509_CRL *a, X509_CRL *b, STACK_OF(X509) * ca)
{
	if (a == b)
		return true;
	if (X509_CRL_cmp(a, b) != 0 || !tls_crl_scopes_equal(a, b))
		return false;
	for (int i = 0; i < sk_X509_num(ca); i++) {
		X509 *signer = sk_X509_value(ca, i);
		EVP_PKEY *key = X509_get0_pubkey(signer);

		if (X509_NAME_cmp(X509_get_subject_name(signer),
				  X509_CRL_get_issuer(a)) == 0 &&
		    X509_CRL_verify(a, key) == 1 && X509_CRL_verify(b, key) == 1)
			return true;
	}
	return false;
}

X509_CRL *tls_material_crl(const struct tls_material *material, size_t at,
			   size_t *ret_file)
{
	for (size_t f = 0; f <= material->crl_count; f++) {
		STACK_OF(X509_CRL) *list =
			f < material->crl_count ? material->crl[f] : material->kept;
		size_t count = list ? (size_t)sk_X509_CRL_num(list) : 0;

		if (at < count) {
			*ret_file = f;
			return sk_X509_CRL_value(list, (int)at);
		}
		at -= count;
	}
	return NULL;
}

X509_CRL *tls_series_speaker(const struct tls_material *material, X509_CRL *crl)
{
	time_t now = time(NULL);
	X509_CRL *speaker = NULL, *other;
	size_t file;

	for (size_t i = 0; (other = tls_material_crl(material, i, &file)) != NULL; i++)
		if (tls_crl_in_same_series(other, crl, material->ca) &&
		    (!speaker || tls_crl_speaks_instead(other, speaker, now)))
			speaker = other;
	return speaker;
}
