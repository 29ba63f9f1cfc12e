/*
 * The messages of one HPKE context (RFC 9180 5.2), sealed and opened by AES-256-GCM, each
 * by its number. One cipher serves one context after another, and makes nothing new for
 * the next.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"
#include "cathgate/spool/key.h"

struct message_cipher;

/* NULL without memory. */
MUST_USE struct message_cipher *message_cipher_new(void);
void message_cipher_free(struct message_cipher *cipher);

/* Takes a context's secret, to seal or to open. The others return 0, too, or -1 when
 * OpenSSL refuses. */
MUST_USE int message_cipher_begin(struct message_cipher *cipher,
				  const struct spool_secret *secret, bool seals);
/* Wipes the secret. */
void message_cipher_forget(struct message_cipher *cipher);

struct message {
	uint64_t number;
	const uint8_t *additional; /* data that is authenticated, too */
	size_t additional_size;
};

/* `ret` has room for the tag behind the bytes, and may be where they are. */
MUST_USE int message_seal(struct message_cipher *cipher, const struct message *message,
			  const uint8_t *bytes, size_t size, uint8_t *ret);
/* Opens the ciphertext with its tag in place: `size` bytes are plaintext then. After -1
 * it doesn't open, and what stands there is to be used for nothing. */
MUST_USE int message_open(struct message_cipher *cipher, const struct message *message,
			  uint8_t *bytes, size_t size);
