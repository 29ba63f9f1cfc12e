/*
 * Takes a context to another process. What the configuration says goes there with it;
 * here is what was made of the files that it names.
 */
#include "internal.h"

#include <openssl/err.h>
#include <stdlib.h>

int tls_context_pack(const struct tls_context *context, FILE *to)
{
	int rc = tls_put_store(to, context);

	for (size_t i = 0; rc == 0 && i < context->pair_count; i++)
		rc = tls_put_chain(to, context->pairs[i].chain);
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

MUST_USE static bool take_item(const struct tls_item *item, struct tls_material *material)
{
	switch (item->kind) {
	case TLS_ITEM_CA:
		return push_certificate(item, &material->ca);
	case TLS_ITEM_CRL:
		return material->crl_count > 0 && push_crl(item, &material->crl[0]);
	case TLS_ITEM_OWN:
	case TLS_ITEM_CHAIN:
		return tls_take_chain(item, material->pairs, &material->pair_count);
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

struct tls_context *tls_context_unpack(const struct config_tls *tls, bool server,
				       const uint8_t **bytes, size_t *left)
{
	/* All CRLs in one list: which file each is of matters only to those who read it.
	 */
	struct tls_material material = { .crl_count = tls->crl.count > 0 ? 1 : 0 };
	struct tls_context *context = NULL;

	material.crl = calloc(1, sizeof(*material.crl));
	if (material.crl && take_items(bytes, left, &material) && material.ca &&
	    material.pair_count > 0)
		context = tls_context_make(tls, server, &material, true);
	ERR_clear_error();
	tls_material_clear(&material);
	return context;
}
