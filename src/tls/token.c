/*
 * Private keys that stay in a PKCS#11 token or a TPM. A provider of OpenSSL from the
 * distribution speaks to the token; it finds the key by its URI and signs with it.
 */
#include "internal.h"

#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <string.h>

#include "cathgate/signer/scheme.h"
#include "cathgate/tls/key_file.h"

static const struct token_kind {
	const char *scheme, *provider, *properties, *cure;
} kinds[] = {
	{ "pkcs11:", "pkcs11", "?provider=pkcs11",
	  "install pkcs11-provider (from Debian 13 on), and let PKCS11_PROVIDER_MODULE "
	  "name the token's module" },
	{ "handle:", "tpm2", "?provider=tpm2",
	  "install tpm2-openssl, and let the service open /dev/tpmrm0" },
};

static const struct token_kind *kind_of(const char *uri)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(uri, kinds[i].scheme, strlen(kinds[i].scheme)) == 0)
			return &kinds[i];
	return NULL;
}

/* The first failure is the nearest to the token. OpenSSL's text of a provider's own
 * failure is its reason, or the data beside it. */
static void add_fault(const struct config_file *file, const char *what, const char *cure,
		      struct config_faults *faults)
{
	const char *data = NULL, *reason;
	int flags = 0;
	unsigned long error = ERR_get_error_all(NULL, NULL, NULL, &data, &flags);

	reason = error != 0 ? ERR_reason_error_string(error) : NULL;
	config_fault_add(faults, CONFIG_ERROR, &file->place, "%s: %s%s%s%s%s; %s",
			 file->path, what, reason ? ": " : "", reason ? reason : "",
			 data && data[0] ? ": " : "", data ? data : "", cure);
	ERR_clear_error();
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
	const struct token_kind *kind = kind_of(file->path);
	EVP_PKEY *key = NULL;

	ERR_clear_error();
	if (!kind || !load_provider(kind)) {
		add_fault(file, "OpenSSL has no provider for such keys",
			  kind ? kind->cure : "write a path", faults);
		return NULL;
	}
	key = find_key(file->path);
	if (!key) {
		add_fault(file, "no private key is found",
			  "look whether the token is there, and whether the URI names "
			  "the key, and the file with its PIN "
			  "(...?pin-source=file:/THE/FILE)",
			  faults);
	} else if (!can_sign(key, kind->properties)) {
		add_fault(
			file, "the token makes no signature as TLS 1.3 needs it",
			"give the key the right to sign (with RSA-PSS where it is an RSA "
			"key)",
			faults);
		EVP_PKEY_free(key);
		key = NULL;
	}
	ERR_clear_error();
	return key;
}
