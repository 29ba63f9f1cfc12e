/*
 * The keymgmt of the provider: keys of which only the public half is here. OpenSSL is
 * told that the private half is, too, since libssl asks before it signs.
 */
#include "internal.h"

#include <openssl/core_names.h>
#include <stdlib.h>
#include <string.h>

static void *key_new(const char *kind)
{
	struct signer_key *key = calloc(1, sizeof(*key));

	if (key)
		key->kind = kind;
	return key;
}

#define KEY_NEW(name, kind)               \
	static void *name(void *provider) \
	{                                 \
		(void)provider;           \
		return key_new(kind);     \
	}

KEY_NEW(key_new_rsa, "RSA")
KEY_NEW(key_new_rsa_pss, "RSA-PSS")
KEY_NEW(key_new_ec, "EC")
KEY_NEW(key_new_ed25519, "ED25519")
KEY_NEW(key_new_ed448, "ED448")

static void key_free(void *data)
{
	struct signer_key *key = data;

	if (key)
		EVP_PKEY_free(key->public_half);
	free(key);
}

static void *key_dup(const void *data, int selection)
{
	const struct signer_key *from = data;
	struct signer_key *key = key_new(from->kind);

	(void)selection;
	if (key && from->public_half) {
		EVP_PKEY_up_ref(from->public_half);
		key->public_half = from->public_half;
		key->id = from->id;
	}
	return key;
}

static int key_has(const void *data, int selection)
{
	const struct signer_key *key = data;

	(void)selection;
	return key && key->public_half;
}

static int key_match(const void *a, const void *b, int selection)
{
	const struct signer_key *key = a, *other = b;

	(void)selection;
	return EVP_PKEY_eq(key->public_half, other->public_half) == 1;
}

/* A private half that comes along, as where two keys are compared, is passed over. */
static int key_import(void *data, int selection, const OSSL_PARAM params[])
{
	struct signer_key *key = data;
	EVP_PKEY_CTX *context =
		EVP_PKEY_CTX_new_from_name(NULL, key->kind, SIGNER_ELSEWHERE);
	EVP_PKEY *made = NULL;
	int good = context && (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0 &&
		   EVP_PKEY_fromdata_init(context) == 1 &&
		   EVP_PKEY_fromdata(context, &made, EVP_PKEY_PUBLIC_KEY,
				     (OSSL_PARAM *)params) == 1 &&
		   signer_key_id(made, &key->id) == 0;

	if (good) {
		EVP_PKEY_free(key->public_half);
		key->public_half = made;
	} else {
		EVP_PKEY_free(made);
	}
	EVP_PKEY_CTX_free(context);
	return good;
}

/* OpenSSL tries first to take a key to the default provider, to sign there. */
static int key_export(void *data, int selection, OSSL_CALLBACK *take, void *argument)
{
	const struct signer_key *key = data;

	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
		return 0;
	return EVP_PKEY_export(key->public_half, selection, take, argument);
}

static const OSSL_PARAM *key_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_END,
	};
	static const OSSL_PARAM none[] = { OSSL_PARAM_END };

	return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ? none : types;
}

static int key_get_params(void *data, OSSL_PARAM params[])
{
	const struct signer_key *key = data;

	return EVP_PKEY_get_params(key->public_half, params);
}

static const OSSL_PARAM *key_gettable_params(void *provider)
{
	static const OSSL_PARAM gettable[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)provider;
	return gettable;
}

static const char *signs_as_rsa(int operation)
{
	(void)operation;
	return "RSA";
}

static const char *signs_as_ecdsa(int operation)
{
	(void)operation;
	return "ECDSA";
}

static const char *signs_as_ed25519(int operation)
{
	(void)operation;
	return "ED25519";
}

static const char *signs_as_ed448(int operation)
{
	(void)operation;
	return "ED448";
}

#define FUNCTION(id, function)                 \
	{                                      \
		id, (void (*)(void))(function) \
	}
#define KEYMGMT(made, signs_as)                                                     \
	{                                                                           \
		FUNCTION(OSSL_FUNC_KEYMGMT_NEW, made),                              \
			FUNCTION(OSSL_FUNC_KEYMGMT_FREE, key_free),                 \
			FUNCTION(OSSL_FUNC_KEYMGMT_DUP, key_dup),                   \
			FUNCTION(OSSL_FUNC_KEYMGMT_HAS, key_has),                   \
			FUNCTION(OSSL_FUNC_KEYMGMT_MATCH, key_match),               \
			FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT, key_import),             \
			FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_types),        \
			FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT, key_export),             \
			FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, key_types),        \
			FUNCTION(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),     \
			FUNCTION(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS,                 \
				 key_gettable_params),                              \
			FUNCTION(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, signs_as), \
			{ 0, NULL },                                                \
	}

static const OSSL_DISPATCH rsa[] = KEYMGMT(key_new_rsa, signs_as_rsa);
static const OSSL_DISPATCH rsa_pss[] = KEYMGMT(key_new_rsa_pss, signs_as_rsa);
static const OSSL_DISPATCH ec[] = KEYMGMT(key_new_ec, signs_as_ecdsa);
static const OSSL_DISPATCH ed25519[] = KEYMGMT(key_new_ed25519, signs_as_ed25519);
static const OSSL_DISPATCH ed448[] = KEYMGMT(key_new_ed448, signs_as_ed448);

const OSSL_ALGORITHM signer_keymgmts[] = {
	{ "RSA:rsaEncryption", SIGNER_PROPERTIES, rsa, NULL },
	{ "RSA-PSS:RSASSA-PSS", SIGNER_PROPERTIES, rsa_pss, NULL },
	{ "EC:id-ecPublicKey", SIGNER_PROPERTIES, ec, NULL },
	{ "ED25519", SIGNER_PROPERTIES, ed25519, NULL },
	{ "ED448", SIGNER_PROPERTIES, ed448, NULL },
	{ NULL, NULL, NULL, NULL },
};
