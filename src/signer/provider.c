#include "cathgate/signer/provider.h"

#include <openssl/params.h>
#include <openssl/provider.h>

#include "cathgate/base/log.h"
#include "internal.h"

static const OSSL_ALGORITHM *query_operation(void *provider, int operation, int *no_cache)
{
	(void)provider;
	*no_cache = 0;
	switch (operation) {
	case OSSL_OP_KEYMGMT:
		return signer_keymgmts;
	case OSSL_OP_SIGNATURE:
		return signer_signatures;
	default:
		return NULL;
	}
}

static int provider_init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *given,
			 const OSSL_DISPATCH **ret, void **ret_provider)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query_operation },
		{ 0, NULL },
	};

	(void)given;
	*ret = functions;
	*ret_provider = (void *)core; /* OpenSSL wants something there */
	return 1;
}

/* Loaded for as long as the process lives. */
static OSSL_PROVIDER *default_provider, *own_provider;

/* OpenSSL loads its default provider by itself only while no other is loaded, and asking
 * for it has that happen now. Where openssl.cnf names others in its place, it stays
 * absent. The properties keep every other key of the process away from this provider. */
static bool load_provider(void)
{
	bool has_default = OSSL_PROVIDER_available(NULL, "default") == 1;
	const char *properties = EVP_default_properties_is_fips_enabled(NULL)
					 ? "fips=yes,?" SIGNER_ELSEWHERE
					 : "?" SIGNER_ELSEWHERE;

	if (has_default)
		default_provider = OSSL_PROVIDER_load(NULL, "default");
	if (OSSL_PROVIDER_add_builtin(NULL, SIGNER_PROVIDER, provider_init) == 1)
		own_provider = OSSL_PROVIDER_load(NULL, SIGNER_PROVIDER);
	return (default_provider || !has_default) && own_provider &&
	       EVP_set_default_properties(NULL, properties) == 1;
}

static bool is_loaded(void)
{
	static bool was_tried, is_good;

	if (!was_tried)
		is_good = load_provider();
	if (!was_tried && !is_good)
		log_bug("OpenSSL refuses the provider of the keeper's keys");
	was_tried = true;
	return is_good;
}

EVP_PKEY *signer_key_new(const EVP_PKEY *public_half)
{
	EVP_PKEY_CTX *context = NULL;
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (is_loaded() &&
	    EVP_PKEY_todata(public_half, EVP_PKEY_PUBLIC_KEY, &params) == 1)
		context = EVP_PKEY_CTX_new_from_name(
			NULL, EVP_PKEY_get0_type_name(public_half), SIGNER_PROPERTIES);
	if (context && EVP_PKEY_fromdata_init(context) == 1 &&
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(context);
	return key;
}
