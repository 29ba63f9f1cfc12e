#include "cathgate/spool/name.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <string.h>

#include "cathgate/base/base64.h"
#include "cathgate/base/bytes.h"
#include "cathgate/base/digest.h"

#define IV_SIZE	      16 /* the synthetic one */
#define CONTENT_SIZE  74
#define SEALED_SIZE   (IV_SIZE + CONTENT_SIZE)
#define SEQUENCE_SIZE 16 /* hexadecimal digits */
#define SEALED_AT     (SEQUENCE_SIZE + 1)
#define DOT_AT	      (SEALED_AT + BASE64URL_LENGTH(SEALED_SIZE))
#define LENGTH	      (DOT_AT + 2)

_Static_assert(LENGTH + 1 == SPOOL_NAME_SIZE, "");
_Static_assert(SEALED_SIZE % 3 == 0, "so base64 needs no padding");

static const char letters[SPOOL_STATE_COUNT] = { 'q', 'h', 'x', 'd', 'n' };

static void put_content(const struct spool_name *name, uint8_t ret[CONTENT_SIZE])
{
	memcpy(ret, name->destination, SPOOL_SHORT_TAG);
	memcpy(ret + 8, name->modality, SPOOL_SHORT_TAG);
	memcpy(ret + 16, name->study, SPOOL_SHORT_TAG);
	memcpy(ret + 24, name->instance, SPOOL_SHORT_TAG);
	memcpy(ret + 32, name->content, SPOOL_LONG_TAG);
	memcpy(ret + 48, name->header, SPOOL_LONG_TAG);
	bytes_put_be16(ret + 64, (uint16_t)(name->data_size >> 32));
	bytes_put_be32(ret + 66, (uint32_t)(name->data_size & UINT32_MAX));
	bytes_put_be32(ret + 70, name->stored);
}

static void get_content(const uint8_t bytes[CONTENT_SIZE], struct spool_name *ret)
{
	memcpy(ret->destination, bytes, SPOOL_SHORT_TAG);
	memcpy(ret->modality, bytes + 8, SPOOL_SHORT_TAG);
	memcpy(ret->study, bytes + 16, SPOOL_SHORT_TAG);
	memcpy(ret->instance, bytes + 24, SPOOL_SHORT_TAG);
	memcpy(ret->content, bytes + 32, SPOOL_LONG_TAG);
	memcpy(ret->header, bytes + 48, SPOOL_LONG_TAG);
	ret->data_size =
		(uint64_t)bytes_get_be16(bytes + 64) << 32 | bytes_get_be32(bytes + 66);
	ret->stored = bytes_get_be32(bytes + 70);
}

/* AES-256-SIV with the name's order and state as its additional data. To open, the IV
 * must be there before the content; to seal, it comes behind it. */
MUST_USE static bool run(EVP_CIPHER_CTX *context, const EVP_CIPHER *cipher, bool seals,
			 const struct spool_names_key *key, const struct spool_name *name,
			 uint8_t iv[IV_SIZE], const uint8_t *from, uint8_t *to)
{
	uint8_t additional[9];
	int size, rest;

	bytes_put_be64(additional, name->sequence);
	additional[8] = (uint8_t)letters[name->state];
	return EVP_CipherInit_ex2(context, cipher, key->siv, NULL, seals, NULL) == 1 &&
	       (seals ||
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, IV_SIZE, iv) == 1) &&
	       EVP_CipherUpdate(context, NULL, &size, additional, sizeof(additional)) ==
		       1 &&
	       EVP_CipherUpdate(context, to, &size, from, CONTENT_SIZE) == 1 &&
	       size == CONTENT_SIZE &&
	       EVP_CipherFinal_ex(context, to + CONTENT_SIZE, &rest) == 1 &&
	       (!seals ||
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, IV_SIZE, iv) == 1);
}

