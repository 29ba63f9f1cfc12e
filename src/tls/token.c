/*
 * Private keys that stay in a PKCS#11 token or a TPM. A provider of OpenSSL from the
 * distribution speaks to the token; it finds the key by its URI and signs with it.
 */
#include "internal.h"

#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/signer/scheme.h"
#include "cathgate/tls/key_file.h"

/* What the token said, and what helps. */
struct token_answer {
	const char *cure;
	enum config_fault_kind kind;
};

/* PKCS#11 2.40, 5.1.6: CKR_PIN_INCORRECT, _INVALID, _LEN_RANGE, _EXPIRED and _LOCKED. The
 * provider's errors bear these numbers. */
static struct token_answer pkcs11_answer(unsigned long error, const char *data)
{
	(void)data;
	switch (ERR_GET_LIB(error) >= ERR_LIB_USER ? ERR_GET_REASON(error) : 0) {
	case 0xa0:
	case 0xa1:
	case 0xa2:
	case 0xa3:
		return (struct token_answer){
			"the PIN is wrong: correct the file that the URI's pin-source "
			"names. It is not tried again by itself, since a token locks "
			"after a few wrong PINs",
			CONFIG_REFUSED
		};
	case 0xa4:
		return (struct token_answer){ "the token is locked after too many wrong "
					      "PINs: its security officer unlocks it",
					      CONFIG_ERROR };
	default:
		return (struct token_answer){ NULL, CONFIG_ERROR };
	}
}

/* TPM 2.0 Library, part 2, 6.6: the response code stands at the head of the data. */
#define TPM_LOCKOUT   0x921
#define TPM_AUTH_FAIL 0x8e
#define TPM_BAD_AUTH  0xa2
#define TPM_FORMAT_1  0xbf /* without the number of what it is about */

static struct token_answer tpm_answer(unsigned long error, const char *data)
{
	unsigned long code = data ? strtoul(data, NULL, 10) : 0;

	(void)error;
	if (code == TPM_LOCKOUT)
		return (struct token_answer){
			"the TPM is locked, after wrong passwords or after it lost its "
			"power: it unlocks by itself in time, or by "
			"tpm2_dictionarylockout -c",
			CONFIG_ERROR
		};
	if ((code & TPM_FORMAT_1) == TPM_AUTH_FAIL ||
	    (code & TPM_FORMAT_1) == TPM_BAD_AUTH)
		return (struct token_answer){
			"the key has a password, which nobody could type: make one "
			"without. It is not tried again by itself, since a TPM locks "
			"after a few wrong passwords",
			CONFIG_REFUSED
		};
	return (struct token_answer){ NULL, CONFIG_ERROR };
}

static const struct token_kind {
	const char *scheme, *provider, *properties;
	struct token_answer (*judge)(unsigned long error, const char *data);
	const char *provider_cure, *key_cure;
} kinds[] = {
	{ "pkcs11:", "pkcs11", "?provider=pkcs11", pkcs11_answer,
	  "install pkcs11-provider (from Debian 13 on), let PKCS11_PROVIDER_MODULE name "
	  "the token's module, and let the service reach the token (ADMIN.md, Keys in a "
	  "token)",
	  "look whether the token is there, and whether the URI names the key, and the "
	  "file with its PIN (...?pin-source=file:/THE/FILE)" },
	{ "handle:", "tpm2", "?provider=tpm2", tpm_answer,
	  "install tpm2-openssl, and let the service reach the TPM (ADMIN.md, Keys in a "
	  "token)",
	  "look whether tpm2_getcap handles-persistent has the handle" },
};

static const struct token_kind *kind_of(const char *uri)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(uri, kinds[i].scheme, strlen(kinds[i].scheme)) == 0)
			return &kinds[i];
	return NULL;
}

/* The first failure is the nearest to the token, and is what is told; the one that names
 * a cure may be any. OpenSSL's text of a provider's own failure is its reason, or the
 * data beside it. */
