#include "hpke.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdbool.h>
#include <string.h>

#include "cathgate/base/bytes.h"
#include "hkdf.h"

#define CONTEXT_SIZE (2 * HPKE_POINT_SIZE) /* kem_context */
#define TEXT_MAX     256

/* The bytes of a call of HKDF, which may be secret. */
struct text {
	uint8_t bytes[TEXT_MAX];
	size_t size;
	bool is_too_long;
};

static void put(struct text *text, const void *bytes, size_t size)
{
	if (size > TEXT_MAX - text->size) {
		text->is_too_long = true;
		return;
	}
	memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
}

struct suite_id {
	uint8_t bytes[10];
	size_t size;
};

static const struct suite_id kem_id = { { 'K', 'E', 'M', 0x00, 0x20 }, 5 };

static void put_labeled(struct text *text, const struct suite_id *suite,
			const char *label, const void *bytes, size_t size)
{
	put(text, "HPKE-v1", 7);
	put(text, suite->bytes, suite->size);
	put(text, label, strlen(label));
	put(text, bytes, size);
}

/* LabeledExtract (4); without a salt, `salt` is NULL. */
MUST_USE static int extract(const struct suite_id *suite, const uint8_t *salt,
			    const char *label, const void *input, size_t size,
			    uint8_t ret[HKDF_SIZE])
{
	struct text text = { .size = 0 };
	int result = -1;

	put_labeled(&text, suite, label, input, size);
	if (!text.is_too_long)
		result = hkdf_extract(salt, salt ? HKDF_SIZE : 0, text.bytes, text.size,
				      ret);
	OPENSSL_cleanse(&text, sizeof(text));
	return result;
}

/* LabeledExpand (4). */
MUST_USE static int expand(const struct suite_id *suite, const uint8_t key[HKDF_SIZE],
			   const char *label, const void *info, size_t info_size,
			   uint8_t *ret, size_t size)
{
	struct text text = { .size = 0 };
	uint8_t length[2];

	bytes_put_be16(length, (uint16_t)size);
	put(&text, length, sizeof(length));
	put_labeled(&text, suite, label, info, info_size);
	return text.is_too_long ? -1 : hkdf_expand(key, text.bytes, text.size, ret, size);
}

int hpke_point(const EVP_PKEY *key, uint8_t ret[HPKE_POINT_SIZE])
{
	uint8_t point[HPKE_POINT_SIZE];
	size_t size = sizeof(point);

	if (!EVP_PKEY_is_a(key, "X25519") ||
	    EVP_PKEY_get_raw_public_key(key, point, &size) != 1 ||
	    size != sizeof(point)) {
		ERR_clear_error();
		return -1;
	}
	memcpy(ret, point, sizeof(point));
	return 0;
}

int hpke_agree(EVP_PKEY *key, const uint8_t point[HPKE_POINT_SIZE],
	       uint8_t ret[HPKE_POINT_SIZE])
{
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, point,
							HPKE_POINT_SIZE);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	size_t size = HPKE_POINT_SIZE;
	int result = -1;

	if (peer && context && EVP_PKEY_derive_init(context) == 1 &&
	    EVP_PKEY_derive_set_peer(context, peer) == 1 &&
	    EVP_PKEY_derive(context, ret, &size) == 1 && size == HPKE_POINT_SIZE)
		result = 0;
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(peer);
	if (result != 0)
		ERR_clear_error();
	return result;
}

/* ExtractAndExpand (4.1) of what two keys agree on. `key` is one of them, and `other` the
 * other's point. */
MUST_USE static int share(EVP_PKEY *key, const uint8_t other[HPKE_POINT_SIZE],
			  const uint8_t context[CONTEXT_SIZE],
			  uint8_t ret[HPKE_POINT_SIZE])
{
	uint8_t agreed[HPKE_POINT_SIZE], extracted[HKDF_SIZE];
	int result = -1;

	if (hpke_agree(key, other, agreed) == 0 &&
	    extract(&kem_id, NULL, "eae_prk", agreed, sizeof(agreed), extracted) == 0)
		result = expand(&kem_id, extracted, "shared_secret", context,
				CONTEXT_SIZE, ret, HPKE_POINT_SIZE);
	OPENSSL_cleanse(agreed, sizeof(agreed));
	OPENSSL_cleanse(extracted, sizeof(extracted));
	return result;
}

int hpke_encapsulate(EVP_PKEY *once, const uint8_t to[HPKE_POINT_SIZE],
		     uint8_t ret_enc[HPKE_POINT_SIZE],
		     uint8_t ret_shared[HPKE_POINT_SIZE])
{
	uint8_t context[CONTEXT_SIZE];

	if (hpke_point(once, context) != 0)
		return -1;
	memcpy(context + HPKE_POINT_SIZE, to, HPKE_POINT_SIZE);
	if (share(once, to, context, ret_shared) != 0)
		return -1;
	memcpy(ret_enc, context, HPKE_POINT_SIZE);
	return 0;
}

int hpke_decapsulate(EVP_PKEY *key, const uint8_t enc[HPKE_POINT_SIZE],
		     uint8_t ret_shared[HPKE_POINT_SIZE])
{
	uint8_t context[CONTEXT_SIZE];

	memcpy(context, enc, HPKE_POINT_SIZE);
	if (hpke_point(key, context + HPKE_POINT_SIZE) != 0)
		return -1;
	return share(key, enc, context, ret_shared);
}

int hpke_schedule(const uint8_t shared[HPKE_POINT_SIZE], const struct hpke_suite *with,
		  const void *info, size_t info_size, uint8_t *ret_key,
		  uint8_t ret_nonce[HPKE_NONCE_SIZE])
{
	const struct suite_id suite = { { 'H', 'P', 'K', 'E', (uint8_t)(with->kem >> 8),
					  (uint8_t)with->kem, 0x00, 0x01, 0x00,
					  (uint8_t)with->aead },
					10 };
	size_t key_size = with->aead == HPKE_AES_128_GCM ? 16 : 32;
	uint8_t context[1 + 2 * HKDF_SIZE] = { 0 }; /* the first byte is the base mode */
	uint8_t secret[HKDF_SIZE];
	int result = -1;

	if (extract(&suite, NULL, "psk_id_hash", "", 0, context + 1) == 0 &&
	    extract(&suite, NULL, "info_hash", info, info_size,
		    context + 1 + HKDF_SIZE) == 0 &&
	    extract(&suite, shared, "secret", "", 0, secret) == 0 &&
	    expand(&suite, secret, "key", context, sizeof(context), ret_key, key_size) ==
		    0)
		result = expand(&suite, secret, "base_nonce", context, sizeof(context),
				ret_nonce, HPKE_NONCE_SIZE);
	OPENSSL_cleanse(secret, sizeof(secret));
	return result;
}
