/* CRLs, version 2 with number and authority key identifier (RFC 5280 5). */
#include "internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct pki_crl *pki_crl_read(const char *path, const char **ret_error)
{
	BIO *file = pki_open(path, ret_error);
	struct pki_crl *crl = file ? calloc(1, sizeof(*crl)) : NULL;

	if (crl) {
		crl->x509 = pki_is_der(file)
				    ? d2i_X509_CRL_bio(file, NULL)
				    : PEM_read_bio_X509_CRL(file, NULL, NULL, NULL);
		if (!crl->x509) {
			*ret_error = pki_why(file, PEM_CRL,
					     "holds no CRL; one in PEM form begins with "
					     "-----BEGIN X509 CRL-----");
			free(crl);
			crl = NULL;
		}
	}
	BIO_free(file);
	ERR_clear_error();
	return crl;
}

void pki_crl_free(struct pki_crl *crl)
{
	if (!crl)
		return;
	X509_CRL_free(crl->x509);
	free(crl);
}

int pki_crl_beside(const struct pki_text *own, const struct pki_certificate *ca,
		   const char *path, struct pki_text *ret)
{
	const char *error;
	BIO *file = pki_open(path, &error), *memory = BIO_new(BIO_s_mem());
	bool good = memory && BIO_write(memory, own->bytes, (int)own->size) > 0;
	X509_CRL *crl;

	while (file && good && (crl = PEM_read_bio_X509_CRL(file, NULL, NULL, NULL))) {
		if (X509_CRL_verify(crl, X509_get0_pubkey(ca->x509)) != 1)
			good = PEM_write_bio_X509_CRL(memory, crl) == 1;
		X509_CRL_free(crl);
	}
	BIO_free(file);
	ERR_clear_error();
	return pki_text_take(memory, good, ret);
}

static X509_REVOKED *find_entry(X509_CRL *crl, X509 *x509)
{
	X509_REVOKED *entry = NULL;

	return X509_CRL_get0_by_serial(crl, &entry, X509_get0_serialNumber(x509)) == 1
		       ? entry
		       : NULL;
}

time_t pki_crl_revoked(const struct pki_crl *crl,
		       const struct pki_certificate *certificate)
{
	X509_REVOKED *entry = NULL;

	if (X509_NAME_cmp(X509_CRL_get_issuer(crl->x509),
			  X509_get_issuer_name(certificate->x509)) == 0)
		entry = find_entry(crl->x509, certificate->x509);
	return entry ? pki_time(X509_REVOKED_get0_revocationDate(entry)) : 0;
}

time_t pki_crl_until(const struct pki_crl *crl)
{
	return pki_time(X509_CRL_get0_nextUpdate(crl->x509));
}

/* Below, equal or above 0; 0 where one has no number. */
static int compare_numbers(const X509_CRL *a, const X509_CRL *b)
{
	ASN1_INTEGER *of_a = X509_CRL_get_ext_d2i(a, NID_crl_number, NULL, NULL);
	ASN1_INTEGER *of_b = X509_CRL_get_ext_d2i(b, NID_crl_number, NULL, NULL);
	int order = of_a && of_b ? ASN1_INTEGER_cmp(of_a, of_b) : 0;

	ASN1_INTEGER_free(of_a);
	ASN1_INTEGER_free(of_b);
	ERR_clear_error();
	return order;
}

bool pki_crl_is_older(const struct pki_crl *crl, const struct pki_crl *than)
{
	const X509_CRL *a = crl->x509, *b = than->x509;

	return X509_NAME_cmp(X509_CRL_get_issuer(a), X509_CRL_get_issuer(b)) == 0 &&
	       (pki_time(X509_CRL_get0_lastUpdate(a)) <
			pki_time(X509_CRL_get0_lastUpdate(b)) ||
		compare_numbers(a, b) < 0);
}

/* The critical extension that says which certificates a CRL speaks of; NULL: all. */
static const ASN1_OCTET_STRING *scope_of(const X509_CRL *crl)
{
	int at = X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1);

	return at < 0 ? NULL : X509_EXTENSION_get_data(X509_CRL_get_ext(crl, at));
}

bool pki_crl_is_of_others(const struct pki_crl *crl, const struct pki_crl *than)
{
	const ASN1_OCTET_STRING *a = scope_of(crl->x509), *b = scope_of(than->x509);

	return X509_NAME_cmp(X509_CRL_get_issuer(crl->x509),
			     X509_CRL_get_issuer(than->x509)) == 0 &&
	       a && (!b || ASN1_OCTET_STRING_cmp(a, b) != 0);
}

