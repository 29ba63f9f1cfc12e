/*
 * How a process without a private key has a handshake signed: over a channel to the
 * keeper (SOCK_SEQPACKET), which is good for one signature. A request is one datagram, a
 * struct signer_request with the message behind it, whole and not hashed; the answer is
 * one datagram, the signature. A keeper that refuses closes the channel.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/digest.h"
#include "cathgate/base/must_use.h"
#include "cathgate/signer/shape.h"

#define SIGNER_SIGNATURE_MAX 2048 /* of an RSA key with 16,384 bits */

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

/* Which key: the SHA-256 of its SubjectPublicKeyInfo. */
struct signer_key_id {
	uint8_t digest[DIGEST_SIZE];
};

struct signer_request {
	struct signer_key_id key;
	uint16_t scheme; /* SignatureScheme */
	uint16_t unused;
};

struct signer_asked { /* as it is sent: no more of the message than there is */
	struct signer_request request;
	uint8_t message[SIGNER_MESSAGE_MAX];
};

/* 0, or -1 without memory. */
MUST_USE int signer_key_id(const struct evp_pkey_st *key, struct signer_key_id *ret);

/* Has the message signed. 0 with the signature and its size, at most `room`; or -1 when
 * the keeper refuses, is gone or doesn't answer within 10 seconds. */
MUST_USE int signer_ask(int channel, const struct signer_request *request,
			const uint8_t *message, size_t size, uint8_t *ret, size_t room,
			size_t *ret_size);
