/*
 * TLS 1.2 (RFC 5246) and 1.3 (RFC 8446) on OpenSSL, both legs: contexts made once, a
 * handshake through the owner's waiter, then a transport. No OpenSSL type leaves it.
 *
 * Promises: both sides always show a certificate, and the peer's chain, dates, purpose
 * and (when configured) revocation of every certificate below its anchor are checked;
 * ECDHE with AEAD ciphers only, security level 2; no resumption, no renegotiation, no
 * early data; a server's name is checked. Profiles: PS3.15 B.12 (BCP 195). A failure is a
 * reason code and a sentence for the log, never a bare OpenSSL error.
 */
#ifndef CATHGATE_TLS_H
#define CATHGATE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/base/digest.h"
#include "cathgate/base/reason.h"
#include "cathgate/net/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tls_context;

/* Reads what `tls` names into a context and adds to `faults` whatever is wrong with it:
 * files that can't be read, keys that others can read or that don't belong to their
 * certificate, CAs that don't sign the chain, a CA without a CRL that a handshake would
 * take, a wrong purpose, certificates in `ca` that each handshake would refuse, and weak
 * keys. Certificates and CRLs that have expired are CONFIG_CALENDAR faults; those that
 * expire within 30 days are CONFIG_WARNINGs. Returns 0 and the caller's *ret
 * (tls_context_free), or -1 when there was a CONFIG_ERROR. CONFIG_CALENDAR faults don't
 * prevent a context: its handshakes fail with the reason.
 *
 * `running` is the context in force, NULL at the start. Its certificate and key stay,
 * with a CONFIG_WARNING, when the new certificate doesn't fit the key because the key is
 * a credential (systemd passes credentials only when the service starts). They also stay
 * while the new certificate isn't valid yet, as does a CRL: see tls_context_turn.
 *
 * First dates have five minutes of slack, for clocks that are ahead of ours.
 *
 * A peer's chain ends at a self-signed certificate in `ca`. An intermediate CA in `ca`
 * needs its issuer there too. A peer's own certificate may stand in `ca` without its CA;
 * for a listener, an entry must then name it besides (entries_sha256). With CRLs, every
 * CA of the chain needs one. A CRL file holds any number in PEM, or one in DER. */
MUST_USE int tls_server_new(const struct config_tls *tls,
			    const struct tls_context *running, struct tls_context **ret,
			    struct config_faults *faults);
MUST_USE int tls_client_new(const struct config_tls *tls,
			    const struct tls_context *running, struct tls_context **ret,
			    struct config_faults *faults);
void tls_context_free(struct tls_context *context);

/* Whether it offers no post-quantum key exchange: its ClientHello then fits into one
 * packet, which some old TLS stacks and firewalls demand. */
bool tls_context_is_classic(const struct tls_context *context);

/* What of a context will end some day. */
enum tls_end_kind {
	TLS_END_CERTIFICATE, /* our own, and what stands behind it in its file */
	TLS_END_CA,
	TLS_END_CRL /* of several in one series, the one that began last */
};

struct tls_end {
	enum tls_end_kind kind;
	const char *path;	      /* of its file */
	char subject[256];	      /* RFC 2253; of a CRL, its CA's */
	time_t begins, until;	      /* -1 where it can't be read */
	char number[48];	      /* of a CRL, in hex; "" when it has none */
	char sha256[DIGEST_HEX_SIZE]; /* of its DER form */
};

/* The days before an end at which somebody is told, 30, 14, 7, 3 and 1: which of these it
 * has come to, 0 when it has ended, -1 when it is further off than any. What is issued
 * for less time, as CRLs are, is not near its end when it is new: `renewed` says that it
 * took the place of another, so that all goes as it should. */
int tls_end_stage(enum tls_end_kind kind, time_t begins, time_t until, bool renewed,
		  time_t now);

/* When something of the files that isn't valid yet, and waits, will be: then the context
 * is to be made anew. 0 when nothing waits. */
time_t tls_context_turn(const struct tls_context *context);

/* The context's, until it is freed. */
const struct tls_end *tls_context_ends(const struct tls_context *context,
				       size_t *ret_count);

