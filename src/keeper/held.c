#include "internal.h"

#include <openssl/x509.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define DER_MAX 16384 /* of a private key; an RSA one with 16,384 bits takes 9,300 */
#define TAKE_MS 5000

int held_add(struct held *held, EVP_PKEY *key, struct signer_key_id *ret_id)
{
	struct held_key *items;

	if (signer_key_id(key, ret_id) != 0) {
		EVP_PKEY_free(key);
		return -1;
	}
	if (held_find(held, ret_id)) {
		EVP_PKEY_free(key);
		return 0;
	}
	items = reallocarray(held->items, held->count + 1, sizeof(*items));
	if (!items) {
		EVP_PKEY_free(key);
		return -1;
	}
	held->items = items;
	items[held->count++] = (struct held_key){ .key = key, .id = *ret_id };
	return 0;
}

EVP_PKEY *held_find(const struct held *held, const struct signer_key_id *id)
{
	for (size_t i = 0; i < held->count; i++)
		if (memcmp(&held->items[i].id, id, sizeof(*id)) == 0)
			return held->items[i].key;
	return NULL;
}

int held_give(const struct held *held, const struct signer_key_id *id, int channel)
{
	EVP_PKEY *key = held_find(held, id);
	PKCS8_PRIV_KEY_INFO *info = key ? EVP_PKEY2PKCS8(key) : NULL;
	unsigned char *der = NULL;
	int size = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
	int rc = -1;

	if (size > 0 &&
	    send(channel, der, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL) == size)
		rc = 0;
	OPENSSL_clear_free(der, size > 0 ? (size_t)size : 0);
	PKCS8_PRIV_KEY_INFO_free(info);
	return rc;
}

static EVP_PKEY *read_key(const unsigned char *der, long size)
{
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &der, size);
	EVP_PKEY *key = info ? EVP_PKCS82PKEY(info) : NULL;

	PKCS8_PRIV_KEY_INFO_free(info);
	return key;
}

int held_take(struct held *held, const struct signer_key_id *id, int channel)
{
	static unsigned char der[DER_MAX];
	struct pollfd polled = { .fd = channel, .events = POLLIN };
	ssize_t size = -1;
	EVP_PKEY *key;
	struct signer_key_id came;

	if (poll(&polled, 1, TAKE_MS) > 0)
		size = recv(channel, der, sizeof(der), MSG_DONTWAIT);
	key = size > 0 ? read_key(der, (long)size) : NULL;
	explicit_bzero(der, sizeof(der));
	if (!key || held_add(held, key, &came) != 0)
		return -1;
	return memcmp(&came, id, sizeof(came)) == 0 ? 0 : -1;
}

void held_clear(struct held *held)
{
	for (size_t i = 0; i < held->count; i++)
		EVP_PKEY_free(held->items[i].key);
	free(held->items);
	*held = (struct held){ 0 };
}
