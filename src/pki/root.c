/* Who has signed a certificate, up to the root that its peers must trust. */
#include "internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

#define DEPTH_MAX 16

/* Adds the certificates of a file, one in DER or any number in PEM. False without memory.
 */
MUST_USE static bool add_file(STACK_OF(X509) * list, const char *path)
{
	const char *error;
	BIO *file = pki_open(path, &error);
	bool is_der = file && pki_is_der(file), good = true;
	X509 *certificate;

	while (file && good &&
	       (certificate = is_der ? d2i_X509_bio(file, NULL)
				     : PEM_read_bio_X509(file, NULL, NULL, NULL))) {
		good = sk_X509_push(list, certificate) > 0;
		if (!good)
			X509_free(certificate);
	}
	BIO_free(file);
	ERR_clear_error();
	return good;
}

static X509 *issuer_of(STACK_OF(X509) * list, X509 *certificate)
{
	for (int i = 0; i < sk_X509_num(list); i++)
		if (certificate_is_signed_by(certificate, sk_X509_value(list, i)))
			return sk_X509_value(list, i);
	return NULL;
}

/* By its names and signature alone: what stands in for a certificate of the hospital's
 * isn't a CA's. */
static bool has_signed_itself(X509 *certificate)
{
	return X509_NAME_cmp(X509_get_subject_name(certificate),
			     X509_get_issuer_name(certificate)) == 0 &&
	       X509_verify(certificate, X509_get0_pubkey(certificate)) == 1;
}

/* The last certificate that is found on the way up, which may be the first. */
static X509 *climb(STACK_OF(X509) * list)
{
	X509 *at = sk_X509_value(list, 0), *issuer;

	for (int i = 0; i < DEPTH_MAX; i++) {
		issuer = issuer_of(list, at);
		if (!issuer || issuer == at || X509_cmp(issuer, at) == 0)
			break;
		at = issuer;
	}
	return at;
}

enum pki_root pki_root_find(const char *path, const char *const *files, size_t count,
			    struct pki_certificate **ret, size_t *ret_file,
			    char ret_issuer[PKI_NAME_SIZE])
{
	STACK_OF(X509) *list = sk_X509_new_null();
	int *ends = calloc(count + 1, sizeof(*ends));
	enum pki_root found = PKI_ROOT_FAILED;
	bool good = list && ends && add_file(list, path) && sk_X509_num(list) > 0;
	X509 *top;

	for (size_t i = 0; good && i <= count; i++) {
		ends[i] = sk_X509_num(list);
		if (i < count)
			good = add_file(list, files[i]);
	}
	if (!good)
		goto out;
	top = climb(list);
	pki_name_text(X509_get_issuer_name(top), ret_issuer);
	if (!has_signed_itself(top)) {
		found = PKI_ROOT_AWAY;
	} else if (top == sk_X509_value(list, 0)) {
		found = PKI_ROOT_ITSELF;
	} else {
		*ret_file = 0;
		while (sk_X509_find(list, top) >= ends[*ret_file])
			++*ret_file;
		X509_up_ref(top);
		*ret = pki_certificate_wrap(top);
		found = *ret ? PKI_ROOT_FOUND : PKI_ROOT_FAILED;
	}
out:
	free(ends);
	sk_X509_pop_free(list, X509_free);
	ERR_clear_error();
	return found;
}
