#include "internal.h"

#include <openssl/pkcs12.h>

/* How often the password is hashed. Old devices refuse more than a few thousand times. */
#define ITERATIONS	  100000
#define ITERATIONS_LEGACY 2048
#define SALT_BYTES	  16
#define NO_MAC		  (-1)

int pki_pkcs12_write(const struct pki_key *key, const struct pki_certificate *certificate,
		     const struct pki_certificate *const *cas, size_t ca_count,
		     const char *friendly_name, const char *password, bool legacy,
		     struct pki_text *ret)
{
	int cipher = legacy ? NID_pbe_WithSHA1And3_Key_TripleDES_CBC : NID_aes_256_cbc;
	int iterations = legacy ? ITERATIONS_LEGACY : ITERATIONS;
	STACK_OF(X509) *others = sk_X509_new_null();
	BIO *memory = BIO_new(BIO_s_mem());
	PKCS12 *pkcs12 = NULL;
	bool good = others != NULL;

	for (size_t i = 0; good && i < ca_count; i++)
		good = sk_X509_push(others, cas[i]->x509) > 0;
	if (good)
		pkcs12 = PKCS12_create(password, friendly_name, key->pair,
				       certificate->x509, others, cipher, cipher,
				       iterations, NO_MAC, 0);
	good = pkcs12 && memory &&
	       PKCS12_set_mac(pkcs12, password, -1, NULL, SALT_BYTES, iterations,
			      legacy ? EVP_sha1() : EVP_sha256()) == 1 &&
	       i2d_PKCS12_bio(memory, pkcs12) == 1;
	PKCS12_free(pkcs12);
	sk_X509_free(others);
	return pki_text_take(memory, good, ret);
}
