#include "hkdf.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

MUST_USE static int derive(int step, OSSL_PARAM key, OSSL_PARAM other, uint8_t *ret,
			   size_t size)
{
	static char sha256[] = "SHA256"; /* OSSL_PARAM knows no const */
	EVP_KDF *hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *context = hkdf ? EVP_KDF_CTX_new(hkdf) : NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &step),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256, 0),
		key,
		other,
		OSSL_PARAM_construct_end(),
	};
	int result = context && EVP_KDF_derive(context, ret, size, params) == 1 ? 0 : -1;

	EVP_KDF_CTX_free(context); /* wipes the key */
	EVP_KDF_free(hkdf);
	if (result != 0)
		ERR_clear_error();
	return result;
}

static OSSL_PARAM octets(const char *name, const void *bytes, size_t size)
{
	return OSSL_PARAM_construct_octet_string(name, (void *)bytes, size);
}

int hkdf_extract(const void *salt, size_t salt_size, const void *input, size_t size,
		 uint8_t ret[HKDF_SIZE])
{
	/* RFC 5869 2.2 has as many zeros where there is no salt. */
	static const uint8_t zeros[HKDF_SIZE];

	if (salt_size == 0) {
		salt = zeros;
		salt_size = sizeof(zeros);
	}
	return derive(EVP_KDF_HKDF_MODE_EXTRACT_ONLY,
		      octets(OSSL_KDF_PARAM_KEY, input, size),
		      octets(OSSL_KDF_PARAM_SALT, salt, salt_size), ret, HKDF_SIZE);
}

int hkdf_expand(const uint8_t key[HKDF_SIZE], const void *info, size_t info_size,
		uint8_t *ret, size_t size)
{
	return derive(EVP_KDF_HKDF_MODE_EXPAND_ONLY,
		      octets(OSSL_KDF_PARAM_KEY, key, HKDF_SIZE),
		      octets(OSSL_KDF_PARAM_INFO, info, info_size), ret, size);
}
