/*
 * The signatures of the provider: a message goes to the keeper whole. libssl signs in one
 * call, in TLS 1.2 and 1.3 (EVP_DigestSign), with OpenSSL 3.0 as with 3.5.
 */
#include "internal.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/signer/channel.h"
#include "cathgate/signer/provider.h"
#include "cathgate/signer/scheme.h"

#define NAME_SIZE 64

static int lent = -1;
static bool has_failed;

void signer_lend(int channel)
{
	lent = channel;
	has_failed = false;
}

bool signer_has_failed(void)
{
	return has_failed;
}

struct signature {
	EVP_PKEY *key; /* its public half */
	struct signer_key_id id;
	char digest[NAME_SIZE];
	bool is_pss;
};

static void *signature_new(void *provider, const char *properties)
{
	(void)provider;
	(void)properties;
	return calloc(1, sizeof(struct signature));
}

static void signature_free(void *data)
{
	struct signature *signature = data;

	if (signature)
		EVP_PKEY_free(signature->key);
	free(signature);
}

static void *signature_dup(void *data)
{
	struct signature *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *(struct signature *)data;
	if (copy->key)
		EVP_PKEY_up_ref(copy->key);
	return copy;
}

/* The text of a parameter that is one; NULL for a number. A getter of the wrong kind
 * would leave an error in OpenSSL's queue, which libssl takes for one of the handshake.
 */
static const char *text_of(const OSSL_PARAM *param)
{
	const char *text = NULL;

	if (param->data_type == OSSL_PARAM_UTF8_STRING)
		return param->data;
	if (param->data_type == OSSL_PARAM_UTF8_PTR)
		(void)!OSSL_PARAM_get_utf8_ptr(param, &text);
	return text;
}

/* RSA_PKCS1_PADDING or RSA_PKCS1_PSS_PADDING, as a number or by name. */
static bool set_padding(struct signature *signature, const OSSL_PARAM *param)
{
	const char *name = text_of(param);
	int number = 0;

	if (name)
		number = strcmp(name, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0
				 ? RSA_PKCS1_PSS_PADDING
			 : strcmp(name, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0
				 ? RSA_PKCS1_PADDING
				 : 0;
	else if (OSSL_PARAM_get_int(param, &number) != 1)
		return false;
	signature->is_pss = number == RSA_PKCS1_PSS_PADDING;
	return signature->is_pss || number == RSA_PKCS1_PADDING;
}

/* TLS has no salt but one as long as the digest. */
static bool set_salt(struct signature *signature, const OSSL_PARAM *param)
{
	const EVP_MD *digest = EVP_get_digestbyname(signature->digest);
	const char *text = text_of(param);
	int number;

	if (text && strcmp(text, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0)
		return true;
	if (text)
		number = atoi(text);
	else if (OSSL_PARAM_get_int(param, &number) != 1)
		return false;
	return number == RSA_PSS_SALTLEN_DIGEST ||
	       (digest && number == EVP_MD_get_size(digest));
}

static int signature_set_params(void *data, const OSSL_PARAM params[])
{
	struct signature *signature = data;
	const OSSL_PARAM *padding, *salt;

	if (!params)
		return 1;
	padding = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	salt = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
	return (!padding || set_padding(signature, padding)) &&
	       (!salt || set_salt(signature, salt));
}

static const OSSL_PARAM *signature_settable_params(void *data, void *provider)
{
	static const OSSL_PARAM settable[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)data;
	(void)provider;
	return settable;
}

static int signature_init(void *data, const char *digest, void *key,
			  const OSSL_PARAM params[])
{
	struct signature *signature = data;
	const struct signer_key *held = key;

	if (held) {
		EVP_PKEY_up_ref(held->public_half);
		EVP_PKEY_free(signature->key);
		signature->key = held->public_half;
		signature->id = held->id;
		signature->is_pss = EVP_PKEY_is_a(signature->key, "RSA-PSS");
	}
	if (!signature->key || (digest && strlen(digest) >= NAME_SIZE))
		return 0;
	strcpy(signature->digest, digest ? digest : "");
	return signature_set_params(signature, params);
}

static bool ask_keeper(const struct signature *signature, const uint8_t *message,
		       size_t size, uint8_t *ret, size_t room, size_t *ret_size)
{
	const struct signer_scheme *scheme =
		signer_scheme_find(signature->key, signature->digest, signature->is_pss);
	struct signer_request request = { .key = signature->id };

	if (lent < 0 || !scheme)
		return false;
	request.scheme = scheme->code;
	return signer_ask(lent, &request, message, size, ret, room, ret_size) == 0;
}

/* Without a place for it, only the size is asked for. */
static int signature_make(void *data, unsigned char *ret, size_t *ret_size, size_t room,
			  const unsigned char *message, size_t size)
{
	struct signature *signature = data;

	if (!ret) {
		*ret_size = (size_t)EVP_PKEY_get_size(signature->key);
		return 1;
	}
	if (ask_keeper(signature, message, size, ret, room, ret_size))
		return 1;
	has_failed = true;
	return 0;
}

#define FUNCTION(id, function)                 \
	{                                      \
		id, (void (*)(void))(function) \
	}

static const OSSL_DISPATCH functions[] = {
	FUNCTION(OSSL_FUNC_SIGNATURE_NEWCTX, signature_new),
	FUNCTION(OSSL_FUNC_SIGNATURE_FREECTX, signature_free),
	FUNCTION(OSSL_FUNC_SIGNATURE_DUPCTX, signature_dup),
	FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, signature_init),
	FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, signature_make),
	FUNCTION(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, signature_set_params),
	FUNCTION(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, signature_settable_params),
	{ 0, NULL },
};

const OSSL_ALGORITHM signer_signatures[] = {
	{ "RSA:rsaEncryption", SIGNER_PROPERTIES, functions, NULL },
	{ "ECDSA", SIGNER_PROPERTIES, functions, NULL },
	{ "ED25519", SIGNER_PROPERTIES, functions, NULL },
	{ "ED448", SIGNER_PROPERTIES, functions, NULL },
	{ NULL, NULL, NULL, NULL },
};
