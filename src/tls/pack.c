/*
 * Takes a context to another process. What the configuration says goes there with it;
 * here is what was made of the files that it names.
 */
#include "internal.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "cathgate/base/secrets.h"

/* To be removed, with take_key, once a keeper holds the private keys: then the public key
 * of the certificate takes its place. */
MUST_USE static int put_key(FILE *to, const struct tls_pair *pair)
{
	unsigned char *der = NULL;
	int length, rc = -1;

	secrets_begin();
	length = i2d_PrivateKey(pair->key, &der);
	if (length > 0) {
		rc = tls_item_put(to, TLS_ITEM_KEY, der, (size_t)length);
		OPENSSL_clear_free(der, (size_t)length);
	}
	secrets_end();
	return rc;
}

MUST_USE static bool take_key(const struct tls_item *item, struct tls_pair *pair)
{
	const unsigned char *at = item->bytes;

	secrets_begin();
	pair->key = d2i_AutoPrivateKey(NULL, &at, (long)item->size);
	secrets_end();
	return pair->key != NULL;
}

MUST_USE static int put_pair(FILE *to, const struct tls_pair *pair)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < sk_X509_num(pair->chain); i++) {
		unsigned char *der = NULL;
		int length = i2d_X509(sk_X509_value(pair->chain, i), &der);

		rc = length > 0
			     ? tls_item_put(to, TLS_ITEM_CERTIFICATE, der, (size_t)length)
			     : -1;
		OPENSSL_free(der);
	}
	return rc == 0 ? put_key(to, pair) : -1;
}

int tls_context_pack(const struct tls_context *context, FILE *to)
{
	int rc = tls_put_store(to, context);

	for (size_t i = 0; rc == 0 && i < context->pair_count; i++)
		rc = put_pair(to, &context->pairs[i]);
	return rc == 0 ? tls_item_put(to, TLS_ITEM_END, NULL, 0) : -1;
}

MUST_USE static bool push_certificate(const struct tls_item *item, STACK_OF(X509) * *list)
{
	const unsigned char *at = item->bytes;
	X509 *certificate = d2i_X509(NULL, &at, (long)item->size);

	if (!*list)
		*list = sk_X509_new_null();
	if (certificate && *list && sk_X509_push(*list, certificate) > 0)
		return true;
	X509_free(certificate);
	return false;
}

MUST_USE static bool push_crl(const struct tls_item *item, STACK_OF(X509_CRL) * *list)
{
	const unsigned char *at = item->bytes;
	X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)item->size);

	if (!*list)
		*list = sk_X509_CRL_new_null();
	if (crl && *list && sk_X509_CRL_push(*list, crl) > 0)
		return true;
	X509_CRL_free(crl);
	return false;
}

/* A chain's certificates stand before its key. */
MUST_USE static bool take_item(const struct tls_item *item, struct tls_material *material)
{
	struct tls_pair *pair = material->pair_count > 0
					? &material->pairs[material->pair_count - 1]
					: NULL;

	switch (item->kind) {
	case TLS_ITEM_CA:
		return push_certificate(item, &material->ca);
	case TLS_ITEM_CRL:
		return material->crl_count > 0 && push_crl(item, &material->crl[0]);
	case TLS_ITEM_CERTIFICATE:
		if (!pair || pair->key) {
			if (material->pair_count == CONFIG_PAIRS_MAX)
				return false;
			pair = &material->pairs[material->pair_count++];
		}
		return push_certificate(item, &pair->chain);
	case TLS_ITEM_KEY:
		return pair && !pair->key && take_key(item, pair);
	default:
		return false;
	}
}

/* Up to the end of a context. */
MUST_USE static bool take_items(const uint8_t **bytes, size_t *left,
				struct tls_material *material)
{
	struct tls_item item;

	while (tls_item_take(bytes, left, &item)) {
		if (item.kind == TLS_ITEM_END)
			return true;
		if (!take_item(&item, material))
			return false;
	}
	return false;
}

MUST_USE static bool is_whole(const struct tls_material *material)
{
	bool whole = material->ca && material->pair_count > 0;

	for (size_t i = 0; i < material->pair_count; i++)
		whole = whole && material->pairs[i].key;
	return whole;
}

struct tls_context *tls_context_unpack(const struct config_tls *tls, bool server,
				       const uint8_t **bytes, size_t *left)
{
	/* All CRLs in one list: which file each is of matters only to those who read it.
	 */
	struct tls_material material = { .crl_count = tls->crl.count > 0 ? 1 : 0 };
	struct tls_context *context = NULL;

	material.crl = calloc(1, sizeof(*material.crl));
	if (material.crl && take_items(bytes, left, &material) && is_whole(&material))
		context = tls_context_make(tls, server, &material);
	ERR_clear_error();
	tls_material_clear(&material);
	return context;
}
