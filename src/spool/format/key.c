#include "cathgate/spool/key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "cathgate/base/digest.h"
#include "hkdf.h"
#include "hpke.h"
#include "xwing.h"

_Static_assert(SPOOL_PUBLIC_MAX == XWING_PUBLIC_SIZE, "");
_Static_assert(SPOOL_ENC_MAX == XWING_ENC_SIZE, "");
_Static_assert(HPKE_POINT_SIZE == XWING_SHARED_SIZE, "");

bool spool_suite_sizes(uint8_t suite, size_t *ret_public, size_t *ret_enc)
{
	bool is_classic = suite == SPOOL_SUITE_X25519;

	*ret_public = is_classic ? HPKE_POINT_SIZE : XWING_PUBLIC_SIZE;
	*ret_enc = is_classic ? HPKE_POINT_SIZE : XWING_ENC_SIZE;
	return is_classic || suite == SPOOL_SUITE_XWING;
}

int spool_public_set(enum spool_suite suite, const uint8_t *bytes,
		     struct spool_public *ret)
{
	struct spool_public public = { .suite = (uint8_t)suite };
	uint8_t hash[DIGEST_SIZE];
	size_t size, enc_size;

	if (!spool_suite_sizes(public.suite, &size, &enc_size) ||
	    digest_sha256(bytes, size, hash) != 0)
		return -1;
	memcpy(public.id, hash, sizeof(public.id));
	memcpy(public.bytes, bytes, size);
	*ret = public;
	return 0;
}

int spool_public_of(const EVP_PKEY *key, struct spool_public *ret)
{
	uint8_t bytes[SPOOL_PUBLIC_MAX];
	EVP_PKEY *x25519;
	int result = -1;

	if (hpke_point(key, bytes) == 0)
		return spool_public_set(SPOOL_SUITE_X25519, bytes, ret);
	if (!EVP_PKEY_is_a(key, XWING_ML_KEM))
		return -1;
	x25519 = xwing_x25519(key);
	if (x25519 && xwing_public(key, x25519, bytes) == 0)
		result = spool_public_set(SPOOL_SUITE_XWING, bytes, ret);
	EVP_PKEY_free(x25519);
	return result;
}

MUST_USE static int make_secret(enum hpke_kem kem, const uint8_t shared[HPKE_POINT_SIZE],
				const char *destination, struct spool_secret *ret)
{
	static const char domain[] = "cathgate/spool/1"; /* its NUL counts */
	const struct hpke_suite suite = { kem, HPKE_AES_256_GCM };
	char info[sizeof(domain) + SPOOL_DESTINATION_SIZE];
	size_t length = strlen(destination);
	struct spool_secret secret;
	int result = -1;

	if (length == 0 || length >= SPOOL_DESTINATION_SIZE)
		return -1;
	memcpy(info, domain, sizeof(domain));
	memcpy(info + sizeof(domain), destination, length);
	if (hpke_schedule(shared, &suite, info, sizeof(domain) + length, secret.key,
			  secret.nonce) == 0) {
		*ret = secret;
		result = 0;
	}
	OPENSSL_cleanse(&secret, sizeof(secret));
	return result;
}

int spool_encapsulate(const struct spool_public *to, const char *destination,
		      uint8_t ret_enc[SPOOL_ENC_MAX], struct spool_secret *ret)
{
	bool is_classic = to->suite == SPOOL_SUITE_X25519;
	size_t public_size, size;
	EVP_PKEY *once;
	uint8_t enc[SPOOL_ENC_MAX], shared[HPKE_POINT_SIZE];
	int result = -1;

	if (!spool_suite_sizes(to->suite, &public_size, &size))
		return -1;
	once = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	if (once &&
	    (is_classic ? hpke_encapsulate(once, to->bytes, enc, shared)
			: xwing_encapsulate(once, to->bytes, enc, shared)) == 0 &&
	    make_secret(is_classic ? HPKE_X25519 : HPKE_XWING, shared, destination,
			ret) == 0) {
		memcpy(ret_enc, enc, size);
		result = (int)size;
	}
	OPENSSL_cleanse(shared, sizeof(shared));
	EVP_PKEY_free(once);
	return result;
}

MUST_USE static int decapsulate(EVP_PKEY *key, const uint8_t enc[XWING_ENC_SIZE],
				uint8_t ret[XWING_SHARED_SIZE])
{
	EVP_PKEY *x25519 = xwing_x25519(key);
	int result = x25519 ? xwing_decapsulate(key, x25519, enc, ret) : -1;

	EVP_PKEY_free(x25519);
	return result;
}

int spool_decapsulate(EVP_PKEY *key, const uint8_t *enc, size_t size,
		      const char *destination, struct spool_secret *ret)
{
	bool is_classic = !EVP_PKEY_is_a(key, XWING_ML_KEM);
	uint8_t shared[HPKE_POINT_SIZE];
	int result = -1;

	if (size == (is_classic ? HPKE_POINT_SIZE : XWING_ENC_SIZE) &&
	    (is_classic ? hpke_decapsulate(key, enc, shared)
			: decapsulate(key, enc, shared)) == 0)
		result = make_secret(is_classic ? HPKE_X25519 : HPKE_XWING, shared,
				     destination, ret);
	OPENSSL_cleanse(shared, sizeof(shared));
	return result;
}

static const char names_info[] = "cathgate/spool/names/1";

/* What an X25519 key agrees on with a point whose logarithm nobody knows. */
MUST_USE static int derive_names(EVP_PKEY *key, uint8_t *ret, size_t size)
{
	static const char point_text[] = "cathgate/spool/names/point";
	uint8_t point[DIGEST_SIZE], agreed[HPKE_POINT_SIZE], extracted[HKDF_SIZE];
	int result = -1;

	if (EVP_PKEY_is_a(key, "X25519") &&
	    digest_sha256(point_text, strlen(point_text), point) == 0 &&
	    hpke_agree(key, point, agreed) == 0 &&
	    hkdf_extract(NULL, 0, agreed, sizeof(agreed), extracted) == 0)
		result =
			hkdf_expand(extracted, names_info, strlen(names_info), ret, size);
	OPENSSL_cleanse(agreed, sizeof(agreed));
	OPENSSL_cleanse(extracted, sizeof(extracted));
	return result;
}

int spool_names_key_of(EVP_PKEY *key, struct spool_names_key *ret)
{
	uint8_t bytes[sizeof(ret->siv) + sizeof(ret->mac)];
	int result = EVP_PKEY_is_a(key, XWING_ML_KEM)
			     ? xwing_derive(key, names_info, bytes, sizeof(bytes))
			     : derive_names(key, bytes, sizeof(bytes));

	if (result == 0) {
		memcpy(ret->siv, bytes, sizeof(ret->siv));
		memcpy(ret->mac, bytes + sizeof(ret->siv), sizeof(ret->mac));
	}
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return result;
}
