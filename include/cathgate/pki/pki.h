/*
 * A small private CA (RFC 5280) on OpenSSL: keys, certificates, requests, CRLs and
 * PKCS#12 files, for a site that has no CA of its own for its modalities. No OpenSSL type
 * leaves it.
 *
 * Promises: serial numbers are 127 random bits; every certificate has the extensions that
 * RFC 5280 asks for and nothing that security level 2 refuses; none outlives the CA that
 * signs it; a CRL's number only grows. It opens files to read only; what it makes is text
 * in memory, wiped when freed, and written by whoever asked for it.
 *
 * What returns a pointer or 0 returns NULL or -1 when it fails. With a `ret_error`, that
 * is then what is wrong and its cure, for a message that names the file; without,
 * pki_failure tells it.
 */
#ifndef CATHGATE_PKI_H
#define CATHGATE_PKI_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "cathgate/base/digest.h"
#include "cathgate/base/must_use.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What OpenSSL says of the last failure, without its cure. Good until the next. */
const char *pki_failure(void);

struct pki_text {
	char *bytes; /* with a NUL behind them */
	size_t size;
};
void pki_text_free(struct pki_text *text);

enum pki_algorithm { PKI_EC_P256, PKI_RSA_2048, PKI_RSA_3072, PKI_RSA_4096 };

/* A private key; or, from a request, its public half alone. */
struct pki_key;
MUST_USE struct pki_key *pki_key_new(enum pki_algorithm algorithm);
/* Another of the same kind and strength as the key of a certificate. */
struct pki_certificate;
MUST_USE struct pki_key *pki_key_like(const struct pki_certificate *certificate);
MUST_USE struct pki_key *pki_key_read(const char *path, const char **ret_error);
MUST_USE int pki_key_write(const struct pki_key *key, struct pki_text *ret);
void pki_key_free(struct pki_key *key);

/* What a certificate is to be for. Only what has been proved is taken from a request: its
 * key. */
enum pki_role {
	PKI_CA,	    /* signs certificates and CRLs, and no further CA */
	PKI_SERVER, /* the gateway, to modalities */
	PKI_CLIENT  /* a modality, or the gateway to the PACS */
};
struct pki_wish {
	enum pki_role role;
	const char *common_name;  /* up to 64 bytes of UTF-8 */
	const char *organization; /* or NULL */
	const char *const *names; /* of hosts, or numeric addresses */
	size_t name_count;
	const char *uri; /* or NULL */
	unsigned days;
};

/* Signed by a CA, or by itself without one (`key` is then a private one). */
MUST_USE struct pki_certificate *pki_issue(const struct pki_wish *wish,
					   const struct pki_key *key,
					   const struct pki_certificate *ca,
					   const struct pki_key *ca_key);
/* The same as one before, subject, names and purposes, for another time, with that key,
 * which must be of the same kind. */
MUST_USE struct pki_certificate *pki_reissue(const struct pki_certificate *before,
					     unsigned days, const struct pki_key *key,
					     const struct pki_certificate *ca,
					     const struct pki_key *ca_key);
/* The first one of a file, PEM or DER. */
MUST_USE struct pki_certificate *pki_certificate_read(const char *path,
						      const char **ret_error);
/* What would keep the gateway from taking it as a modality's, with the cure; else NULL.
 */
MUST_USE const char *pki_certificate_fault(const struct pki_certificate *certificate);
MUST_USE int pki_certificate_write(const struct pki_certificate *certificate,
				   struct pki_text *ret);
void pki_certificate_free(struct pki_certificate *certificate);

#define PKI_SERIAL_SIZE 41 /* hex digits of up to 20 bytes, and a NUL */
#define PKI_NAMES_MAX	16

struct pki_facts {
	char serial[PKI_SERIAL_SIZE]; /* lower-case hex */
	char sha256[DIGEST_HEX_SIZE];
	char subject[256]; /* RFC 2253; cut when longer */
	char common_name[128];
	char key[32]; /* "EC 256", "RSA 2048" */
	char names[PKI_NAMES_MAX]
		  [256]; /* DNS names and addresses; longer ones are left out
			  */
	size_t name_count;
	char uri[256]; /* the first; "" where there is none */
	time_t not_before, not_after;
	bool is_ca;
};
MUST_USE int pki_certificate_facts(const struct pki_certificate *certificate,
				   struct pki_facts *ret);
/* Whether the CA has signed it, and whether the key is its own. */
bool pki_is_issued_by(const struct pki_certificate *certificate,
		      const struct pki_certificate *ca);
bool pki_is_key_of(const struct pki_certificate *certificate, const struct pki_key *key);

/* A PKCS#10 request for what `wish` says (days don't count). */
MUST_USE int pki_request_write(const struct pki_wish *wish, const struct pki_key *key,
			       struct pki_text *ret);
/* The public key of a request, PEM or DER, whose signature proves that somebody has the
 * private one. A key that a TLS handshake doesn't take is an error. */
MUST_USE struct pki_key *pki_request_read(const char *path, const char **ret_error);

/* Why a certificate is revoked (RFC 5280 5.3.1). */
enum pki_reason {
	PKI_KEY_COMPROMISE = 1,
	PKI_SUPERSEDED = 4,
	PKI_CESSATION = 5,
};
struct pki_revocation {
	const struct pki_certificate *certificate;
	enum pki_reason reason;
};

struct pki_crl;
MUST_USE struct pki_crl *pki_crl_read(const char *path, const char **ret_error);
void pki_crl_free(struct pki_crl *crl);
/* When it was revoked; 0 when it wasn't. */
time_t pki_crl_revoked(const struct pki_crl *crl,
		       const struct pki_certificate *certificate);
time_t pki_crl_until(const struct pki_crl *crl);
/* The next CRL: what `before` holds (NULL for the first one) and the new revocations,
 * those known already left as they are. It is in force for `days`, 0 meaning as long as
 * the CA is, and never longer. */
MUST_USE int pki_crl_write(const struct pki_crl *before,
			   const struct pki_revocation *revocations, size_t count,
			   const struct pki_certificate *ca, const struct pki_key *ca_key,
			   unsigned days, struct pki_text *ret);

/* Key, certificate and CA as one PKCS#12 file (RFC 7292). As of today: AES-256 and
 * HMAC-SHA-256; `legacy`: Triple DES and HMAC-SHA-1, which devices of the last twenty
 * years read and OpenSSL makes without its legacy provider. */
MUST_USE int pki_pkcs12_write(const struct pki_key *key,
			      const struct pki_certificate *certificate,
			      const struct pki_certificate *ca, const char *friendly_name,
			      const char *password, bool legacy, struct pki_text *ret);

#define PKI_PASSWORD_SIZE 20 /* "abcd-efgh-jkmn-pqrs" and a NUL */
#define PKI_UUID_SIZE	  46 /* "urn:uuid:" and 36 characters, and a NUL */
/* Easily read and typed, 77 random bits. */
MUST_USE int pki_password_make(char ret[PKI_PASSWORD_SIZE]);
/* A URI that nobody else has (RFC 4122, version 4). */
MUST_USE int pki_uuid_make(char ret[PKI_UUID_SIZE]);
/* 32 random bytes in base64, and a newline. */
MUST_USE int pki_secret_make(struct pki_text *ret);

#ifdef __cplusplus
}
#endif

#endif
