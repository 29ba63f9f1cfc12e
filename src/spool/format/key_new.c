#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "cathgate/spool/key.h"

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

int spool_key_new(struct spool_key_text *ret)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	BIO *private = BIO_new(BIO_s_secmem()), *public = BIO_new(BIO_s_mem());
	struct spool_key_text text;
	int rc = -1;

	if (key && private && public &&
	    PEM_write_bio_PKCS8PrivateKey(private, key, NULL, NULL, 0, NULL, NULL) == 1 &&
	    PEM_write_bio_PUBKEY(public, key) == 1 &&
	    take_text(private, text.private_half, sizeof(text.private_half)) == 0 &&
	    take_text(public, text.public_half, sizeof(text.public_half)) == 0 &&
	    spool_public_of(key, &text.key) == 0) {
		*ret = text;
		rc = 0;
	}
	OPENSSL_cleanse(&text, sizeof(text));
	BIO_free(private);
	BIO_free(public);
	EVP_PKEY_free(key);
	return rc;
}
