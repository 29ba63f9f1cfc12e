#include "internal.h"

#include <string.h>

/* The head of each item. */
struct head {
	uint32_t kind;
	uint32_t size;
};

int tls_item_put(FILE *to, enum tls_item_kind kind, const void *bytes, size_t size)
{
	struct head head = { .kind = kind, .size = (uint32_t)size };

	return fwrite(&head, sizeof(head), 1, to) == 1 &&
			       (size == 0 || fwrite(bytes, size, 1, to) == 1)
		       ? 0
		       : -1;
}

bool tls_item_take(const uint8_t **bytes, size_t *left, struct tls_item *ret)
{
	struct head head;

	if (*left < sizeof(head))
		return false;
	memcpy(&head, *bytes, sizeof(head));
	*bytes += sizeof(head);
	*left -= sizeof(head);
	if (head.size > *left)
		return false;
	*ret = (struct tls_item){ head.kind, head.size, *bytes };
	*bytes += head.size;
	*left -= head.size;
	return true;
}

int tls_put_chain(FILE *to, STACK_OF(X509) * chain)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < sk_X509_num(chain); i++) {
		unsigned char *der = NULL;
		int length = i2d_X509(sk_X509_value(chain, i), &der);

		rc = length > 0 ? tls_item_put(to, i == 0 ? TLS_ITEM_OWN : TLS_ITEM_CHAIN,
					       der, (size_t)length)
				: -1;
		OPENSSL_free(der);
	}
	return rc;
}

MUST_USE static bool begin_pair(struct tls_pair *pair, X509 *certificate)
{
	*pair = (struct tls_pair){ .chain = sk_X509_new_null(),
				   .key = X509_get_pubkey(certificate) };
	return pair->chain && pair->key && tls_pair_set_signer(pair, true);
}

bool tls_take_chain(const struct tls_item *item, struct tls_pair *pairs, size_t *count)
{
	const unsigned char *at = item->bytes;
	X509 *certificate = d2i_X509(NULL, &at, (long)item->size);
	bool is_own = item->kind == TLS_ITEM_OWN;
	bool good =
		certificate && *count + is_own > 0 && *count + is_own <= CONFIG_PAIRS_MAX;

	if (good && is_own)
		good = begin_pair(&pairs[(*count)++], certificate);
	if (good && sk_X509_push(pairs[*count - 1].chain, certificate) > 0)
		return true;
	X509_free(certificate);
	return false;
}
