/*
 * A small private CA (RFC 5280) on OpenSSL: keys, certificates, requests, CRLs and
 * PKCS#12 files, for a site that has no CA of its own for its modalities. No OpenSSL type
 * stands in this header.
 *
 * Promises: serial numbers have 127 random bits. Each certificate has the extensions that
 * RFC 5280 demands and nothing that security level 2 refuses. No certificate outlives its
 * CA. A CRL's number only grows. Files are only read: what is made is text in memory,
 * which the caller writes to a file, and which is wiped when it is freed.
 *
 * On failure the functions return NULL or -1. A `ret_error` then tells what is wrong and
 * the cure, for a message that names the file. Without one, pki_failure tells it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "cathgate/base/digest.h"
#include "cathgate/base/must_use.h"

/* OpenSSL's text of the last failure. Valid until the next failure. */
const char *pki_failure(void);

struct pki_text {
	char *bytes; /* with a NUL behind them */
	size_t size;
};
void pki_text_free(struct pki_text *text);

enum pki_algorithm { PKI_EC_P256, PKI_RSA_2048, PKI_RSA_3072, PKI_RSA_4096 };

/* A private key; or the public key of a request. */
struct pki_key;
MUST_USE struct pki_key *pki_key_new(enum pki_algorithm algorithm);
/* A new key of the same kind and strength as a certificate's. */
struct pki_certificate;
MUST_USE struct pki_key *pki_key_like(const struct pki_certificate *certificate);
/* The public half alone. */
MUST_USE struct pki_key *pki_key_of(const struct pki_certificate *certificate);
MUST_USE struct pki_key *pki_key_read(const char *path, const char **ret_error);
MUST_USE int pki_key_write(const struct pki_key *key, struct pki_text *ret);
void pki_key_free(struct pki_key *key);

/* What a new certificate is to hold. From a request only the key is taken, since a
 * request proves nothing else. */
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

/* Issues a certificate, signed by the CA; or, with `ca` NULL, by `key` itself. */
MUST_USE struct pki_certificate *pki_issue(const struct pki_wish *wish,
					   const struct pki_key *key,
					   const struct pki_certificate *ca,
					   const struct pki_key *ca_key);
/* Issues a certificate with the subject, names and purposes of `before`, which is no
 * CA's. Where `key` is of another kind than the key of `before`, keyUsage is what
 * pki_issue gives to that kind. */
MUST_USE struct pki_certificate *pki_reissue(const struct pki_certificate *before,
					     unsigned days, const struct pki_key *key,
					     const struct pki_certificate *ca,
					     const struct pki_key *ca_key);
/* Reads the first certificate of a file, PEM or DER. */
MUST_USE struct pki_certificate *pki_certificate_read(const char *path,
						      const char **ret_error);
/* Reads the certificate number `at`, from 0, of a PEM file. NULL behind the last, and
 * where there is no such file. */
MUST_USE struct pki_certificate *pki_certificate_read_at(const char *path, size_t at);
/* Why the gateway would refuse the certificate as a modality's, and the cure; or NULL. */
MUST_USE const char *pki_certificate_fault(const struct pki_certificate *certificate);
MUST_USE int pki_certificate_write(const struct pki_certificate *certificate,
				   struct pki_text *ret);
void pki_certificate_free(struct pki_certificate *certificate);

#define PKI_SERIAL_SIZE 41 /* hex digits of up to 20 bytes, and a NUL */
#define PKI_NAMES_MAX	16
#define PKI_URIS_MAX	4
#define PKI_NAME_SIZE	256

struct pki_facts {
	char serial[PKI_SERIAL_SIZE]; /* lower-case hex */
	char sha256[DIGEST_HEX_SIZE], public_key_sha256[DIGEST_HEX_SIZE];
	char subject[PKI_NAME_SIZE],
		issuer[PKI_NAME_SIZE]; /* RFC 2253; cut when longer */
	char common_name[128];
	char key[32]; /* "EC 256", "RSA 2048" */
	char names[PKI_NAMES_MAX]
		  [256]; /* DNS names and addresses; longer ones are left out
			  */
	size_t name_count;
	char uris[PKI_URIS_MAX][256];
	size_t uri_count;
	time_t not_before, not_after;
	bool is_ca;
};
MUST_USE int pki_certificate_facts(const struct pki_certificate *certificate,
				   struct pki_facts *ret);

