#include "internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

struct pki_key *pki_key_wrap(EVP_PKEY *pair)
{
	struct pki_key *key = pair ? calloc(1, sizeof(*key)) : NULL;

	if (!key)
		EVP_PKEY_free(pair);
	else
		key->pair = pair;
	return key;
}

struct pki_key *pki_key_new(enum pki_algorithm algorithm)
{
	static const size_t rsa_bits[] = {
		[PKI_RSA_2048] = 2048,
		[PKI_RSA_3072] = 3072,
		[PKI_RSA_4096] = 4096,
	};

	struct pki_key *key = pki_key_wrap(
		algorithm == PKI_EC_P256
			? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
			: EVP_PKEY_Q_keygen(NULL, NULL, "RSA", rsa_bits[algorithm]));

	pki_end(key != NULL);
	return key;
}

struct pki_key *pki_key_like(const struct pki_certificate *certificate)
{
	EVP_PKEY *like = X509_get0_pubkey(certificate->x509);
	EVP_PKEY_CTX *context = NULL;
	EVP_PKEY *pair = NULL;

	/* An EC key's parameters are its curve. RSA has none: the size is given. */
	if (like && EVP_PKEY_is_a(like, "RSA")) {
		pair = EVP_PKEY_Q_keygen(NULL, NULL, "RSA",
					 (size_t)EVP_PKEY_get_bits(like));
	} else if (like) {
		context = EVP_PKEY_CTX_new(like, NULL);
		if (!context || EVP_PKEY_keygen_init(context) != 1 ||
		    EVP_PKEY_generate(context, &pair) != 1)
			pair = NULL;
		EVP_PKEY_CTX_free(context);
	}
	pki_end(pair != NULL);
	return pki_key_wrap(pair);
}

struct pki_key *pki_key_of(const struct pki_certificate *certificate)
{
	return pki_key_wrap(X509_get_pubkey(certificate->x509));
}

/* Used instead of OpenSSL's callback, which would ask on the terminal. */
static int refuse_passphrase(char *buffer, int size, int writing, void *data)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)data;
	return -1;
}

struct pki_key *pki_key_read(const char *path, const char **ret_error)
{
	BIO *file = pki_open(path, ret_error);
	struct pki_key *key;

	if (!file)
		return NULL;
	key = pki_key_wrap(PEM_read_bio_PrivateKey(file, NULL, refuse_passphrase, NULL));
	if (!key)
		*ret_error =
			pki_why(file, PEM_KEY,
				"holds no private key in PEM form without a passphrase; "
				"openssl pkey converts");
	BIO_free(file);
	ERR_clear_error();
	return key;
}

int pki_key_write(const struct pki_key *key, struct pki_text *ret)
{
	BIO *memory = BIO_new(BIO_s_secmem());

	return pki_text_take(memory,
			     memory && PEM_write_bio_PKCS8PrivateKey(memory, key->pair,
								     NULL, NULL, 0, NULL,
								     NULL) == 1,
			     ret);
}

void pki_key_free(struct pki_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pair);
	free(key);
}

const EVP_MD *pki_digest_for(const EVP_PKEY *key)
{
	/* Ed25519 and Ed448 have a digest of their own. */
	return EVP_PKEY_is_a(key, "EC") || EVP_PKEY_is_a(key, "RSA") ? EVP_sha256()
								     : NULL;
}

const char *pki_key_fault(const EVP_PKEY *key)
{
	char what[CERTIFICATE_KEY_SIZE];

	switch (certificate_judge_key(key, what)) {
	case CERTIFICATE_KEY_WEAK:
		return "has a weak key; have the device make one of " CERTIFICATE_KEYS;
	case CERTIFICATE_KEY_UNKNOWN:
		return "has a key of a kind or on a curve that not every TLS handshake "
		       "takes; have the device make one of " CERTIFICATE_KEYS;
	default:
		return NULL;
	}
}

int pki_request_write(const struct pki_wish *wish, const struct pki_key *key,
		      struct pki_text *ret)
{
	X509_REQ *request = X509_REQ_new();
	STACK_OF(X509_EXTENSION) *extensions =
		pki_extensions(wish, EVP_PKEY_is_a(key->pair, "RSA"));
	BIO *memory = BIO_new(BIO_s_mem());
	bool is_written =
		request && extensions && memory &&
		X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
		pki_subject_set(X509_REQ_get_subject_name(request), wish) == 0 &&
		X509_REQ_set_pubkey(request, key->pair) == 1 &&
		X509_REQ_add_extensions(request, extensions) == 1 &&
		X509_REQ_sign(request, key->pair, pki_digest_for(key->pair)) > 0 &&
		PEM_write_bio_X509_REQ(memory, request) == 1;

	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	X509_REQ_free(request);
	return pki_text_take(memory, is_written, ret);
}

struct pki_key *pki_request_read(const char *path, const char **ret_error)
{
	BIO *file = pki_open(path, ret_error);
	X509_REQ *request = NULL;
	struct pki_key *key = NULL;
	const char *fault;

	if (!file)
		return NULL;
	request = pki_is_der(file) ? d2i_X509_REQ_bio(file, NULL)
				   : PEM_read_bio_X509_REQ(file, NULL, NULL, NULL);
	if (!request)
		*ret_error = pki_why(
			file, PEM_REQUEST,
			"holds no certificate request; one in PEM form begins with "
			"-----BEGIN CERTIFICATE REQUEST-----");
	else if (X509_REQ_verify(request, X509_REQ_get0_pubkey(request)) != 1)
		*ret_error = "isn't signed with its own key; have the device make it "
			     "again";
	else if ((fault = pki_key_fault(X509_REQ_get0_pubkey(request))) != NULL)
		*ret_error = fault;
	else
		key = pki_key_wrap(X509_REQ_get_pubkey(request));
	X509_REQ_free(request);
	BIO_free(file);
	ERR_clear_error();
	return key;
}
