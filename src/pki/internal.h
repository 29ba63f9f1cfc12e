/* What the files of pki/ share. */
#ifndef PKI_INTERNAL_H
#define PKI_INTERNAL_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "cathgate/base/certificate.h"
#include "cathgate/base/must_use.h"
#include "cathgate/base/pem.h"
#include "cathgate/pki/pki.h"

/* So that whoever's clock is slow, or was set back since, takes what is of today. */
#define PKI_BACKDATED_SECONDS (24L * 60 * 60)

struct pki_key {
	EVP_PKEY *pair;
};

struct pki_certificate {
	X509 *x509;
};

struct pki_crl {
	X509_CRL *x509;
};

/* A key, taken over; NULL and the key freed when it is NULL or without memory. */
MUST_USE struct pki_key *pki_key_wrap(EVP_PKEY *pair);
MUST_USE struct pki_certificate *pki_certificate_wrap(X509 *x509);

/* What OpenSSL said of a failure is kept for pki_failure, and its queue emptied. */
void pki_end(bool is_good);

/* Takes all that was written to a memory BIO, and frees that. */
MUST_USE int pki_text_take(BIO *memory, bool is_written, struct pki_text *ret);
/* A file to read; NULL with the error. */
MUST_USE BIO *pki_open(const char *path, const char **ret_error);
/* What the file is instead of what was wanted, with the cure; `otherwise` when that can't
 * be told. */
const char *pki_why(BIO *file, enum pem_wanted wanted, const char *otherwise);
/* Whether what a file holds begins as DER does; the file is then at its begin again. */
bool pki_is_der(BIO *file);

/* The subject, and the extensions that follow from the wish alone. 0, or -1. */
MUST_USE int pki_subject_set(X509_NAME *name, const struct pki_wish *wish);
MUST_USE STACK_OF(X509_EXTENSION) *
	pki_extensions(const struct pki_wish *wish, bool is_rsa);

/* A positive number of 127 random bits; the caller's. */
MUST_USE ASN1_INTEGER *pki_serial_new(void);
/* The earlier of now + days and `latest`; 0 days mean `latest`. */
MUST_USE ASN1_TIME *pki_time_until(unsigned days, const ASN1_TIME *latest);
time_t pki_time(const ASN1_TIME *time);
/* What a certificate's or CRL's signature is made with. */
const EVP_MD *pki_digest_for(const EVP_PKEY *key);
/* Why a handshake wouldn't take the key, and the cure; else NULL. */
MUST_USE const char *pki_key_fault(const EVP_PKEY *key);

#endif