MUST_USE static int siv(bool seals, const struct spool_names_key *key,
			const struct spool_name *name, uint8_t iv[IV_SIZE],
			const uint8_t *from, uint8_t *to)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-SIV", NULL);
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int result = -1;

	if (cipher && context && run(context, cipher, seals, key, name, iv, from, to))
		result = 0;
	EVP_CIPHER_CTX_free(context); /* wipes the key */
	EVP_CIPHER_free(cipher);
	if (result != 0)
		ERR_clear_error();
	return result;
}

int spool_name_write(const struct spool_name *name, const struct spool_names_key *key,
		     char ret[SPOOL_NAME_SIZE])
{
	uint8_t content[CONTENT_SIZE], sealed[SEALED_SIZE];

	if ((unsigned)name->state >= SPOOL_STATE_COUNT || name->data_size >> 48 != 0)
		return -1;
	put_content(name, content);
	if (siv(true, key, name, sealed, content, sealed + IV_SIZE) != 0)
		return -1;
	snprintf(ret, SPOOL_NAME_SIZE, "%016llx.", (unsigned long long)name->sequence);
	base64url_encode(sealed, sizeof(sealed), ret + SEALED_AT);
	ret[DOT_AT] = '.';
	ret[DOT_AT + 1] = letters[name->state];
	ret[LENGTH] = '\0';
	return 0;
}

MUST_USE static bool read_sequence(const char *text, uint64_t *ret)
{
	static const char digits[] = "0123456789abcdef";

	*ret = 0;
	for (size_t i = 0; i < SEQUENCE_SIZE; i++) {
		const char *digit = memchr(digits, text[i], 16);

		if (!digit)
			return false;
		*ret = *ret << 4 | (uint64_t)(digit - digits);
	}
	return true;
}

bool spool_name_read(const char *text, const struct spool_names_key *key,
		     struct spool_name *ret)
{
	uint8_t sealed[SEALED_SIZE], content[CONTENT_SIZE];
	struct spool_name name;
	const char *letter;

	if (strnlen(text, LENGTH + 1) != LENGTH || text[SEQUENCE_SIZE] != '.' ||
	    text[DOT_AT] != '.' || !read_sequence(text, &name.sequence))
		return false;
	letter = memchr(letters, text[DOT_AT + 1], sizeof(letters));
	if (!letter || base64url_decode(text + SEALED_AT, BASE64URL_LENGTH(SEALED_SIZE),
					sealed, sizeof(sealed)) != 0)
		return false;
	name.state = (enum spool_state)(letter - letters);
	if (siv(false, key, &name, sealed, sealed + IV_SIZE, content) != 0)
		return false;
	get_content(content, &name);
	*ret = name;
	return true;
}

int spool_tag(const struct spool_names_key *key, const char *purpose,
	      const void *const *texts, const size_t *sizes, size_t count, uint8_t *ret,
	      size_t size)
{
	static char sha256[] = "SHA256"; /* OSSL_PARAM knows no const */
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *context = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	uint8_t length[4], tag[DIGEST_SIZE];
	size_t tag_size;
	bool goes_on = size <= sizeof(tag) && context &&
		       EVP_MAC_init(context, key->mac, sizeof(key->mac), params) == 1 &&
		       EVP_MAC_update(context, (const uint8_t *)purpose,
				      strlen(purpose) + 1) == 1;

	for (size_t i = 0; goes_on && i < count; i++) {
		bytes_put_be32(length, (uint32_t)sizes[i]);
		goes_on = sizes[i] <= UINT32_MAX &&
			  EVP_MAC_update(context, length, sizeof(length)) == 1 &&
			  EVP_MAC_update(context, texts[i], sizes[i]) == 1;
	}
	goes_on = goes_on && EVP_MAC_final(context, tag, &tag_size, sizeof(tag)) == 1;
	if (goes_on)
		memcpy(ret, tag, size);
	else
		ERR_clear_error();
	EVP_MAC_CTX_free(context);
	EVP_MAC_free(hmac);
	return goes_on ? 0 : -1;
}
