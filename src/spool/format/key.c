#include "cathgate/spool/key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "cathgate/base/digest.h"
#include "hkdf.h"
#include "hpke.h"

_Static_assert(SPOOL_PUBLIC_SIZE == HPKE_POINT_SIZE, "");
_Static_assert(SPOOL_ENC_MAX == HPKE_POINT_SIZE, "");

int spool_public_of(const EVP_PKEY *key, struct spool_public *ret)
{
	struct spool_public public = { .suite = SPOOL_SUITE_X25519 };
	uint8_t hash[DIGEST_SIZE];

	if (hpke_point(key, public.bytes) != 0 ||
	    digest_sha256(public.bytes, sizeof(public.bytes), hash) != 0)
		return -1;
	memcpy(public.id, hash, sizeof(public.id));
	*ret = public;
	return 0;
}

MUST_USE static int make_secret(const uint8_t shared[HPKE_POINT_SIZE],
				const char *destination, struct spool_secret *ret)
{
	static const char domain[] = "cathgate/spool/1"; /* its NUL counts */
	char info[sizeof(domain) + SPOOL_DESTINATION_SIZE];
	size_t length = strlen(destination);
	struct spool_secret secret;
	int result = -1;

	if (length == 0 || length >= SPOOL_DESTINATION_SIZE)
		return -1;
	memcpy(info, domain, sizeof(domain));
	memcpy(info + sizeof(domain), destination, length);
	if (hpke_schedule(shared, HPKE_AES_256_GCM, info, sizeof(domain) + length,
			  secret.key, secret.nonce) == 0) {
		*ret = secret;
		result = 0;
	}
	OPENSSL_cleanse(&secret, sizeof(secret));
	return result;
}

int spool_encapsulate(const struct spool_public *to, const char *destination,
		      uint8_t ret_enc[SPOOL_ENC_MAX], struct spool_secret *ret)
{
	EVP_PKEY *once;
	uint8_t enc[HPKE_POINT_SIZE], shared[HPKE_POINT_SIZE];
	int result = -1;

	if (to->suite != SPOOL_SUITE_X25519)
		return -1;
	once = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	if (once && hpke_encapsulate(once, to->bytes, enc, shared) == 0 &&
	    make_secret(shared, destination, ret) == 0) {
		memcpy(ret_enc, enc, sizeof(enc));
		result = sizeof(enc);
	}
	OPENSSL_cleanse(shared, sizeof(shared));
	EVP_PKEY_free(once);
	return result;
}

int spool_decapsulate(EVP_PKEY *key, const uint8_t *enc, size_t size,
		      const char *destination, struct spool_secret *ret)
{
	uint8_t shared[HPKE_POINT_SIZE];
	int result = -1;

	if (size == HPKE_POINT_SIZE && hpke_decapsulate(key, enc, shared) == 0)
		result = make_secret(shared, destination, ret);
	OPENSSL_cleanse(shared, sizeof(shared));
	return result;
}

int spool_names_key_of(EVP_PKEY *key, struct spool_names_key *ret)
{
	static const char point_text[] = "cathgate/spool/names/point";
	static const char info[] = "cathgate/spool/names/1";
	uint8_t point[DIGEST_SIZE], agreed[HPKE_POINT_SIZE], extracted[HKDF_SIZE];
	uint8_t bytes[sizeof(ret->siv) + sizeof(ret->mac)];
	int result = -1;

	if (!EVP_PKEY_is_a(key, "X25519"))
		return -1;
	if (digest_sha256(point_text, strlen(point_text), point) == 0 &&
	    hpke_agree(key, point, agreed) == 0 &&
	    hkdf_extract(NULL, 0, agreed, sizeof(agreed), extracted) == 0 &&
	    hkdf_expand(extracted, info, strlen(info), bytes, sizeof(bytes)) == 0) {
		memcpy(ret->siv, bytes, sizeof(ret->siv));
		memcpy(ret->mac, bytes + sizeof(ret->siv), sizeof(ret->mac));
		result = 0;
	}
	OPENSSL_cleanse(agreed, sizeof(agreed));
	OPENSSL_cleanse(extracted, sizeof(extracted));
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return result;
}
