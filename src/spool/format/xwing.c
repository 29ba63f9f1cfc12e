#include "xwing.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

#include "hkdf.h"

#define SEED_SIZE   64
#define SECRET_SIZE 32 /* of either KEM */
#define CIPHER_SIZE (XWING_ENC_SIZE - HPKE_POINT_SIZE)

int xwing_derive(const EVP_PKEY *ml_kem, const char *purpose, uint8_t *ret, size_t size)
{
	uint8_t seed[SEED_SIZE], extracted[HKDF_SIZE];
	size_t seed_size = 0;
	int result = -1;

	if (EVP_PKEY_is_a(ml_kem, XWING_ML_KEM) &&
	    EVP_PKEY_get_octet_string_param(ml_kem, "seed", seed, sizeof(seed),
					    &seed_size) == 1 &&
	    seed_size == sizeof(seed) &&
	    hkdf_extract(NULL, 0, seed, sizeof(seed), extracted) == 0)
		result = hkdf_expand(extracted, purpose, strlen(purpose), ret, size);
	OPENSSL_cleanse(seed, sizeof(seed));
	OPENSSL_cleanse(extracted, sizeof(extracted));
	if (result != 0)
		ERR_clear_error();
	return result;
}

EVP_PKEY *xwing_x25519(const EVP_PKEY *ml_kem)
{
	uint8_t private[HPKE_POINT_SIZE];
	EVP_PKEY *key = NULL;

	if (xwing_derive(ml_kem, "cathgate/spool/x25519/1", private, sizeof(private)) ==
	    0)
		key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private,
						      sizeof(private));
	OPENSSL_cleanse(private, sizeof(private));
	return key;
}

int xwing_public(const EVP_PKEY *ml_kem, const EVP_PKEY *x25519,
		 uint8_t ret[XWING_PUBLIC_SIZE])
{
	size_t size = XWING_ML_KEM_SIZE;

	if (EVP_PKEY_is_a(ml_kem, XWING_ML_KEM) &&
	    EVP_PKEY_get_raw_public_key(ml_kem, ret, &size) == 1 &&
	    size == XWING_ML_KEM_SIZE)
		return hpke_point(x25519, ret + XWING_ML_KEM_SIZE);
	ERR_clear_error();
	return -1;
}

/* What the two KEMs have agreed on. */
struct agreed {
	uint8_t ml_kem[SECRET_SIZE], x25519[SECRET_SIZE];
};

MUST_USE static int combine(const struct agreed *agreed,
			    const uint8_t enc[XWING_ENC_SIZE],
			    const uint8_t point[HPKE_POINT_SIZE],
			    uint8_t ret[XWING_SHARED_SIZE])
{
	static const uint8_t label[] = { '\\', '.', '/', '/', '^', '\\' };
	uint8_t text[2 * SECRET_SIZE + 2 * HPKE_POINT_SIZE + sizeof(label)];
	uint8_t *end = text;
	int result;

	memcpy(end, agreed->ml_kem, SECRET_SIZE);
	memcpy(end += SECRET_SIZE, agreed->x25519, SECRET_SIZE);
	memcpy(end += SECRET_SIZE, enc + CIPHER_SIZE, HPKE_POINT_SIZE);
	memcpy(end += HPKE_POINT_SIZE, point, HPKE_POINT_SIZE);
	memcpy(end + HPKE_POINT_SIZE, label, sizeof(label));
	result = EVP_Q_digest(NULL, "SHA3-256", NULL, text, sizeof(text), ret, NULL) == 1
			 ? 0
			 : -1;
	OPENSSL_cleanse(text, sizeof(text));
	return result;
}

MUST_USE static int encapsulate(EVP_PKEY *ml_kem, uint8_t ret[CIPHER_SIZE],
				uint8_t ret_secret[SECRET_SIZE])
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, ml_kem, NULL);
	size_t size = CIPHER_SIZE, secret_size = SECRET_SIZE;
	int result = -1;

	if (context && EVP_PKEY_encapsulate_init(context, NULL) == 1 &&
	    EVP_PKEY_encapsulate(context, ret, &size, ret_secret, &secret_size) == 1 &&
	    size == CIPHER_SIZE && secret_size == SECRET_SIZE)
		result = 0;
	EVP_PKEY_CTX_free(context);
	return result;
}

int xwing_encapsulate(EVP_PKEY *once, const uint8_t to[XWING_PUBLIC_SIZE],
		      uint8_t ret_enc[XWING_ENC_SIZE],
		      uint8_t ret_shared[XWING_SHARED_SIZE])
{
	const uint8_t *point = to + XWING_ML_KEM_SIZE;
	EVP_PKEY *ml_kem = EVP_PKEY_new_raw_public_key_ex(NULL, XWING_ML_KEM, NULL, to,
							  XWING_ML_KEM_SIZE);
	struct agreed agreed;
	int result = -1;

	if (ml_kem && encapsulate(ml_kem, ret_enc, agreed.ml_kem) == 0 &&
	    hpke_point(once, ret_enc + CIPHER_SIZE) == 0 &&
	    hpke_agree(once, point, agreed.x25519) == 0)
		result = combine(&agreed, ret_enc, point, ret_shared);
	OPENSSL_cleanse(&agreed, sizeof(agreed));
	EVP_PKEY_free(ml_kem);
	if (result != 0)
		ERR_clear_error();
	return result;
}

MUST_USE static int decapsulate(EVP_PKEY *ml_kem, const uint8_t cipher[CIPHER_SIZE],
				uint8_t ret[SECRET_SIZE])
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, ml_kem, NULL);
	size_t size = SECRET_SIZE;
	int result = -1;

	if (context && EVP_PKEY_decapsulate_init(context, NULL) == 1 &&
	    EVP_PKEY_decapsulate(context, ret, &size, cipher, CIPHER_SIZE) == 1 &&
	    size == SECRET_SIZE)
		result = 0;
	EVP_PKEY_CTX_free(context);
	return result;
}

int xwing_decapsulate(EVP_PKEY *ml_kem, EVP_PKEY *x25519,
		      const uint8_t enc[XWING_ENC_SIZE],
		      uint8_t ret_shared[XWING_SHARED_SIZE])
{
	uint8_t point[HPKE_POINT_SIZE];
	struct agreed agreed;
	int result = -1;

	if (decapsulate(ml_kem, enc, agreed.ml_kem) == 0 &&
	    hpke_agree(x25519, enc + CIPHER_SIZE, agreed.x25519) == 0 &&
	    hpke_point(x25519, point) == 0)
		result = combine(&agreed, enc, point, ret_shared);
	OPENSSL_cleanse(&agreed, sizeof(agreed));
	if (result != 0)
		ERR_clear_error();
	return result;
}
