/*
 * Private keys that stay in a PKCS#11 token or a TPM. A provider of OpenSSL from the
 * distribution speaks to the token; it finds the key by its URI and signs with it.
 */
#include "internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/signer/scheme.h"
#include "cathgate/tls/key_file.h"

/* What helps, and whether to ask again would do harm. */
struct token_answer {
	const char *cure;
	enum config_fault_kind kind;
};

/* TPM 2.0 Library, part 2, 6.6: the response code stands at the head of the data. */
#define TPM_LOCKOUT   0x921
#define TPM_AUTH_FAIL 0x8e
#define TPM_BAD_AUTH  0xa2
#define TPM_FORMAT_1  0xbf /* without the number of what it is about */

static struct token_answer tpm_answer(const char *data)
{
	unsigned long code = data ? strtoul(data, NULL, 10) : 0;

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

/* pkcs11-provider tells nothing of a wrong PIN: it shows no private key then. */
static const struct token_answer pkcs11_hidden = {
	"the token is there, and shows no such key: correct the URI, or the PIN in the "
	"file "
	"that its pin-source names; where the token counts a last try, log in once with "
	"its "
	"maker's tool. It is not asked again by itself, since it locks after a few wrong "
	"PINs",
	CONFIG_REFUSED
};

static const struct token_kind {
	const char *scheme, *provider, *properties;
	const char *provider_cure, *key_cure;
	bool has_pins;
	struct token_answer (*judge)(const char *data); /* of an error; may be NULL */
} kinds[] = {
	{ "pkcs11:", "pkcs11", "?provider=pkcs11",
	  "install pkcs11-provider (from Debian 13 on)",
	  "look whether the token is there, whether PKCS11_PROVIDER_MODULE and the unit "
	  "let "
	  "the service reach it (ADMIN.md, Keys in a token), and whether the URI names "
	  "it, "
	  "and the file with its PIN (...?pin-source=file:/THE/FILE)",
	  true, NULL },
	{ "handle:", "tpm2", "?provider=tpm2",
	  "look whether the TPM is there, tpm2-openssl is installed, and the unit lets "
	  "the "
	  "service reach it (ADMIN.md, Keys in a token)",
	  "look whether tpm2_getcap handles-persistent has the handle", false,
	  tpm_answer },
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
		      const char *what, struct token_answer otherwise,
		      struct config_faults *faults)
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
		if (kind && kind->judge && !answer.cure)
			answer = kind->judge(data);
	}
	if (!answer.cure)
		answer = otherwise;
	config_fault_add(faults, answer.kind, &file->place, "%s: %s%s; %s", file->path,
			 what, told, answer.cure);
}

/* Both stay loaded until the process ends: a key is of its provider. OpenSSL's own one is
 * no longer implied once another is loaded. Where one fails, neither stays. */
MUST_USE static bool load_provider(const struct token_kind *kind)
{
	OSSL_PROVIDER *own;

	if (OSSL_PROVIDER_available(NULL, kind->provider) == 1)
		return true;
	own = OSSL_PROVIDER_load(NULL, "default");
	if (own && OSSL_PROVIDER_load(NULL, kind->provider))
		return true;
	if (own)
		OSSL_PROVIDER_unload(own);
	return false;
}

/* Nobody could type a PIN, also where the provider takes OpenSSL's own method. */
static int refuse_pin(UI *ui, UI_STRING *string)
{
	(void)ui;
	(void)string;
	return 0;
}

/* The first private key that the URI names, the caller's to free; NULL where there is
 * none. False when nobody could be asked: the token is away, or it refuses. */
static bool ask_token(const char *uri, EVP_PKEY **ret)
{
	UI_METHOD *silent = UI_create_method("no PIN is asked for");
	OSSL_STORE_CTX *store = NULL;
	bool good;

	*ret = NULL;
	if (silent && UI_method_set_reader(silent, refuse_pin) == 0) {
		UI_set_default_method(silent);
		store = OSSL_STORE_open(uri, silent, NULL, NULL, NULL);
	}
	good = store && OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY) == 1;
	while (good && !*ret && !OSSL_STORE_eof(store)) {
		OSSL_STORE_INFO *info = OSSL_STORE_load(store);

		good = info || !OSSL_STORE_error(store);
		*ret = info ? OSSL_STORE_INFO_get1_PKEY(info) : NULL;
		OSSL_STORE_INFO_free(info);
	}
	OSSL_STORE_close(store);
	UI_set_default_method(UI_OpenSSL());
	UI_destroy_method(silent);
	return good;
}