int pki_crl_text(const struct pki_crl *crl, struct pki_text *ret)
{
	BIO *memory = BIO_new(BIO_s_mem());

	return pki_text_take(
		memory, memory && PEM_write_bio_X509_CRL(memory, crl->x509) == 1, ret);
}

MUST_USE static int copy_entries(X509_CRL *to, X509_CRL *from)
{
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(from);

	for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
		X509_REVOKED *copy = X509_REVOKED_dup(sk_X509_REVOKED_value(entries, i));

		if (!copy || X509_CRL_add0_revoked(to, copy) != 1) {
			X509_REVOKED_free(copy);
			return -1;
		}
	}
	return 0;
}

MUST_USE static int add_entry(X509_CRL *crl, const struct pki_revocation *revocation)
{
	X509 *x509 = revocation->certificate->x509;
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
	ASN1_TIME *now = ASN1_TIME_set(NULL, time(NULL));
	int result = -1;

	if (entry && reason && now &&
	    X509_REVOKED_set_serialNumber(
		    entry, (ASN1_INTEGER *)X509_get0_serialNumber(x509)) == 1 &&
	    X509_REVOKED_set_revocationDate(entry, now) == 1 &&
	    ASN1_ENUMERATED_set(reason, revocation->reason) == 1 &&
	    X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0) == 1 &&
	    X509_CRL_add0_revoked(crl, entry) == 1) {
		entry = NULL;
		result = 0;
	}
	X509_REVOKED_free(entry);
	ASN1_ENUMERATED_free(reason);
	ASN1_TIME_free(now);
	return result;
}

/* Sets the number after that of `before`, which may have none. */
MUST_USE static int set_number(X509_CRL *crl, const struct pki_crl *before)
{
	ASN1_INTEGER *old =
		before ? X509_CRL_get_ext_d2i(before->x509, NID_crl_number, NULL, NULL)
		       : NULL;
	BIGNUM *number = old ? ASN1_INTEGER_to_BN(old, NULL) : BN_new();
	ASN1_INTEGER *next = NULL;
	int result = -1;

	if (number && BN_add_word(number, 1) == 1)
		next = BN_to_ASN1_INTEGER(number, NULL);
	if (next && X509_CRL_add1_ext_i2d(crl, NID_crl_number, next, 0, 0) == 1)
		result = 0;
	ASN1_INTEGER_free(old);
	ASN1_INTEGER_free(next);
	BN_free(number);
	return result;
}

MUST_USE static int set_issuer(X509_CRL *crl, X509 *ca)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;
	int result = -1;

	X509V3_set_ctx(&context, ca, NULL, NULL, crl, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier,
					"keyid:always");
	if (extension && X509_CRL_add_ext(crl, extension, -1) == 1 &&
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca)) == 1)
		result = 0;
	X509_EXTENSION_free(extension);
	return result;
}

MUST_USE static int set_dates(X509_CRL *crl, const ASN1_TIME *ca_until, unsigned days)
{
	ASN1_TIME *from = ASN1_TIME_set(NULL, time(NULL) - PKI_BACKDATED_SECONDS);
	ASN1_TIME *until = pki_time_until(days, ca_until);
	int result = -1;

	if (from && until && X509_CRL_set1_lastUpdate(crl, from) == 1 &&
	    X509_CRL_set1_nextUpdate(crl, until) == 1)
		result = 0;
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	return result;
}

int pki_crl_write(const struct pki_crl *before, const struct pki_revocation *revocations,
		  size_t count, const struct pki_certificate *ca,
		  const struct pki_key *ca_key, unsigned days, struct pki_text *ret)
{
	X509_CRL *crl = X509_CRL_new();
	BIO *memory = BIO_new(BIO_s_mem());
	bool good = crl && memory && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
		    set_dates(crl, X509_get0_notAfter(ca->x509), days) == 0 &&
		    set_issuer(crl, ca->x509) == 0 && set_number(crl, before) == 0 &&
		    (!before || copy_entries(crl, before->x509) == 0);

	for (size_t i = 0; i < count && good; i++)
		if (!find_entry(crl, revocations[i].certificate->x509))
			good = add_entry(crl, &revocations[i]) == 0;
	good = good && X509_CRL_sort(crl) == 1 &&
	       X509_CRL_sign(crl, ca_key->pair, pki_digest_for(ca_key->pair)) > 0 &&
	       PEM_write_bio_X509_CRL(memory, crl) == 1;
	X509_CRL_free(crl);
	return pki_text_take(memory, good, ret);
}
