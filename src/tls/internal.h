/*
 * What the files of tls/ share; OpenSSL's types end here.
 *
 * load.c reads the files. keep.c decides which of their certificates and CRLs count, and
 * series.c which CRL of a series does. check.c and check_crls.c look for faults in them.
 * context.c makes an SSL_CTX of them, and ends.c notes their last dates. handshake.c
 * brings up a connection, for which verify.c judges the peer's chain. peer.c describes
 * the peer, failure.c what went wrong. stream.c is the transport. trust.c judges the peer
 * of an open connection again. facts.c reads single certificates and CRLs.
 */
#ifndef CATHGATE_TLS_INTERNAL_H
#define CATHGATE_TLS_INTERNAL_H

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "cathgate/base/certificate.h"
#include "cathgate/base/must_use.h"
#include "cathgate/tls/tls.h"

#define TLS_SUBJECT_SIZE 256
#define TLS_DATE_SIZE	 sizeof("2026-01-31 12:00 UTC")

struct tls_context {
	SSL_CTX *ssl_ctx;
	bool server;
	bool is_classic;		/* no post-quantum group is offered */
	char subject[TLS_SUBJECT_SIZE]; /* of our own certificate */
	time_t not_before, not_after;	/* of the chain we show: the narrowest */
	char *server_name;		/* of a client's context */
	bool server_name_is_address;	/* no SNI then: RFC 6066 section 3 */
	char (*pins)[DIGEST_HEX_SIZE];	/* public keys, one of which must be shown */
	size_t pin_count;
	struct tls_end *ends;
	size_t end_count;
	time_t turn; /* when something of the files that isn't valid yet will be; 0: none
		      */
};

/* What the files of one config_tls hold; parts that couldn't be read are NULL. */
struct tls_material {
	STACK_OF(X509) * chain; /* our own certificate first */
	EVP_PKEY *key;
	STACK_OF(X509) * ca;
	STACK_OF(X509_CRL) * *crl; /* one list for each of config_tls.crl */
	size_t crl_count;
	STACK_OF(X509_CRL) * kept; /* in force until those of the files are */
	time_t turn;		   /* as in tls_context */
};

/* Reads all that can be read, adding a fault for the rest. -1 only without memory. */
MUST_USE int tls_material_load(const struct config_tls *tls, struct tls_material *ret,
			       struct config_faults *faults);
void tls_material_clear(struct tls_material *material);

/* Takes certificates out of a listener's `ca` that are no CA's and that no entry names:
 * they could have been put there by mistake, in the place of their CA. An entry that goes
 * must stop no reload, so that this is a warning; an error where nothing is left, since
 * then everybody would be refused. */
void tls_drop_unnamed(struct tls_material *material, const struct config_tls *tls,
		      struct config_faults *faults);

/* systemd hands credentials over when the service starts: a key that is one can't follow
 * its certificate. Better the old pair of `running`, which may be NULL, than none. -1
 * only without memory, as below. */
MUST_USE int tls_keep_pair(const struct config_tls *tls,
			   const struct tls_context *running,
			   struct tls_material *material, struct config_faults *faults);
/* Our own certificate that isn't valid yet has to wait while that of `running` is. */
MUST_USE int tls_keep_valid_pair(const struct config_tls *tls,
				 const struct tls_context *running,
				 struct tls_material *material,
				 struct config_faults *faults);
/* Likewise a CRL: that of `running` stays in force beside it. */
MUST_USE int tls_keep_crls(const struct tls_context *running,
			   struct tls_material *material);

void tls_material_check(const struct tls_material *material, const struct config_tls *tls,
			bool server, struct config_faults *faults);

struct tls_check {
	const struct tls_material *material; /* CAs and CRLs could all be read */
	const struct config_tls *tls;
	struct config_faults *faults;
	time_t now;
};
void tls_check_crls(const struct tls_check *check);

/* Whether it may stand behind a TLS server's, or a client's, in a chain. */
bool tls_may_sign_for(X509 *ca, bool server);
/* Whether what OpenSSL holds against a certificate is taken all the same; for its verify
 * callback, which then returns 1. */
bool tls_is_excused(X509_STORE_CTX *check);
/* Verifies as X509_verify_cert does, and knows leaves that are believed as themselves. */
int tls_verify(X509_STORE_CTX *check, void *unused);
/* A store by which chains are judged as here: without memory NULL. */
MUST_USE X509_STORE *tls_store_new(void);
/* The CAs and CRLs. 0, or -1 without memory. */
MUST_USE int tls_store_fill(X509_STORE *store, const struct tls_material *material);
/* What the CRLs in the store say of a certificate: X509_V_OK, and until when they do, or
 * why it can't be believed. `ever`: whatever their last dates. */
MUST_USE int tls_revocation(X509_STORE *store, X509 *certificate, X509 *issuer, bool ever,
			    time_t *ret_until);

/* Whether two CRLs are about the same of what their CA signs. */
bool tls_crl_scopes_equal(X509_CRL *a, X509_CRL *b);
/* Whether it speaks instead of another of its series. */
bool tls_crl_speaks_instead(X509_CRL *crl, X509_CRL *of, time_t now);
/* Of the same name, scope and key, which is one in `ca`. */
bool tls_crl_in_same_series(X509_CRL *a, X509_CRL *b, STACK_OF(X509) * ca);
/* Of the CRLs of the files, and then those kept, number `at`, and the number of its file
 * (crl_count: kept); NULL behind the last. */
