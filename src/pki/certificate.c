#include "internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERIAL_BYTES 16

struct pki_certificate *pki_certificate_wrap(X509 *x509)
{
	struct pki_certificate *certificate =
		x509 ? calloc(1, sizeof(*certificate)) : NULL;

	if (!certificate)
		X509_free(x509);
	else
		certificate->x509 = x509;
	return certificate;
}

void pki_certificate_free(struct pki_certificate *certificate)
{
	if (!certificate)
		return;
	X509_free(certificate->x509);
	free(certificate);
}

struct pki_certificate *pki_certificate_read(const char *path, const char **ret_error)
{
	BIO *file = pki_open(path, ret_error);
	struct pki_certificate *certificate;

	if (!file)
		return NULL;
	certificate = pki_certificate_wrap(
		pki_is_der(file) ? d2i_X509_bio(file, NULL)
				 : PEM_read_bio_X509(file, NULL, NULL, NULL));
	if (!certificate)
		*ret_error = pki_why(file, PEM_CERTIFICATE,
				     "holds no certificate; one in PEM form begins with "
				     "-----BEGIN CERTIFICATE-----");
	BIO_free(file);
	ERR_clear_error();
	return certificate;
}

struct pki_certificate *pki_certificate_read_at(const char *path, size_t at)
{
	const char *error;
	BIO *file = pki_open(path, &error);
	X509 *x509 = NULL;

	for (size_t i = 0; file && i <= at; i++) {
		X509_free(x509);
		x509 = PEM_read_bio_X509(file, NULL, NULL, NULL);
		if (!x509)
			break;
	}
	BIO_free(file);
	ERR_clear_error();
	return pki_certificate_wrap(x509);
}

const char *pki_certificate_fault(const struct pki_certificate *certificate)
{
	/* Devices that sign their own certificate often make it a CA's, too. */
	if (X509_check_ca(certificate->x509) == 1 &&
	    !(X509_self_signed(certificate->x509, 0) == 1 &&
	      certificate_looks_like_a_peers(certificate->x509)))
		return "is a CA's own certificate (CA:TRUE), whose key makes others; "
		       "give the one that was made for the device";
	if (!certificate_is_for(certificate->x509, false))
		return "isn't for a TLS client (its keyUsage or extendedKeyUsage says "
		       "so); have one issued with clientAuth";
	return pki_key_fault(X509_get0_pubkey(certificate->x509));
}

int pki_certificate_write(const struct pki_certificate *certificate, struct pki_text *ret)
{
	BIO *memory = BIO_new(BIO_s_mem());

	return pki_text_take(memory,
			     memory && PEM_write_bio_X509(memory, certificate->x509) == 1,
			     ret);
}

ASN1_INTEGER *pki_serial_new(void)
{
	unsigned char bytes[SERIAL_BYTES];
	ASN1_INTEGER *serial = NULL;
	BIGNUM *number = NULL;

	/* A positive number of always 16 bytes: RFC 5280 4.1.2.2 allows 20. */
	if (RAND_bytes(bytes, sizeof(bytes)) == 1) {
		bytes[0] = (unsigned char)((bytes[0] & 0x3F) | 0x40);
		number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	}
	if (number)
		serial = BN_to_ASN1_INTEGER(number, NULL);
	BN_free(number);
	return serial;
}

ASN1_TIME *pki_time_until(unsigned days, const ASN1_TIME *latest)
{
	ASN1_TIME *until =
		days == 0 ? NULL : ASN1_TIME_adj(NULL, time(NULL), (int)days, 0);

	if (latest && (days == 0 || (until && ASN1_TIME_compare(until, latest) > 0))) {
		ASN1_TIME_free(until);
		until = ASN1_STRING_dup(latest);
	}
	return until;
}

MUST_USE static int sign_certificate(X509 *x509, const struct pki_certificate *ca,
				     const EVP_PKEY *signer)
{
	X509 *issuer = ca ? ca->x509 : x509;
	X509_EXTENSION *extension;
	X509V3_CTX context;
	int result = -1;

	X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier,
					"keyid:always");
	if (extension && X509_add_ext(x509, extension, -1) == 1 &&
	    X509_sign(x509, (EVP_PKEY *)signer, pki_digest_for(signer)) > 0)
		result = 0;
	X509_EXTENSION_free(extension);
	return result;
}

/* Adds the given extensions, then the subject key identifier. Of a self-signed
 * certificate the authority key identifier is made of that. */