/* Which peers a context believes (its CAs and CRLs, the oldest TLS; a client's server
 * name and pinned keys), in bytes for another process of this program; the caller frees
 * *ret. 0, or -1 without memory. Our own certificate and key are not among them. */
MUST_USE int tls_trust_pack(const struct tls_context *context, uint8_t **ret,
			    size_t *ret_size);
/* From here on the context believes those instead. 0; or -1, and it is unchanged. */
MUST_USE int tls_trust_adopt(struct tls_context *context, const uint8_t *bytes,
			     size_t size);

#define TLS_NAMES_MAX 32 /* dNSName and URI entries kept of a certificate, each kind */

/* Who the peer has proved to be, and how the connection is protected. */
struct tls_peer {
	char certificate_sha256[DIGEST_HEX_SIZE]; /* of the DER form */
	char public_key_sha256[DIGEST_HEX_SIZE];  /* of the DER SubjectPublicKeyInfo */
	char subject[256];			  /* RFC 2253; cut when longer */
	char issuer[256];			  /* the same of who signed it */
	char common_name[128]; /* the last one; empty when none or not text */
	char *dns[TLS_NAMES_MAX],
		*uri[TLS_NAMES_MAX]; /* subjectAltName; free with clear */
	size_t dns_count, uri_count;
	/* It is in `ca`, and no CA there has signed it: nobody known has written what
	 * names stand in it. Not of a self-signed one. */
	bool vouches_for_itself;
	time_t begins, ends; /* of its own certificate alone */
	time_t not_after;    /* the earliest of the chain that was verified */
	time_t shown_until; /* the earliest of it without the CA that we hold ourselves */
	time_t crl_until; /* the earliest nextUpdate of the CRLs in force; 0: none are */
	char version[16]; /* "TLSv1.3" */
	char cipher[48];  /* "TLS_AES_128_GCM_SHA256" */
	char group[32];	  /* "X25519"; empty where OpenSSL can't tell */
};

/* Until when what the peer has proved stands, whichever ends first; and how it ends. */
time_t tls_trusted_until(const struct tls_peer *peer);
enum reason tls_trust_ended(const struct tls_peer *peer);

void tls_peer_clear(struct tls_peer *peer);

struct tls_failure {
	enum reason reason;
	char detail[256]; /* a sentence: what happened, and on whose side */
};

/* Does the handshake on the connected, tuned socket `fd`. On success (0) *ret owns fd and
 * *ret_peer is the caller's to clear. On failure -1: fd is still the caller's and
 * *failure says why; its reason is REASON_NONE when the waiter gave up (the owner knows
 * why). As a server, the reason is one of the tls-… ones, not-tls or peer-lost; as a
 * client it is destination-tls, destination-name or destination-lost, with the tls-… word
 * in the detail; on either side, internal when there is no memory. */
MUST_USE int tls_accept(struct tls_context *context, int fd, const struct waiter *waiter,
			struct transport *ret, struct tls_peer *ret_peer,
			struct tls_failure *failure);
MUST_USE int tls_connect(struct tls_context *context, int fd, const struct waiter *waiter,
			 struct transport *ret, struct tls_peer *ret_peer,
			 struct tls_failure *failure);

/* Judges the peer of an open connection once more by what `context` believes now, and
 * notes until when in *peer. Dates are left to tls_trusted_until. 0, also for a plain
 * transport; or -1 with the failure, whose reason is as in a handshake. */
MUST_USE int tls_judge_again(const struct tls_context *context,
			     const struct transport *transport, struct tls_peer *peer,
			     struct tls_failure *ret);

/* Whether the carrier itself has failed since (an alert, a broken record), and how: in
 * TLS 1.3 a server that refuses the client's certificate is heard only at the first read.
 * The reasons are those of a handshake; peer-lost (of a client, destination-lost) for a
 * broken record; malformed (destination-protocol) for records that hold no data, without
 * end.
 * False for a plain transport, a waiter that gave up, and a peer that just closed. */
bool tls_failed(const struct transport *transport, struct tls_failure *ret);

#ifdef __cplusplus
}
#endif

#endif
