#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "cathgate/spool/key.h"
#include "xwing.h"

/* The text that the function writes. 0; or -1. */
MUST_USE static int take_text(BIO *from, char *ret, size_t size)
{
	char *bytes;
	long length = BIO_get_mem_data(from, &bytes);

	if (length <= 0 || (size_t)length >= size)
		return -1;
	memcpy(ret, bytes, (size_t)length);
	ret[length] = '\0';
	return 0;
}

int spool_key_public_text(EVP_PKEY *key, struct spool_key_text *ret)
{
	EVP_PKEY *x25519 = EVP_PKEY_is_a(key, XWING_ML_KEM) ? xwing_x25519(key) : NULL;
	BIO *public = BIO_new(BIO_s_mem());
	int rc = -1;

	if (public && spool_public_of(key, &ret->key) == 0 &&
	    PEM_write_bio_PUBKEY(public, key) == 1 &&
	    (!x25519 || PEM_write_bio_PUBKEY(public, x25519) == 1))
		rc = take_text(public, ret->public_half, sizeof(ret->public_half));
	BIO_free(public);
	EVP_PKEY_free(x25519);
	return rc;
}

/* OpenSSL can be told, by its configuration, to leave the seed of a key out of its text.
 */
MUST_USE static bool is_read_again(const struct spool_key_text *text)
{
	BIO *bytes = BIO_new_mem_buf(text->private_half, -1);
	EVP_PKEY *key = bytes ? PEM_read_bio_PrivateKey(bytes, NULL, NULL, NULL) : NULL;
	struct spool_public public;
	bool is_same = key && spool_public_of(key, &public) == 0 &&
		       memcmp(&public, &text->key, sizeof(public)) == 0;

	EVP_PKEY_free(key);
	BIO_free(bytes);
	return is_same;
}

int spool_key_new(enum spool_suite suite, struct spool_key_text *ret)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(
		NULL, NULL, suite == SPOOL_SUITE_XWING ? XWING_ML_KEM : "X25519");
	BIO *private = BIO_new(BIO_s_secmem());
	struct spool_key_text text;
	int rc = -1;

	if (key && private &&
	    PEM_write_bio_PKCS8PrivateKey(private, key, NULL, NULL, 0, NULL, NULL) == 1 &&
	    take_text(private, text.private_half, sizeof(text.private_half)) == 0 &&
	    spool_key_public_text(key, &text) == 0 && is_read_again(&text)) {
		*ret = text;
		rc = 0;
	}
	OPENSSL_cleanse(&text, sizeof(text));
	BIO_free(private);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return rc;
}
