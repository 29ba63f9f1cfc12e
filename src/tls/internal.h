/*
 * What the files of tls/ share; OpenSSL's types end here.
 *
 * load.c reads the files, and token.c has keys that are in none. keep.c decides which of
 * their certificates and CRLs count, and series.c which CRL of a series does. check.c and
 * check_crls.c look for faults in them. context.c makes an SSL_CTX of them, and ends.c
 * notes their last dates. handshake.c brings up a connection, for which verify.c judges
 * the peer's chain. peer.c describes the peer, failure.c what went wrong. stream.c is the
 * transport. trust.c judges the peer of an open connection again. items.c and pack.c take
 * a context to another process. facts.c reads single certificates and CRLs.
 */
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "cathgate/base/certificate.h"
#include "cathgate/base/must_use.h"
#include "cathgate/tls/tls.h"

#define TLS_SUBJECT_SIZE  256
#define TLS_DATE_SIZE	  sizeof("2026-01-31 12:00 UTC")
#define TLS_SENTENCE_SIZE 256

/* A certificate of our own and its key. */
struct tls_pair {
	STACK_OF(X509) * chain; /* our own certificate first */
	EVP_PKEY *key;		/* the public half alone where the keeper has it */
	EVP_PKEY *signer;	/* what libssl signs with; NULL until a context is made */
	struct signer_key_id id; /* likewise */
};

struct tls_context {
	SSL_CTX *ssl_ctx;
	bool server;
	bool is_classic; /* no post-quantum group is offered */
	/* What the SSL_CTX shows; of each kind of key one. */
	struct tls_pair pairs[CONFIG_PAIRS_MAX];
	size_t pair_count;
	bool has_newer_pairs; /* than the SSL_CTX: another process has brought them */
	char *server_name;    /* of a client's context */
	bool server_name_is_address;   /* no SNI then: RFC 6066 section 3 */
	char (*pins)[DIGEST_HEX_SIZE]; /* public keys, one of which must be shown */
	size_t pin_count;
	struct tls_end *ends;
	size_t end_count;
	time_t turn; /* when something in the files becomes valid that isn't yet; 0: no */
};

/* The content of the files of one config_tls; NULL where a file couldn't be read. */
struct tls_material {
	struct tls_pair pairs[CONFIG_PAIRS_MAX];
	size_t pair_count; /* of config_tls.certificate */
	STACK_OF(X509) * ca;
	STACK_OF(X509_CRL) * *crl; /* a list for each of config_tls.crl */
	size_t crl_count;
	STACK_OF(X509_CRL) * kept; /* of the running set, until the new ones begin */
	time_t turn;		   /* as in tls_context */
};

/* Reads what it can and adds a fault for the rest. -1 only without memory. */
MUST_USE int tls_material_load(const struct config_tls *tls, const struct tls_keys *keys,
			       struct tls_material *ret, struct config_faults *faults);
/* As tls_key_load, of a file that is `in_token`: a CONFIG_REFUSED fault where it was not
 * let in. */
MUST_USE EVP_PKEY *tls_token_key_load(const struct config_file *file,
				      struct config_faults *faults);
/* The certificates of a PEM file in their order; NULL when there was a fault. */
MUST_USE STACK_OF(X509) * tls_load_certificates(const struct config_file *file,
						struct config_faults *faults);
/* Only `ca` and `crl`. */
MUST_USE int tls_material_load_trust(const struct config_tls *tls,
				     struct tls_material *ret,
				     struct config_faults *faults);
void tls_material_clear(struct tls_material *material);
/* *to shares what `from` holds, in the place of what it held. 0, or -1 without memory. */
MUST_USE int tls_pair_share(const struct tls_pair *from, struct tls_pair *to);
void tls_pair_clear(struct tls_pair *pair);
/* Fills in signer and id: the keeper signs, or else the key itself does. */
MUST_USE bool tls_pair_set_signer(struct tls_pair *pair, bool has_keeper);
/* Whether both have the same kind of key: a peer can be shown one of them only. */
bool tls_pair_is_like(const struct tls_pair *a, const struct tls_pair *b);

/* Removes certificates from a listener's `ca` that are no CA's and that no entry names:
 * an operator may have put them there by mistake instead of their CA. This is a warning,
 * since removing an entry must not make the next reload fail; it is an error when no
 * certificate is left, since the gateway would refuse every modality. */
void tls_drop_unnamed(struct tls_material *material, const struct config_tls *tls,
		      struct config_faults *faults);

/* systemd passes credentials only when the service starts, so a key that is a credential
 * stays when its certificate is renewed. Keeps the pair of `running` then, which may be
 * NULL, provided that its key can still be had. This function and the next two: 0, or -1
 * without memory. */
MUST_USE int tls_keep_pairs(const struct config_tls *tls, const struct tls_keys *keys,
			    const struct tls_context *running,
			    struct tls_material *material, struct config_faults *faults);