MUST_USE static int add_extensions(X509 *x509,
				   const STACK_OF(X509_EXTENSION) * extensions)
{
	X509_EXTENSION *identifier;
	X509V3_CTX context;
	int result = extensions ? 0 : -1;

	for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++)
		if (X509_add_ext(x509, sk_X509_EXTENSION_value(extensions, i), -1) != 1)
			result = -1;
	X509V3_set_ctx(&context, NULL, x509, NULL, NULL, 0);
	identifier =
		X509V3_EXT_conf_nid(NULL, &context, NID_subject_key_identifier, "hash");
	if (!identifier || X509_add_ext(x509, identifier, -1) != 1)
		result = -1;
	X509_EXTENSION_free(identifier);
	return result;
}

/* Fails if `subject` or `extensions` is NULL, as both are without memory. */
MUST_USE static struct pki_certificate *issue_certificate(
	const X509_NAME *subject, const STACK_OF(X509_EXTENSION) * extensions,
	unsigned days, const struct pki_key *key, const struct pki_certificate *ca,
	const struct pki_key *ca_key)
{
	X509 *x509 = X509_new();
	ASN1_INTEGER *serial = pki_serial_new();
	ASN1_TIME *until = pki_time_until(days, ca ? X509_get0_notAfter(ca->x509) : NULL);

	if (!x509 || !serial || !until || !subject ||
	    X509_set_version(x509, X509_VERSION_3) != 1 ||
	    X509_set_serialNumber(x509, serial) != 1 ||
	    !X509_gmtime_adj(X509_getm_notBefore(x509), -PKI_BACKDATED_SECONDS) ||
	    X509_set1_notAfter(x509, until) != 1 ||
	    X509_set_subject_name(x509, subject) != 1 ||
	    X509_set_issuer_name(x509, ca ? X509_get_subject_name(ca->x509) : subject) !=
		    1 ||
	    X509_set_pubkey(x509, key->pair) != 1 ||
	    add_extensions(x509, extensions) < 0 ||
	    sign_certificate(x509, ca, ca ? ca_key->pair : key->pair) < 0) {
		X509_free(x509);
		x509 = NULL;
	}
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(until);
	return pki_certificate_wrap(x509);
}

struct pki_certificate *pki_issue(const struct pki_wish *wish, const struct pki_key *key,
				  const struct pki_certificate *ca,
				  const struct pki_key *ca_key)
{
	X509_NAME *subject = X509_NAME_new();
	STACK_OF(X509_EXTENSION) *extensions =
		pki_extensions(wish, EVP_PKEY_is_a(key->pair, "RSA"));
	struct pki_certificate *certificate = NULL;

	if (subject && pki_subject_set(subject, wish) == 0)
		certificate = issue_certificate(subject, extensions, wish->days, key, ca,
						ca_key);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	X509_NAME_free(subject);
	pki_end(certificate != NULL);
	return certificate;
}

/* All extensions except the key identifiers, with a keyUsage that fits the new key. */
static STACK_OF(X509_EXTENSION) * extensions_of(X509 *x509, const EVP_PKEY *key)
{
	bool is_rsa = EVP_PKEY_is_a(key, "RSA");
	EVP_PKEY *old_key = X509_get0_pubkey(x509);
	bool has_other_kind = !old_key || EVP_PKEY_is_a(old_key, "RSA") != is_rsa;

	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();

	for (int i = 0; list && i < X509_get_ext_count(x509); i++) {
		X509_EXTENSION *extension = X509_get_ext(x509, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));

		if (nid == NID_subject_key_identifier ||
		    nid == NID_authority_key_identifier)
			continue;
		extension = nid == NID_key_usage && has_other_kind
				    ? pki_key_usage(is_rsa)
				    : X509_EXTENSION_dup(extension);
		if (!extension || sk_X509_EXTENSION_push(list, extension) <= 0) {
			X509_EXTENSION_free(extension);
			sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
			list = NULL;
		}
	}
	return list;
}

struct pki_certificate *pki_reissue(const struct pki_certificate *before, unsigned days,
				    const struct pki_key *key,
				    const struct pki_certificate *ca,
				    const struct pki_key *ca_key)
{
	STACK_OF(X509_EXTENSION) *extensions = extensions_of(before->x509, key->pair);
	struct pki_certificate *certificate = issue_certificate(
		X509_get_subject_name(before->x509), extensions, days, key, ca, ca_key);

	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	pki_end(certificate != NULL);
	return certificate;
}

bool pki_is_issued_by(const struct pki_certificate *certificate,
		      const struct pki_certificate *ca)
{
	bool is = certificate_is_signed_by(certificate->x509, ca->x509);

	ERR_clear_error();
	return is;
}

bool pki_is_same(const struct pki_certificate *a, const struct pki_certificate *b)
{
	return X509_cmp(a->x509, b->x509) == 0;
}

bool pki_is_key_of(const struct pki_certificate *certificate, const struct pki_key *key)
{
	bool is = X509_check_private_key(certificate->x509, key->pair) == 1;

	ERR_clear_error();
	return is;
}
