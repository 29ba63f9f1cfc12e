#include "message.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/bytes.h"
#include "cathgate/spool/sealed.h"

#define NONCE_SIZE sizeof(((struct spool_secret *)NULL)->nonce)

struct message_cipher {
	EVP_CIPHER *aes; /* fetched once, since that costs more than a small message */
	EVP_CIPHER_CTX *context;
	uint8_t nonce[NONCE_SIZE];
};

struct message_cipher *message_cipher_new(void)
{
	struct message_cipher *cipher = calloc(1, sizeof(*cipher));

	if (!cipher)
		return NULL;
	cipher->aes = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	cipher->context = EVP_CIPHER_CTX_new();
	if (!cipher->aes || !cipher->context) {
		ERR_clear_error();
		message_cipher_free(cipher);
		return NULL;
	}
	return cipher;
}

void message_cipher_free(struct message_cipher *cipher)
{
	if (!cipher)
		return;
	message_cipher_forget(cipher);
	EVP_CIPHER_CTX_free(cipher->context);
	EVP_CIPHER_free(cipher->aes);
	free(cipher);
}

void message_cipher_forget(struct message_cipher *cipher)
{
	EVP_CIPHER_CTX_reset(cipher->context); /* wipes the key */
	OPENSSL_cleanse(cipher->nonce, sizeof(cipher->nonce));
}

int message_cipher_begin(struct message_cipher *cipher, const struct spool_secret *secret,
			 bool seals)
{
	message_cipher_forget(cipher);
	if (EVP_CipherInit_ex2(cipher->context, cipher->aes, secret->key, NULL, seals,
			       NULL) != 1) {
		ERR_clear_error();
		return -1;
	}
	memcpy(cipher->nonce, secret->nonce, sizeof(cipher->nonce));
	return 0;
}

/* ComputeNonce (RFC 9180 5.2), and the additional data. */
MUST_USE static bool begin(struct message_cipher *cipher, const struct message *message)
{
	uint8_t nonce[NONCE_SIZE], number[8];
	int size;

	memcpy(nonce, cipher->nonce, sizeof(nonce));
	bytes_put_be64(number, message->number);
	for (size_t i = 0; i < sizeof(number); i++)
		nonce[sizeof(nonce) - sizeof(number) + i] ^= number[i];
	return EVP_CipherInit_ex2(cipher->context, NULL, NULL, nonce, -1, NULL) == 1 &&
	       EVP_CipherUpdate(cipher->context, NULL, &size, message->additional,
				(int)message->additional_size) == 1;
}

/* All of the bytes in one go; what the final call does for GCM is to make or compare the
 * tag. */
MUST_USE static bool run(EVP_CIPHER_CTX *context, const uint8_t *bytes, size_t size,
			 uint8_t *ret)
{
	int done = 0, rest = 0;

	return (size == 0 ||
		EVP_CipherUpdate(context, ret, &done, bytes, (int)size) == 1) &&
	       EVP_CipherFinal_ex(context, ret + size, &rest) == 1 &&
	       (size_t)done == size && rest == 0;
}

int message_seal(struct message_cipher *cipher, const struct message *message,
		 const uint8_t *bytes, size_t size, uint8_t *ret)
{
	if (begin(cipher, message) && run(cipher->context, bytes, size, ret) &&
	    EVP_CIPHER_CTX_ctrl(cipher->context, EVP_CTRL_AEAD_GET_TAG, SPOOL_TAG_SIZE,
				ret + size) == 1)
		return 0;
	ERR_clear_error();
	return -1;
}

int message_open(struct message_cipher *cipher, const struct message *message,
		 uint8_t *bytes, size_t size)
{
	if (begin(cipher, message) &&
	    EVP_CIPHER_CTX_ctrl(cipher->context, EVP_CTRL_AEAD_SET_TAG, SPOOL_TAG_SIZE,
				bytes + size) == 1 &&
	    run(cipher->context, bytes, size, bytes))
		return 0;
	ERR_clear_error();
	return -1;
}
