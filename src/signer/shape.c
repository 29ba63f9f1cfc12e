#include "cathgate/signer/shape.h"

#include <stdbool.h>

#define PAD	       0x20
#define PAD_SIZE       64
#define SHA256_SIZE    32
#define SHA384_SIZE    48
#define RANDOM_SIZE    32
#define NAMED_CURVE    3 /* RFC 8422 section 5.4: ECCurveType */
#define UNCOMPRESSED   4 /* RFC 8422 section 5.4.1: how a point of a P- curve begins */
#define HEAD_SIZE      4 /* a handshake message's: its type and its length */
#define LIST_HEAD_SIZE 3 /* the length of a Certificate's list (RFC 5246 7.4.2) */

static bool is_verify_13(enum signer_side side, const uint8_t *message, size_t size)
{
	static const char contexts[][34] = {
		[SIGNER_SERVER] = "TLS 1.3, server CertificateVerify",
		[SIGNER_CLIENT] = "TLS 1.3, client CertificateVerify",
	};
	const size_t before = PAD_SIZE + sizeof(contexts[0]);

	if (size != before + SHA256_SIZE && size != before + SHA384_SIZE)
		return false;
	for (size_t i = 0; i < PAD_SIZE; i++)
		if (message[i] != PAD)
			return false;
	/* The NUL at the end is the separator. */
	for (size_t i = 0; i < sizeof(contexts[0]); i++)
		if (message[PAD_SIZE + i] != (uint8_t)contexts[side][i])
			return false;
	return true;
}

/* The groups that the gateway offers (tls/context.c) and that TLS 1.2 knows. */
static const struct {
	uint16_t code;
	uint8_t point_size;
	bool has_form; /* the point's first byte says its form */
} groups[] = {
	{ 29, 32, false }, /* x25519 */
	{ 23, 65, true },  /* secp256r1 */
	{ 24, 97, true },  /* secp384r1 */
	{ 25, 133, true }, /* secp521r1 */
};

static bool is_key_exchange(const uint8_t *message, size_t size)
{
	const size_t at = (size_t)2 * RANDOM_SIZE, head = 4; /* type, group, length */
	unsigned group;

	if (size <= at + head || message[at] != NAMED_CURVE)
		return false;
	group = (unsigned)message[at + 1] << 8 | message[at + 2];
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (groups[i].code == group)
			return message[at + 3] == groups[i].point_size &&
			       size == at + head + groups[i].point_size &&
			       (!groups[i].has_form ||
				message[at + head] == UNCOMPRESSED);
	return false;
}

/* RFC 5246 section 7.4. */
enum handshake_type {
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	CERTIFICATE = 11,
	SERVER_KEY_EXCHANGE = 12,
	CERTIFICATE_REQUEST = 13,
	SERVER_HELLO_DONE = 14,
	CLIENT_KEY_EXCHANGE = 16,
	CERTIFICATE_STATUS = 22
};

/* The messages up to the CertificateVerify of a client that shows a certificate. */
static const struct step {
	uint8_t type;
	bool may_be_absent;
	bool is_empty;
	bool has_list; /* a Certificate with one or more in it */
} steps[] = {
	{ .type = CLIENT_HELLO },
	{ .type = SERVER_HELLO },
	{ .type = CERTIFICATE, .has_list = true },
	{ .type = CERTIFICATE_STATUS, .may_be_absent = true },
	{ .type = SERVER_KEY_EXCHANGE },
	{ .type = CERTIFICATE_REQUEST },
	{ .type = SERVER_HELLO_DONE, .is_empty = true },
	{ .type = CERTIFICATE, .has_list = true },
	{ .type = CLIENT_KEY_EXCHANGE },
};

static size_t number_of(const uint8_t *bytes)
{
	return (size_t)bytes[0] << 16 | (size_t)bytes[1] << 8 | bytes[2];
}

static bool has_room_for(const struct step *step, const uint8_t *body, size_t size)
{
	if (step->is_empty)
		return size == 0;
	if (step->has_list)
		return size > LIST_HEAD_SIZE && number_of(body) == size - LIST_HEAD_SIZE;
	return size > 0;
}

static bool is_transcript(const uint8_t *message, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const struct step *step = &steps[i];
		size_t length;

		if (size - at < HEAD_SIZE)
			return false;
		if (message[at] != step->type) {
			if (step->may_be_absent)
				continue;
			return false;
		}
		length = number_of(message + at + 1);
		at += HEAD_SIZE;
		if (length > size - at || !has_room_for(step, message + at, length))
			return false;
		at += length;
	}
	return at == size;
}

enum signer_shape signer_shape_of(enum signer_side side, const uint8_t *message,
				  size_t size)
{
	if (size > SIGNER_MESSAGE_MAX)
		return SIGNER_SHAPE_NONE;
	if (is_verify_13(side, message, size))
		return SIGNER_SHAPE_VERIFY_13;
	if (side == SIGNER_SERVER)
		return is_key_exchange(message, size) ? SIGNER_SHAPE_KEY_EXCHANGE
						      : SIGNER_SHAPE_NONE;
	return is_transcript(message, size) ? SIGNER_SHAPE_TRANSCRIPT : SIGNER_SHAPE_NONE;
}
