/*
 * TLS 1.2 (RFC 5246) and 1.3 (RFC 8446) on OpenSSL, as server and as client. A context is
 * made once, a handshake waits through the owner's waiter and ends with a transport. No
 * OpenSSL type stands in this header.
 *
 * Promises: both sides always show a certificate. The peer's chain, dates and purpose are
 * checked, and a server's name; with CRLs also the revocation of each certificate below
 * the anchor. ECDHE with AEAD ciphers only, security level 2; no resumption, no
 * renegotiation, no early data. Profiles: PS3.15 B.12 (BCP 195). A failure is a reason
 * code and a sentence for the log, never a bare OpenSSL error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/base/digest.h"
#include "cathgate/base/reason.h"
#include "cathgate/net/transport.h"
#include "cathgate/signer/channel.h"

struct tls_context;

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */
struct spool_public;

/* Where the private keys are, if not in this process: the keeper holds them. A context
 * then has their public halves, and its handshakes need a channel to the keeper. */
struct tls_keys {
	/* Has the file's key held. Its public half, which is the caller's; or NULL, with
	 * faults as those of tls_key_load. */
	struct evp_pkey_st *(*load)(void *context, const struct config_file *file,
				    struct config_faults *faults);
	/* Reads a key of the spool's, which another process holds: its public half, of
	 * suite 0 where the file has a key of another kind. 0; or -1 with faults. */
	int (*judge)(void *context, const struct config_file *file,
		     struct spool_public *ret, struct config_faults *faults);
	/* Has a key of the running set stay. False where that can't be done. */
	bool (*hold)(void *context, const struct signer_key_id *key);
	void *context;
};

/* A context shows one or two certificates, with keys of different kinds. OpenSSL takes
 * the one that fits the peer, the EC one where both do. One that is out of date is left
 * out while the other is valid: only peers that know no other kind of key then fail.
 *
 * Reads what `tls` names into a context and adds to `faults` whatever is wrong with it:
 * files that can't be read, keys that others can read or that don't belong to their
 * certificate, CAs that don't sign the chain, a CA without a CRL that a handshake would
 * take, a wrong purpose, certificates in `ca` that each handshake would refuse, and weak
 * keys. Certificates and CRLs that have expired are CONFIG_CALENDAR faults; those that
 * expire within 30 days are CONFIG_WARNINGs. Returns 0 and the caller's *ret
 * (tls_context_free), or -1 when there was a CONFIG_ERROR. CONFIG_CALENDAR faults don't
 * prevent a context: its handshakes fail with the reason.
 *
 * `keys` NULL: private keys are read into this process.
 *
 * `running` is the context in force, NULL at the start. Of each pair its certificate and
 * key stay, with a CONFIG_WARNING, when the new certificate doesn't fit the key because
 * the key is a credential (systemd passes credentials only when the service starts). They
 * also stay while the new certificate isn't valid yet, as does a CRL: see
 * tls_context_turn.
 *
 * First dates have five minutes of slack, for clocks that are ahead of ours.
 *
 * A peer's chain ends at a self-signed certificate in `ca`. An intermediate CA in `ca`
 * needs its issuer there too. A peer's own certificate may stand in `ca` without its CA;
 * for a listener, an entry must then name it besides (entries_sha256). With CRLs, every
 * CA of the chain needs one. A CRL file holds any number in PEM, or one in DER. */
MUST_USE int tls_server_new(const struct config_tls *tls, const struct tls_keys *keys,
			    const struct tls_context *running, struct tls_context **ret,
			    struct config_faults *faults);
MUST_USE int tls_client_new(const struct config_tls *tls, const struct tls_keys *keys,
			    const struct tls_context *running, struct tls_context **ret,
			    struct config_faults *faults);
void tls_context_free(struct tls_context *context);

/* Adds the faults of `ca` and `crl` alone, as the two above would. -1 without memory. */
MUST_USE int tls_trust_check(const struct config_tls *tls, bool server,
			     struct config_faults *faults);

/* Whether the context offers no post-quantum key exchange. Its ClientHello then fits into
 * one packet, which some old TLS stacks and firewalls demand. */
bool tls_context_is_classic(const struct tls_context *context);

/* What a context uses that has a last date. */
enum tls_end_kind {
	TLS_END_CERTIFICATE, /* in our own certificate's file */
	TLS_END_CA,
	TLS_END_CRL /* of a series, the one that counts */
};

struct tls_end {
	enum tls_end_kind kind;
	const char *path;	      /* of its file */
	char subject[256];	      /* RFC 2253; of a CRL, its CA's */
	time_t begins, until;	      /* -1 where it can't be read */
	char number[48];	      /* of a CRL, in hex; "" when it has none */
	char key[24];		      /* of a certificate: "EC 256", "RSA 2048" */
	char sha256[DIGEST_HEX_SIZE]; /* of its DER form */
};

/* Operators are told 30, 14, 7, 3 and 1 days before an end. Returns the least of these
 * that `now` has come to, 0 after the end, -1 before all. A certificate or CRL that is
 * issued for so few days, as CRLs are, isn't near its end while it is new; `renewed` says
 * that it has replaced another one, so that its issuer does its work. */
int tls_end_stage(enum tls_end_kind kind, time_t begins, time_t until, bool renewed,
		  time_t now);

/* When the context must be made again, because something in its files becomes valid; 0
 * when all is valid already. */
time_t tls_context_turn(const struct tls_context *context);

/* The list is the context's, and lives as long. */
const struct tls_end *tls_context_ends(const struct tls_context *context,
				       size_t *ret_count);

/* Which keys the context signs with: how many. */
size_t tls_context_keys(const struct tls_context *context,
			struct signer_key_id ret[CONFIG_PAIRS_MAX]);