enum pki_root {
	PKI_ROOT_FOUND,
	PKI_ROOT_ITSELF, /* the certificate has signed itself: no CA has signed it yet */
	PKI_ROOT_AWAY,	 /* a CA between the two, or the root, is in none of the files */
	PKI_ROOT_FAILED	 /* the certificate can't be read */
};
/* Looks for the root CA above the first certificate of `path`, among the certificates in
 * that file and in the others, of which any may be missing. *ret is the caller's where it
 * is found, and *ret_file says where: 0 in `path`, 1 in files[0], ... *ret_issuer is the
 * root's name, or that of the CA that is away, in RFC 2253's form. */
MUST_USE enum pki_root pki_root_find(const char *path, const char *const *files,
				     size_t count, struct pki_certificate **ret,
				     size_t *ret_file, char ret_issuer[PKI_NAME_SIZE]);

/* Whether the CA has signed the certificate, and whether the key is the certificate's. */
bool pki_is_issued_by(const struct pki_certificate *certificate,
		      const struct pki_certificate *ca);
bool pki_is_same(const struct pki_certificate *a, const struct pki_certificate *b);
bool pki_is_key_of(const struct pki_certificate *certificate, const struct pki_key *key);

/* A PKCS#10 request (RFC 2986). `wish->days` isn't used. */
MUST_USE int pki_request_write(const struct pki_wish *wish, const struct pki_key *key,
			       struct pki_text *ret);
/* The public key of a request, PEM or DER. The request's signature is verified, which
 * proves that its maker has the private key. A key that TLS handshakes refuse is an
 * error.
 */
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
/* When the certificate was revoked; 0 when it wasn't. */
time_t pki_crl_revoked(const struct pki_crl *crl,
		       const struct pki_certificate *certificate);
time_t pki_crl_until(const struct pki_crl *crl);
/* Whether `crl` was issued before `than`, as date or number tell. CRLs of different CAs
 * have no order. */
bool pki_crl_is_older(const struct pki_crl *crl, const struct pki_crl *than);
/* Whether it is limited to certificates of its CA (issuingDistributionPoint) by other
 * words than the other one of that CA, if that is limited at all. */
bool pki_crl_is_of_others(const struct pki_crl *crl, const struct pki_crl *than);
/* `own`, a CRL of the CA in PEM, and behind it those in a file that other CAs have
 * signed. A file that isn't there, or holds none in PEM, has none. */
MUST_USE int pki_crl_beside(const struct pki_text *own, const struct pki_certificate *ca,
			    const char *path, struct pki_text *ret);
MUST_USE int pki_crl_text(const struct pki_crl *crl, struct pki_text *ret);
/* The next CRL: the entries of `before` (NULL for the first CRL) and the new revocations,
 * except certificates that `before` holds. It is valid for `days`, 0 for as long as the
 * CA, and never longer than the CA. */
MUST_USE int pki_crl_write(const struct pki_crl *before,
			   const struct pki_revocation *revocations, size_t count,
			   const struct pki_certificate *ca, const struct pki_key *ca_key,
			   unsigned days, struct pki_text *ret);

/* Key, certificate and CAs as one PKCS#12 file (RFC 7292), with AES-256 and HMAC-SHA-256;
 * or, with `legacy`, Triple DES and HMAC-SHA-1, which devices of the last twenty years
 * read, and which OpenSSL makes without its legacy provider. */
MUST_USE int pki_pkcs12_write(const struct pki_key *key,
			      const struct pki_certificate *certificate,
			      const struct pki_certificate *const *cas, size_t ca_count,
			      const char *friendly_name, const char *password,
			      bool legacy, struct pki_text *ret);

#define PKI_PASSWORD_SIZE 20 /* "abcd-efgh-jkmn-pqrs" and a NUL */
#define PKI_UUID_HEAD	  "urn:uuid:"
#define PKI_UUID_SIZE	  46 /* "urn:uuid:" and 36 characters, and a NUL */
/* 77 random bits, easy to read and type. */
MUST_USE int pki_password_make(char ret[PKI_PASSWORD_SIZE]);
/* A unique URI (RFC 4122, version 4). */
MUST_USE int pki_uuid_make(char ret[PKI_UUID_SIZE]);
/* 32 random bytes in base64, and a newline. */
MUST_USE int pki_secret_make(struct pki_text *ret);