/* Keeps a pair of `running` while it is valid and the new certificate isn't yet. */
MUST_USE int tls_keep_valid_pairs(const struct config_tls *tls,
				  const struct tls_keys *keys,
				  const struct tls_context *running,
				  struct tls_material *material,
				  struct config_faults *faults);
/* Keeps a CRL of `running` beside a new one that isn't valid yet. */
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

/* Whether a CA may sign certificates of TLS servers, or clients. */
bool tls_may_sign_for(X509 *ca, bool server);
/* Whether the gateway accepts a certificate that OpenSSL refuses with the error in
 * `check`; called in OpenSSL's verify callback, which then returns 1. */
bool tls_is_excused(X509_STORE_CTX *check);
/* X509_verify_cert() that also takes a peer's own certificate in `ca` without its CA. */
int tls_verify(X509_STORE_CTX *check, void *unused);
/* A store that judges revocation by tls_revocation; NULL without memory. */
MUST_USE X509_STORE *tls_store_new(void);
/* Adds the CAs and CRLs. 0, or -1 without memory. */
MUST_USE int tls_store_fill(X509_STORE *store, const struct tls_material *material);
/* Gives the context the CAs and CRLs. The system's own store of CAs isn't used. */
MUST_USE bool tls_set_trust(SSL_CTX *ssl_ctx, const struct tls_material *material,
			    bool server);
/* Judges a certificate by the CRLs in the store: X509_V_OK and until when, or the error
 * X509_V_…. With `ever`, CRLs that have ended count, too. */
MUST_USE int tls_revocation(X509_STORE *store, X509 *certificate, X509 *issuer, bool ever,
			    time_t *ret_until);

/* Whether two CRLs of a CA are about the same certificates. */
bool tls_crl_scopes_equal(X509_CRL *a, X509_CRL *b);
/* Whether `crl` counts and `of`, of the same series, doesn't. */
bool tls_crl_speaks_instead(X509_CRL *crl, X509_CRL *of, time_t now);
/* Whether both have the same issuer, scope and signing key, which is one in `ca`. */
bool tls_crl_in_same_series(X509_CRL *a, X509_CRL *b, STACK_OF(X509) * ca);
/* CRL number `at` of those in the files and then those kept, and the number of its file
 * (crl_count for one that was kept); NULL behind the last. */
X509_CRL *tls_material_crl(const struct tls_material *material, size_t at,
			   size_t *ret_file);
/* The CRL that counts in the series of `crl`, which is one of the material's. */
X509_CRL *tls_series_speaker(const struct tls_material *material, X509_CRL *crl);

/* Seconds: a certificate or CRL counts so long before its first date, since a CA's clock
 * can be ahead of ours, and CAs sign CRLs with the current time. */
#define TLS_CLOCK_SLACK ((time_t)5 * 60)
bool tls_has_begun(time_t first, time_t now);
bool tls_crl_is_in_force(X509_CRL *crl, time_t now);
/* The dates between which peers accept our chain. */
void tls_chain_dates(STACK_OF(X509) * chain, time_t *ret_first, time_t *ret_last);
/* REASON_NONE when peers accept our chain by its dates; else the reason with a sentence.
 */
enum reason tls_chain_fault(STACK_OF(X509) * chain, char ret[TLS_SENTENCE_SIZE]);

/* -1 when the time can't be read. */
time_t tls_time(const ASN1_TIME *time);
void tls_date(time_t time, char ret[TLS_DATE_SIZE]);
/* In RFC 2253's form and in ASCII, cut when it is too long. */
void tls_subject(const X509_NAME *name, char ret[TLS_SUBJECT_SIZE]);
bool tls_is_self_signed(X509 *certificate);
/* Whether it is neither a CA's nor self-signed: in `ca`, it is a peer's own. */
bool tls_is_leaf(X509 *certificate);

/* 0, or -1 without memory. */
MUST_USE int tls_ends_note(struct tls_context *context, const struct config_tls *tls,
			   const struct tls_material *material);
void tls_ends_clear(struct tls_context *context);

/* 0, or -1 without memory. */
MUST_USE int tls_peer_fill(SSL *ssl, struct tls_peer *ret);
/* Notes the dates of a verified chain and of the CRLs about it, and whether the chain is
 * the peer's own certificate alone. */
void tls_peer_note_chain(STACK_OF(X509) * chain, X509_STORE *store, struct tls_peer *ret);

/* The first thing that was wrong with the peer's chain, if anything was. */
struct tls_verdict {
	/* The name that a client expects. It is a copy, since a reload may free the
	 * context while the gateway waits for the peer. */
	char server_name[TLS_SUBJECT_SIZE];
	int error; /* X509_V_… */
	int depth;
	char subject[TLS_SUBJECT_SIZE], issuer[TLS_SUBJECT_SIZE];
	char not_before[TLS_DATE_SIZE], not_after[TLS_DATE_SIZE];
	struct tls_shown shown; /* whatever the verdict */
};