/* Packs what decides whether a context accepts a peer (CAs, CRLs, the oldest TLS version;
 * a client's server name and pinned keys) into bytes for another process of this program.
 * Of a client they include our own certificates, whose keys the keeper holds: after a
 * reload it may hold no others. The caller frees *ret. 0, or -1 without memory. */
MUST_USE int tls_trust_pack(const struct tls_context *context, uint8_t **ret,
			    size_t *ret_size);
/* Replaces these in the context. 0; or -1, and the context is unchanged. */
MUST_USE int tls_trust_adopt(struct tls_context *context, const uint8_t *bytes,
			     size_t size);

/* Packs a whole context, but for its ends and its turn, for a process of this program
 * that has the configuration as well. That includes its private keys. 0 or -1. */
MUST_USE int tls_context_pack(const struct tls_context *context, FILE *to);
/* Takes what was packed away from the bytes. The result is the caller's
 * (tls_context_free). NULL when the bytes are no context, or without memory. */
MUST_USE struct tls_context *tls_context_unpack(const struct config_tls *tls, bool server,
						const uint8_t **bytes, size_t *left);

#define TLS_NAMES_MAX 32 /* kept of a certificate, for dNSName and for URI */

/* The peer's proved identity, and the protection of the connection. */
struct tls_peer {
	char certificate_sha256[DIGEST_HEX_SIZE]; /* of the DER form */
	char public_key_sha256[DIGEST_HEX_SIZE];  /* of the DER SubjectPublicKeyInfo */
	char subject[256];			  /* RFC 2253; cut when longer */
	char issuer[256];			  /* likewise */
	char common_name[128]; /* the last one; empty when none or not text */
	char *dns[TLS_NAMES_MAX],
		*uri[TLS_NAMES_MAX]; /* subjectAltName; free with clear */
	size_t dns_count, uri_count;
	/* The certificate isn't self-signed, is itself in `ca`, and its CA isn't: so
	 * nobody that the gateway trusts has confirmed its names. */
	bool vouches_for_itself;
	time_t begins, ends; /* of the peer's own certificate */
	time_t not_after;    /* the earliest of the verified chain */
	time_t shown_until;  /* likewise, without the anchor in `ca` */
	time_t crl_until; /* the earliest nextUpdate of the CRLs in force; 0: none are */
	char version[16]; /* "TLSv1.3" */
	char cipher[48];  /* "TLS_AES_128_GCM_SHA256" */
	char group[32];	  /* "X25519"; empty where OpenSSL can't tell */
};

/* When the peer's proof ends, by a certificate or a CRL, and the reason then. */
time_t tls_trusted_until(const struct tls_peer *peer);
enum reason tls_trust_ended(const struct tls_peer *peer);

void tls_peer_clear(struct tls_peer *peer);

/* The certificate that a peer showed. Nothing of it is proved: another device's
 * certificate can be shown by anybody, and fails only where the key is asked for. */
struct tls_shown {
	char sha256[DIGEST_HEX_SIZE]; /* of the DER form; "" when none was shown */
	char subject[256];	      /* RFC 2253; cut when longer */
};

struct tls_failure {
	enum reason reason;
	char detail[256];	/* a sentence: what happened, and on which side */
	struct tls_shown shown; /* in a handshake, up to its failure */
};

/* Does the handshake on the connected, tuned socket `fd`, as the side that the context is
 * of. `signer` is a channel to the keeper, which stays the caller's and is good for this
 * handshake alone; -1 where the context holds its private keys itself. On success (0)
 * *ret owns fd and *ret_peer is the caller's to clear. On failure (-1) fd is still the
 * caller's and *failure says why; its reason is REASON_NONE when the waiter gave up, as
 * its owner knows why. A server's reason is a tls-… one, not-tls or peer-lost. A client's
 * is destination-tls, destination-name or destination-lost, with the tls-… reason's name
 * in the detail. Either may be internal, without memory or when the keeper didn't sign.
 */
MUST_USE int tls_handshake(const struct tls_context *context, int fd, int signer,
			   const struct waiter *waiter, struct transport *ret,
			   struct tls_peer *ret_peer, struct tls_failure *failure);

/* Judges the peer of an open connection again by the context's present trust, and notes
 * the new dates in *peer. Dates are not judged here: see tls_trusted_until. 0, also for a
 * plain transport; or -1 with a failure as in a handshake. */
MUST_USE int tls_judge_again(const struct tls_context *context,
			     const struct transport *transport, struct tls_peer *peer,
			     struct tls_failure *ret);

/* The trust of a listener with that `tls`, of which only `ca` and `crl` count: nobody has
 * to have a key. NULL where they can't be read, or without memory. */
struct tls_judge;
MUST_USE struct tls_judge *tls_judge_open(const struct config_tls *tls);
void tls_judge_close(struct tls_judge *judge);
/* Whether that listener would accept the first certificate of a PEM text in a handshake,
 * with the others of the text beside it. `judge` may be NULL. 0, or -1 with a failure as
 * in a handshake. */
MUST_USE int tls_judge_certificate(const struct tls_judge *judge, const char *pem,
				   size_t size, struct tls_failure *ret);

/* Whether TLS has failed since the handshake, by an alert or a broken record, and how: in
 * TLS 1.3 a client learns only at its first read that the server refuses its certificate.
 * The reasons are those of a handshake; a broken record is peer-lost (destination-lost
 * for a client), and endless records without data are malformed (destination-protocol).
 * False for a plain transport, when the waiter gave up, and when the peer just closed. */
bool tls_failed(const struct transport *transport, struct tls_failure *ret);
