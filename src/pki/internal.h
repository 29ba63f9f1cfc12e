/*
 * What the files of pki/ share. key.c has keys and requests, certificate.c issues by what
 * wish.c makes of a wish, facts.c reads certificates, root.c finds who signed them, crl.c
 * makes CRLs, pkcs12.c makes PKCS#12 files, and text.c reads and writes the files' forms.
 */
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "cathgate/base/certificate.h"
#include "cathgate/base/must_use.h"
#include "cathgate/base/pem.h"
#include "cathgate/pki/pki.h"

/* Certificates and CRLs begin so long before now, for peers whose clocks are slow. */
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

/* Take over what they wrap, and free it on failure. NULL for NULL, or without memory. */
MUST_USE struct pki_key *pki_key_wrap(EVP_PKEY *pair);
MUST_USE struct pki_certificate *pki_certificate_wrap(X509 *x509);

/* Empties OpenSSL's queue of errors; after a failure, keeps its text for pki_failure. */
void pki_end(bool is_good);

/* Makes a text of all that was written to a memory BIO, and frees the BIO. */
MUST_USE int pki_text_take(BIO *memory, bool is_written, struct pki_text *ret);
/* Opens a file to read it; NULL with the error. */
MUST_USE BIO *pki_open(const char *path, const char **ret_error);
/* What the file is instead of `wanted`, and the cure; `otherwise` if unknown. */
const char *pki_why(BIO *file, enum pem_wanted wanted, const char *otherwise);
/* Whether the file begins as DER does. Goes back to the file's begin. */
bool pki_is_der(BIO *file);

/* The subject, and the extensions that follow from the wish alone. 0, or -1. */
MUST_USE int pki_subject_set(X509_NAME *name, const struct pki_wish *wish);
/* What a TLS certificate's key is for; NULL without memory. */
MUST_USE X509_EXTENSION *pki_key_usage(bool is_rsa);
MUST_USE STACK_OF(X509_EXTENSION) *
	pki_extensions(const struct pki_wish *wish, bool is_rsa);

/* A positive number of 127 random bits, which the caller frees. */
MUST_USE ASN1_INTEGER *pki_serial_new(void);
/* The earlier of now + `days` and `latest`; for 0 days, `latest`. The caller's. */
MUST_USE ASN1_TIME *pki_time_until(unsigned days, const ASN1_TIME *latest);
/* In RFC 2253's form and in UTF-8, cut when it is too long. */
void pki_name_text(const X509_NAME *name, char ret[PKI_NAME_SIZE]);
/* 0 when there is no time or it can't be read. */
time_t pki_time(const ASN1_TIME *time);
/* The digest for signatures with that key. */
const EVP_MD *pki_digest_for(const EVP_PKEY *key);
/* Why TLS handshakes refuse the key, and the cure; or NULL. */
MUST_USE const char *pki_key_fault(const EVP_PKEY *key);
