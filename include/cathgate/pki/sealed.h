/*
 * A file that can't be read without a passphrase or a private key, nor changed unnoticed:
 * CMS (RFC 5652) with AuthEnvelopedData (RFC 5083), DER or BER, AES-256-GCM (RFC 5084).
 * `openssl cms -decrypt -inform DER` opens it, too.
 *
 * Promises: pki_unseal has judged the whole file when it returns 0. Until then what it
 * has written is proved by nobody, and the caller must not use it. A passphrase is
 * stretched by PBKDF2. Whoever has a recipient's certificate can make another file for
 * it: that way proves no sender.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"
#include "cathgate/pki/pki.h"

/* OpenSSL has the whole file in memory, about three times, when it reads it. */
#define PKI_SEALED_MAX ((off_t)512 * 1024 * 1024)

#define PKI_PASSPHRASE_LEAST 12
#define PKI_PASSPHRASE_SIZE  512

/* Seals all that can be read from one descriptor into another, for a passphrase or for
 * those certificates. Neither is closed. -1: see pki_failure. */
MUST_USE int pki_seal(int from, int to, const char *passphrase,
		      struct pki_certificate *const *recipients, size_t count);

enum pki_unsealed {
	PKI_UNSEALED,
	PKI_UNSEALED_NO_FORM, /* it is no such file, or it is cut */
	PKI_UNSEALED_REFUSED, /* another passphrase or key, or the file was changed */
	PKI_UNSEALED_FAILED   /* what was read can't be written: errno */
};
/* `key` NULL: by the passphrase. */
MUST_USE enum pki_unsealed pki_unseal(int from, int to, const char *passphrase,
				      const struct pki_key *key);

/* A private key, PEM, that a passphrase may protect: OpenSSL asks for it at the terminal
 * where `passphrase` is NULL. NULL with the error. */
MUST_USE struct pki_key *pki_key_unlock(const char *path, const char *passphrase,
					const char **ret_error);

/* Asks at the terminal, without echo; twice when `is_new`. -1 when there is no terminal,
 * or the two differ. */
MUST_USE int pki_passphrase_ask(const char *prompt, bool is_new,
				char ret[PKI_PASSPHRASE_SIZE]);