/* A verdict without an error, with the name that `context` expects. */
void tls_verdict_begin(const struct tls_context *context, struct tls_verdict *ret);
/* OpenSSL's verify callback: fills the tls_verdict that is the SSL's app data. */
int tls_note_verdict(int good, X509_STORE_CTX *store);

/* Fills *ret. On a client's side the reason becomes a destination-… one, and the name of
 * `reason` stands before the sentence. */
void tls_fail(struct tls_failure *ret, bool server, enum reason reason,
	      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Describes the errors in OpenSSL's queue, and empties it. */
void tls_fail_handshake(struct tls_failure *ret, bool server, SSL *ssl,
			const struct tls_verdict *verdict);
/* The same. `settled`: the peer has accepted our certificate, so an alert is about
 * something else. */
void tls_fail_stream(struct tls_failure *ret, bool server, SSL *ssl, bool settled);
void tls_fail_verdict(struct tls_failure *ret, bool server,
		      const struct tls_verdict *verdict);

/* 0, or -1 when the peer's public key isn't among the context's pins. */
MUST_USE int tls_check_pins(const struct tls_context *context,
			    const struct tls_peer *peer, struct tls_failure *failure);

/* Sets the name that a client's context expects. 0, or -1 without memory. */
MUST_USE int tls_expect_name(struct tls_context *context, const char *name);

/* How often one call of OpenSSL may read the socket before it returns to the loop that
 * checks deadlines. OpenSSL itself would read as long as a peer sends records without
 * data. The first read may end within a record, and the second gets the rest. OpenSSL
 * uses up its buffer before each read, so the buffer is empty when poll() waits. */
#define TLS_READS_A_CALL 2

/* Counts down the reads that are left. If none is left, returns false and has OpenSSL's
 * call end with SSL_ERROR_WANT_READ. */
MUST_USE bool tls_may_read(BIO *bio, unsigned *reads_left);

/* OpenSSL's message callback, called for the head of each record, and in TLS 1.3 for the
 * encrypted type. Counts records once a stream is its argument. It must be set before the
 * handshake: OpenSSL 3.5 passes it to its record layer when it makes a connection's keys.
 */
void tls_note_record(int sent, int version, int kind, const void *bytes, size_t size,
		     SSL *ssl, void *context);

/* The peer's name in sentences. */
static inline const char *tls_who(bool server)
{
	return server ? "the modality" : "the destination";
}

/* A context, or its trust, on its way to another process: items with a kind and bytes. */
enum tls_item_kind {
	TLS_ITEM_CA, /* DER, as is the next */
	TLS_ITEM_CRL,
	TLS_ITEM_VERSION,
	TLS_ITEM_NAME,
	TLS_ITEM_PIN,
	TLS_ITEM_OWN,	/* a certificate of ours: DER, as is the next */
	TLS_ITEM_CHAIN, /* of the CAs above the last of these */
	TLS_ITEM_END	/* of a context */
};

struct tls_item {
	uint32_t kind, size;
	const uint8_t *bytes;
};

/* 0 or -1. */
MUST_USE int tls_item_put(FILE *to, enum tls_item_kind kind, const void *bytes,
			  size_t size);
/* Takes the first item away from the bytes; *ret points into them. */
MUST_USE bool tls_item_take(const uint8_t **bytes, size_t *left, struct tls_item *ret);
/* The CAs and CRLs in the context's store. 0 or -1. */
MUST_USE int tls_put_store(FILE *to, const struct tls_context *context);
/* A certificate of ours and those above it, without the key. 0 or -1. */
MUST_USE int tls_put_chain(FILE *to, STACK_OF(X509) * chain);
/* Adds such a certificate to the pairs, of which there is room for CONFIG_PAIRS_MAX. The
 * keeper signs for them. */
MUST_USE bool tls_take_chain(const struct tls_item *item, struct tls_pair *pairs,
			     size_t *count);
/* Makes a context of what the files hold; the keeper signs for it, or the keys
 * themselves do. NULL when OpenSSL refuses or without memory. */
MUST_USE struct tls_context *tls_context_make(const struct config_tls *tls, bool server,
					      const struct tls_material *material,
					      bool has_keeper);

/* Whether OpenSSL's queue says that the peer closed without a close_notify. */
bool tls_is_end_of_file(void);

/* Takes over `ssl`, whose handshake is done, and its socket. 0; or -1 without memory, and
 * both stay the caller's. */
MUST_USE int tls_stream_new(SSL *ssl, int fd, const struct waiter *waiter, bool server,
			    struct transport *ret);
/* The SSL of a transport; NULL for a plain one. */
SSL *tls_stream_ssl(const struct transport *transport);