static void add_fault(const struct config_file *file, const struct token_kind *kind,
		      const char *what, const char *cure, struct config_faults *faults)
{
	struct token_answer answer = { NULL, CONFIG_ERROR };
	char told[256] = "";
	const char *data;
	int flags;
	unsigned long error;

	while ((error = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0) {
		const char *reason = ERR_reason_error_string(error);

		if (!told[0])
			snprintf(told, sizeof(told), "%s%s%s%s", reason ? ": " : "",
				 reason ? reason : "", data && data[0] ? ": " : "",
				 data ? data : "");
		if (kind && !answer.cure)
			answer = kind->judge(error, data);
	}
	config_fault_add(faults, answer.kind, &file->place, "%s: %s%s; %s", file->path,
			 what, told, answer.cure ? answer.cure : cure);
}

/* Both stay loaded until the process ends: a key is of its provider. OpenSSL's own one is
 * no longer implied once another is loaded. */
MUST_USE static bool load_provider(const struct token_kind *kind)
{
	return OSSL_PROVIDER_available(NULL, kind->provider) == 1 ||
	       (OSSL_PROVIDER_load(NULL, "default") &&
		OSSL_PROVIDER_load(NULL, kind->provider));
}

/* Nobody could type a PIN. */
static int refuse_pin(UI *ui, UI_STRING *string)
{
	(void)ui;
	(void)string;
	return 0;
}

MUST_USE static EVP_PKEY *find_key(const char *uri)
{
	UI_METHOD *silent = UI_create_method("no PIN is asked for");
	OSSL_STORE_CTX *store = NULL;
	EVP_PKEY *key = NULL;

	if (silent && UI_method_set_reader(silent, refuse_pin) == 0)
		store = OSSL_STORE_open(uri, silent, NULL, NULL, NULL);
	if (store && OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY) == 1)
		while (!key && !OSSL_STORE_eof(store)) {
			OSSL_STORE_INFO *info = OSSL_STORE_load(store);

			if (!info && OSSL_STORE_error(store))
				break;
			key = info ? OSSL_STORE_INFO_get1_PKEY(info) : NULL;
			OSSL_STORE_INFO_free(info);
		}
	OSSL_STORE_close(store);
	UI_destroy_method(silent);
	return key;
}

const char *tls_key_properties(const char *uri)
{
	const struct token_kind *kind = kind_of(uri);

	return kind ? kind->properties : NULL;
}

/* As TLS 1.3 has it of each kind of key. A lacking PIN or right shows only then. */
MUST_USE static bool can_sign(EVP_PKEY *key, const char *properties)
{
	static const uint8_t text[] = "cathgate";
	bool is_rsa = EVP_PKEY_is_a(key, "RSA");
	const struct signer_scheme *scheme = signer_scheme_find(
		key, is_rsa || EVP_PKEY_is_a(key, "EC") ? "SHA256" : NULL, is_rsa);
	uint8_t signature[SIGNER_SIGNATURE_MAX];
	size_t size = sizeof(signature);

	return scheme && signer_scheme_sign(scheme, key, properties, text, sizeof(text),
					    signature, &size);
}

EVP_PKEY *tls_token_key_load(const struct config_file *file, struct config_faults *faults)
{
	/* Three wrong PINs can lock a token for good, and a configuration may name three
	 * keys of it. */
	static bool has_refused;
	const struct token_kind *kind = kind_of(file->path);
	EVP_PKEY *key = NULL;

	if (has_refused) {
		config_fault_add(faults, CONFIG_REFUSED, &file->place,
				 "%s: not asked for, since a token has refused another "
				 "key: correct that first",
				 file->path);
		return NULL;
	}
	ERR_clear_error();
	if (!kind || !load_provider(kind)) {
		add_fault(file, kind, "OpenSSL's provider for such keys doesn't work",
			  kind ? kind->provider_cure : "write a path", faults);
		return NULL;
	}
	key = find_key(file->path);
	if (!key) {
		add_fault(file, kind, "no private key is found", kind->key_cure, faults);
	} else if (!can_sign(key, kind->properties)) {
		add_fault(
			file, kind, "the token makes no signature as TLS 1.3 needs it",
			"give the key the right to sign (with RSA-PSS where it is an RSA "
			"key)",
			faults);
		EVP_PKEY_free(key);
		key = NULL;
	}
	for (size_t i = 0; !key && i < faults->count; i++)
		has_refused = has_refused || faults->items[i].kind == CONFIG_REFUSED;
	ERR_clear_error();
	return key;
}

bool tls_token_key_signs(struct evp_pkey_st *key, const char *uri)
{
	const struct token_kind *kind = kind_of(uri);

	return kind && can_sign(key, kind->properties);
}
