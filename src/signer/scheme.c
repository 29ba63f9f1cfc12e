#include "cathgate/signer/scheme.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

static const struct signer_scheme schemes[] = {
	{ 0x0403, "EC", "prime256v1", "SHA256", false },
	{ 0x0503, "EC", "secp384r1", "SHA384", false },
	{ 0x0603, "EC", "secp521r1", "SHA512", false },
	{ 0x0807, "ED25519", NULL, NULL, false },
	{ 0x0808, "ED448", NULL, NULL, false },
	{ 0x0804, "RSA", NULL, "SHA256", true },
	{ 0x0805, "RSA", NULL, "SHA384", true },
	{ 0x0806, "RSA", NULL, "SHA512", true },
	{ 0x0809, "RSA-PSS", NULL, "SHA256", true },
	{ 0x080a, "RSA-PSS", NULL, "SHA384", true },
	{ 0x080b, "RSA-PSS", NULL, "SHA512", true },
	{ 0x0401, "RSA", NULL, "SHA256", false },
	{ 0x0501, "RSA", NULL, "SHA384", false },
	{ 0x0601, "RSA", NULL, "SHA512", false },
};

#define SCHEME_COUNT (sizeof(schemes) / sizeof(schemes[0]))

const struct signer_scheme *signer_scheme_of(uint16_t code)
{
	for (size_t i = 0; i < SCHEME_COUNT; i++)
		if (schemes[i].code == code)
			return &schemes[i];
	return NULL;
}

/* OpenSSL has several names for each digest. */
static bool is_digest(const char *name, const char *wanted)
{
	const EVP_MD *digest = name && name[0] ? EVP_get_digestbyname(name) : NULL;

	return wanted ? digest && EVP_MD_is_a(digest, wanted) : !digest;
}

const struct signer_scheme *signer_scheme_find(const EVP_PKEY *key, const char *digest,
					       bool is_pss)
{
	for (size_t i = 0; i < SCHEME_COUNT; i++)
		if (EVP_PKEY_is_a(key, schemes[i].key) && schemes[i].is_pss == is_pss &&
		    is_digest(digest, schemes[i].digest))
			return &schemes[i];
	return NULL;
}

static bool has_group(const EVP_PKEY *key, const char *wanted)
{
	char name[32];

	return EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) == 1 &&
	       strcmp(name, wanted) == 0;
}

bool signer_scheme_fits(const struct signer_scheme *scheme, const EVP_PKEY *key,
			enum signer_shape shape)
{
	if (shape == SIGNER_SHAPE_NONE || !EVP_PKEY_is_a(key, scheme->key))
		return false;
	if (shape != SIGNER_SHAPE_VERIFY_13)
		return true;
	if (scheme->group)
		return has_group(key, scheme->group);
	return scheme->is_pss || !scheme->digest;
}

MUST_USE static bool set_up(EVP_MD_CTX *context, EVP_PKEY *key, const char *properties,
			    const struct signer_scheme *scheme)
{
	EVP_PKEY_CTX *details = NULL; /* the context's own */

	if (EVP_DigestSignInit_ex(context, &details, scheme->digest, NULL, properties,
				  key, NULL) != 1)
		return false;
	if (!scheme->is_pss)
		return true;
	return EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_DIGEST) == 1;
}

bool signer_scheme_sign(const struct signer_scheme *scheme, EVP_PKEY *key,
			const char *properties, const uint8_t *message, size_t size,
			uint8_t *ret, size_t *ret_size)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = context && set_up(context, key, properties, scheme) &&
		    EVP_DigestSign(context, ret, ret_size, message, size) == 1;

	EVP_MD_CTX_free(context);
	return good;
}