/* Names what the token shows without a PIN: the URI's attributes (RFC 7512), but for its
 * type and the query behind them. In memory of the caller's; NULL without memory. */
static char *public_uri_of(const char *uri)
{
	char *attributes = strndup(uri, strcspn(uri, "?"));
	char *rest, *part = attributes ? strchr(attributes, ':') + 1 : NULL;
	char *ret = attributes ? strdup("pkcs11:type=public") : NULL;

	for (part = part ? strtok_r(part, ";", &rest) : NULL; part && ret;
	     part = strtok_r(NULL, ";", &rest)) {
		char *shorter = ret;

		if (strncmp(part, "type=", strlen("type=")) == 0 ||
		    strncmp(part, "object-type=", strlen("object-type=")) == 0)
			continue;
		if (asprintf(&ret, "%s;%s", shorter, part) < 0)
			ret = NULL;
		free(shorter);
	}
	free(attributes);
	return ret;
}

/* A token that shows something without a PIN: the public key beside the private one. */
static bool is_there(const char *uri)
{
	char *public_uri = public_uri_of(uri);
	EVP_PKEY *key = NULL;
	bool ret = public_uri && ask_token(public_uri, &key);

	EVP_PKEY_free(key);
	free(public_uri);
	return ret;
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

char *tls_key_pin_file(const char *uri)
{
	static const char source[] = "pin-source=";
	const char *at = strstr(uri, source);

	at = at ? strchr(at, '/') : NULL;
	return at ? strndup(at, strcspn(at, "&;?")) : NULL;
}

/* Whether the PIN can be read, which is none of the token's faults. */
MUST_USE static bool has_pin(const struct config_file *file, struct config_faults *faults)
{
	char *pin = tls_key_pin_file(file->path);
	bool ret = !pin || access(pin, R_OK) == 0;

	if (!ret)
		config_fault_add(faults, CONFIG_ERROR, &file->place,
				 "%s: the file with its PIN can't be read: %s; let the "
				 "service's user read it",
				 file->path, strerror(errno));
	free(pin);
	return ret;
}

/* NULL with a fault, of the kind that the token's answer has. */
static EVP_PKEY *load(const struct config_file *file, struct config_faults *faults)
{
	const struct token_kind *kind = kind_of(file->path);
	struct token_answer answer = { "write a path", CONFIG_ERROR };
	EVP_PKEY *key = NULL;

	if (!kind || !load_provider(kind)) {
		answer.cure = kind ? kind->provider_cure : answer.cure;
		add_fault(file, kind, "OpenSSL's provider for such keys doesn't work",
			  answer, faults);
		return NULL;
	}
	if (!has_pin(file, faults))
		return NULL;
	if (!ask_token(file->path, &key) || !key) {
		answer.cure = kind->key_cure;
		if (kind->has_pins && is_there(file->path))
			answer = pkcs11_hidden;
		add_fault(file, kind, "no private key is found", answer, faults);
	} else if (!can_sign(key, kind->properties)) {
		answer.cure =
			"give the key the right to sign (with RSA-PSS where it is an "
			"RSA key)";
		add_fault(file, kind, "the token makes no signature as TLS 1.3 needs it",
			  answer, faults);
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

EVP_PKEY *tls_token_key_load(const struct config_file *file, struct config_faults *faults)
{
	/* Three wrong PINs can lock a token for good, and a configuration may name three
	 * keys of it. */
	static char *refused;
	size_t before = faults->count;
	EVP_PKEY *key;

	if (refused) {
		config_fault_add(faults, CONFIG_REFUSED, &file->place,
				 "%s: not asked for, since %s was refused: correct that "
				 "first",
				 file->path, refused);
		return NULL;
	}
	ERR_clear_error();
	key = load(file, faults);
	if (faults->count > before &&
	    faults->items[faults->count - 1].kind == CONFIG_REFUSED)
		refused = strdup(file->path);
	ERR_clear_error();
	return key;
}

bool tls_token_key_signs(struct evp_pkey_st *key, const char *uri)
{
	const struct token_kind *kind = kind_of(uri);

	return kind && can_sign(key, kind->properties);
}
