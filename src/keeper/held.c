#include "internal.h"

#include <openssl/x509.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cathgate/base/log.h"
#include "cathgate/tls/key_file.h"

#define KEY_MAX	     16384 /* an RSA one with 16,384 bits takes 9,300 */
#define DER_SEQUENCE 0x30  /* no URI begins with it */
#define TAKE_MS	     5000

static void clear_key(struct held_key *item)
{
	EVP_PKEY_free(item->key);
	EVP_PKEY_free(item->public_half);
	free(item->uri);
	*item = (struct held_key){ 0 };
}

/* The provider of a token's key answers questions about it in its own way, or not. */
MUST_USE static EVP_PKEY *public_half_of(const EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int size = i2d_PUBKEY(key, &der);
	const unsigned char *at = der;
	EVP_PKEY *half = NULL;

	if (size > 0)
		half = d2i_PUBKEY_ex(NULL, &at, size, NULL, "?provider=default");
	OPENSSL_free(der);
	return half;
}

/* The item takes the key over in any case. */
MUST_USE static int fill(struct held_key *item, EVP_PKEY *key, const char *uri)
{
	*item = (struct held_key){ .key = key,
				   .public_half = public_half_of(key),
				   .uri = uri ? strdup(uri) : NULL,
				   .properties = uri ? tls_key_properties(uri) : NULL };
	return item->public_half && (item->uri || !uri) &&
			       signer_key_id(item->public_half, &item->id) == 0
		       ? 0
		       : -1;
}

int held_add(struct held *held, EVP_PKEY *key, const char *uri,
	     struct signer_key_id *ret_id)
{
	struct held_key item, *items = NULL;
	int rc = fill(&item, key, uri);

	*ret_id = item.id;
	if (rc == 0 && !held_find(held, ret_id)) {
		items = reallocarray(held->items, held->count + 1, sizeof(*items));
		rc = items ? 0 : -1;
	}
	if (!items) {
		clear_key(&item);
		return rc;
	}
	held->items = items;
	items[held->count++] = item;
	return 0;
}

const struct held_key *held_find(const struct held *held, const struct signer_key_id *id)
{
	for (size_t i = 0; i < held->count; i++)
		if (memcmp(&held->items[i].id, id, sizeof(*id)) == 0)
			return &held->items[i];
	return NULL;
}

bool held_has_token(const struct held *held)
{
	for (size_t i = 0; i < held->count; i++)
		if (held->items[i].uri)
			return true;
	return false;
}

MUST_USE static int send_all(int channel, const void *bytes, int size)
{
	return size > 0 && send(channel, bytes, (size_t)size,
				MSG_DONTWAIT | MSG_NOSIGNAL) == size
		       ? 0
		       : -1;
}

int held_give(const struct held *held, const struct signer_key_id *id, int channel)
{
	const struct held_key *item = held_find(held, id);
	PKCS8_PRIV_KEY_INFO *info;
	unsigned char *der = NULL;
	int size, rc;

	if (item && item->uri)
		return send_all(channel, item->uri, (int)strlen(item->uri));
	info = item ? EVP_PKEY2PKCS8(item->key) : NULL;
	size = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
	rc = send_all(channel, der, size);
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

/* The token is asked by this process, too. */
MUST_USE static EVP_PKEY *find_key(const char *uri)
{
	const struct config_file file = { .path = uri, .in_token = true };
	struct config_faults faults = { 0 };
	EVP_PKEY *key = tls_key_load(&file, &faults);

	if (!key && faults.count > 0)
		log_error("%s", faults.items[0].text);
	config_faults_clear(&faults);
	return key;
}

int held_take(struct held *held, const struct signer_key_id *id, int channel)
{
	static unsigned char came[KEY_MAX + 1]; /* the DER form, or a URI */
	const char *uri = NULL;
	struct pollfd polled = { .fd = channel, .events = POLLIN };
	ssize_t size = -1;
	EVP_PKEY *key = NULL;
	struct signer_key_id own;
	int rc;

	if (poll(&polled, 1, TAKE_MS) > 0)
		size = recv(channel, came, KEY_MAX, MSG_DONTWAIT);
	if (size > 0 && came[0] != DER_SEQUENCE) {
		came[size] = '\0';
		uri = (const char *)came;
		key = find_key(uri);
	} else if (size > 0) {
		key = read_key(came, (long)size);
	}
	rc = key ? held_add(held, key, uri, &own) : -1;
	explicit_bzero(came, sizeof(came));
	if (rc != 0)
		return -1;
	return memcmp(&own, id, sizeof(own)) == 0 ? 0 : -1;
}

void held_clear(struct held *held)
{
	for (size_t i = 0; i < held->count; i++)
		clear_key(&held->items[i]);
	free(held->items);
	*held = (struct held){ 0 };
}
