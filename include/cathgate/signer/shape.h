/*
 * What a TLS handshake has signed with a certificate's key, told by its bytes alone. The
 * keeper asks here before it signs, because the process that asks for a signature may
 * have been taken over.
 *
 * Promises: no message has two shapes, and none of them can be something that another
 * protocol has signed: each is bound to a handshake by the peer's random number or by a
 * transcript. The functions read no byte outside `message`, allocate nothing and call
 * nothing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The side of the handshake that signs. */
enum signer_side { SIGNER_SERVER, SIGNER_CLIENT };

enum signer_shape {
	SIGNER_SHAPE_NONE,	   /* nothing that this side signs */
	SIGNER_SHAPE_VERIFY_13,	   /* TLS 1.3's CertificateVerify: RFC 8446 4.4.3 */
	SIGNER_SHAPE_KEY_EXCHANGE, /* TLS 1.2's ServerKeyExchange: RFC 8422 5.4 */
	SIGNER_SHAPE_TRANSCRIPT	   /* TLS 1.2's CertificateVerify: RFC 5246 7.4.8 */
};

/* The longest transcript of a handshake that is signed. */
#define SIGNER_MESSAGE_MAX (128 * 1024)

enum signer_shape signer_shape_of(enum signer_side side, const uint8_t *message,
				  size_t size);

#ifdef __cplusplus
}
#endif