X509_CRL *tls_material_crl(const struct tls_material *material, size_t at,
			   size_t *ret_file);
/* The one that speaks in the series of one of the material's. */
X509_CRL *tls_series_speaker(const struct tls_material *material, X509_CRL *crl);

/* What somebody's clock can be ahead of ours: something is taken as valid so long before
 * its first date. CAs sign CRLs with dates of the moment. */
#define TLS_CLOCK_SLACK ((time_t)5 * 60)
bool tls_has_begun(time_t first, time_t now);
bool tls_crl_is_in_force(X509_CRL *crl, time_t now);
/* The dates between which peers will take a chain of ours. */
void tls_chain_dates(STACK_OF(X509) * chain, time_t *ret_first, time_t *ret_last);

/* When a time can't be read, -1. */
time_t tls_time(const ASN1_TIME *time);
void tls_date(time_t time, char ret[TLS_DATE_SIZE]);
/* In RFC 2253's form, in ASCII, cut when longer. */
void tls_subject(const X509_NAME *name, char ret[TLS_SUBJECT_SIZE]);
bool tls_is_self_signed(X509 *certificate);
/* No CA's, and signed by another: where it is in `ca`, it is believed as itself. */
bool tls_is_leaf(X509 *certificate);
/* Whether it has a name or a purpose, which peers' certificates have and no CA's needs.
 */
bool tls_looks_like_a_peers(X509 *certificate);
MUST_USE int tls_public_key_sha256(X509 *certificate, char ret[DIGEST_HEX_SIZE]);

/* 0, or -1 without memory. */
MUST_USE int tls_ends_note(struct tls_context *context, const struct config_tls *tls,
			   const struct tls_material *material);
void tls_ends_clear(struct tls_context *context);

/* 0, or -1 without memory. */
MUST_USE int tls_peer_fill(SSL *ssl, struct tls_peer *ret);
/* Until when a verified chain stands, by itself and by the CRLs in the store; and whether
 * there is any besides the peer's own certificate. */
void tls_peer_note_chain(STACK_OF(X509) * chain, X509_STORE *store, struct tls_peer *ret);

/* The first thing that was wrong with the peer's chain, if anything was. */
struct tls_verdict {
	/* That a client asked for. A copy: a reload may take the context's own away while
	 * the peer is waited for. */
	char server_name[TLS_SUBJECT_SIZE];
	int error; /* X509_V_… */
	int depth;
	char subject[TLS_SUBJECT_SIZE], issuer[TLS_SUBJECT_SIZE];
	char not_before[TLS_DATE_SIZE], not_after[TLS_DATE_SIZE];
};

/* Nothing is wrong yet with the peer that `context` asks for. */
void tls_verdict_begin(const struct tls_context *context, struct tls_verdict *ret);
/* OpenSSL's verify callback: fills the tls_verdict that is the SSL's app data. */
int tls_note_verdict(int good, X509_STORE_CTX *store);

/* Fills *ret for our side: a client's reason becomes a destination-… one, and the word of
 * the reason it was goes before the sentence. */
void tls_fail(struct tls_failure *ret, bool server, enum reason reason,
	      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Of the errors in OpenSSL's queue, which it empties. */
void tls_fail_handshake(struct tls_failure *ret, bool server, SSL *ssl,
			const struct tls_verdict *verdict);
/* settled: the peer has taken our certificate, so that an alert is no refusal of it. */
void tls_fail_stream(struct tls_failure *ret, bool server, bool settled);
void tls_fail_verdict(struct tls_failure *ret, bool server,
		      const struct tls_verdict *verdict);

/* 0, or -1 when the peer's public key isn't one that the context wants. */
MUST_USE int tls_check_pins(const struct tls_context *context,
			    const struct tls_peer *peer, struct tls_failure *failure);

/* The name that a client's context wants to see from here on. 0, or -1 without memory. */
MUST_USE int tls_expect_name(struct tls_context *context, const char *name);

/* One call of OpenSSL reads the socket as often as that, and then returns to the loop
 * that looks at deadlines. By itself OpenSSL reads on for as long as a peer keeps sending
 * it records that hold no data. The first read may end within a record; the second takes
 * what has come of its rest. What was read is used up before the next read, so that
 * nothing is left in OpenSSL's buffer when the socket is waited for. */
#define TLS_READS_A_CALL 2

/* Called before each read of the socket, with what is left of them: whether it may be. If
 * not, OpenSSL is told to try again later. */
MUST_USE bool tls_may_read(BIO *bio, unsigned *reads_left);

/* OpenSSL's message callback: called for the head of each record, and in TLS 1.3 for the
 * type that was encrypted with it; counts what comes once a stream is its argument.
 * OpenSSL 3.5 hands it on to a connection's keys as these are made, so it is to be there
 * before the handshake. */
void tls_note_record(int sent, int version, int kind, const void *bytes, size_t size,
		     SSL *ssl, void *context);

/* The peer, as sentences name it. */
static inline const char *tls_who(bool server)
{
	return server ? "the modality" : "the destination";
}

/* Whether OpenSSL's queue says that the peer just hung up, without a close_notify. */
bool tls_is_end_of_file(void);

/* Takes over `ssl`, whose handshake is done, and with it the socket. 0, or -1 without
 * memory, both then still the caller's. */
MUST_USE int tls_stream_new(SSL *ssl, int fd, const struct waiter *waiter, bool server,
			    struct transport *ret);
/* The SSL of a transport; NULL when it is plain. */
SSL *tls_stream_ssl(const struct transport *transport);

#endif
