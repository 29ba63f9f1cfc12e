#include "checkpoint_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "cathgate/base/durable.h"

#define PUBLIC_SIZE    32
#define SIGNATURE_SIZE 64
#define KEY_ID_SIZE    4

/* A key of either kind. Only a signing key's pair has the private half. */
struct key {
	EVP_PKEY *pair;
	uint8_t public_half[PUBLIC_SIZE];
	char name[DIGEST_HEX_SIZE];
};

struct verifying_key {
	struct key key;
};

struct signing_key {
	struct verifying_key both;
};

static void key_close(struct key *key)
{
	EVP_PKEY_free(key->pair);
	key->pair = NULL;
}

/* Takes `pair`'s ownership, even on failure. */
static const char *key_take(EVP_PKEY *pair, struct key *ret)
{
	struct key key = { .pair = pair };
	size_t size = PUBLIC_SIZE;
	uint8_t digest[DIGEST_SIZE];
	unsigned char *der = NULL;
	const char *error = "is no Ed25519 key in PEM without a passphrase; make one "
			    "with: cathgate audit keygen FILE";
	if (!pair || !EVP_PKEY_is_a(pair, "ED25519") ||
	    EVP_PKEY_get_raw_public_key(pair, key.public_half, &size) != 1)
		goto out;
	int der_size = i2d_PUBKEY(pair, &der);
	if (der_size <= 0 || digest_sha256(der, (size_t)der_size, digest))
		goto out;
	digest_hex(digest, sizeof(digest), key.name);
	*ret = key;
	key.pair = NULL;
	error = NULL;
out:
	OPENSSL_free(der);
	key_close(&key);
	ERR_clear_error();
	return error;
}

/* A daemon can't ask for a passphrase. */
static int no_passphrase(char *text, int size, int is_writing, void *context)
{
	(void)text;
	(void)size;
	(void)is_writing;
	(void)context;
	return -1;
}

static const char *open_error(void)
{
	return errno == ENOENT ? "does not exist; make a pair with: cathgate audit "
				 "keygen FILE"
			       : "can't be read; let the program's user read it";
}

static FILE *open_private(const struct config_file *file, const char **ret_error)
{
	struct stat status;
	FILE *stream = fopen(file->path, "re");
	if (!stream) {
		*ret_error = open_error();
		return NULL;
	}
	if (fstat(fileno(stream), &status) == 0 && S_ISREG(status.st_mode) &&
	    (file->credential || !(status.st_mode & 077)))
		return stream;
	*ret_error = S_ISREG(status.st_mode) ? "can be read by others than its owner; "
					       "write: chmod 600"
					     : "is no file";
	fclose(stream);
	return NULL;
}

struct signing_key *signing_key_open(const struct config_file *file,
				     const char **ret_error)
{
	struct signing_key *key = calloc(1, sizeof(*key));
	FILE *stream = open_private(file, ret_error);
	if (!stream || !key) {
		if (stream)
			*ret_error = "can't be read: no memory";
		goto fail;
	}
	*ret_error = key_take(PEM_read_PrivateKey(stream, NULL, no_passphrase, NULL),
			      &key->both.key);
	if (*ret_error)
		goto fail;
	fclose(stream);
	return key;
fail:
	if (stream)
		fclose(stream);
	free(key);
	return NULL;
}

void signing_key_free(struct signing_key *key)
{
	if (!key)
		return;
	key_close(&key->both.key);
	free(key);
}

const struct verifying_key *signing_key_public(const struct signing_key *key)
{
	return &key->both;
}

const char *signing_key_name(const struct signing_key *key)
{
	return key->both.key.name;
}

struct verifying_key *verifying_key_open(const char *path, const char **ret_error)
{
	struct verifying_key *key = calloc(1, sizeof(*key));
	FILE *stream = fopen(path, "re");
	if (!stream || !key) {
		*ret_error = stream ? "can't be read: no memory" : open_error();
		goto fail;
	}
	*ret_error = key_take(PEM_read_PUBKEY(stream, NULL, NULL, NULL), &key->key);
	if (*ret_error) {
		*ret_error = "is no public Ed25519 key in PEM; name the .pub file of "
			     "the pair";
		goto fail;
	}
	fclose(stream);
	return key;
fail:
	if (stream)
		fclose(stream);
	free(key);
	return NULL;
}

void verifying_key_free(struct verifying_key *key)
{
	if (!key)
		return;
	key_close(&key->key);
	free(key);
}

const char *verifying_key_name(const struct verifying_key *key)
{
	return key->key.name;
}

/* C2SP signed note: the first bytes of SHA-256 of the key's name, a newline, 1 for
 * Ed25519, and the key. */
static int key_id(const struct key *key, const char *name, uint8_t ret[KEY_ID_SIZE])
{
	uint8_t bytes[CHECKPOINT_ORIGIN_SIZE + 2 + PUBLIC_SIZE], digest[DIGEST_SIZE];
	size_t length = strlen(name);
	memcpy(bytes, name, length);
	memcpy(bytes + length, "\n\x01", 2);
	memcpy(bytes + length + 2, key->public_half, PUBLIC_SIZE);
	if (digest_sha256(bytes, length + 2 + PUBLIC_SIZE, digest))
		return -1;
	memcpy(ret, digest, KEY_ID_SIZE);
	return 0;
}

int checkpoint_key_sign(const struct signing_key *key, const char *name, const char *text,
			size_t size, uint8_t ret[CHECKPOINT_SIGNED_SIZE])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t signature_size = SIGNATURE_SIZE;
	int result = -1;
	if (context && key_id(&key->both.key, name, ret) == 0 &&
	    EVP_DigestSignInit(context, NULL, NULL, NULL, key->both.key.pair) == 1 &&
	    EVP_DigestSign(context, ret + KEY_ID_SIZE, &signature_size,
			   (const unsigned char *)text, size) == 1)
		result = 0;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return result;
}

enum checkpoint_verdict checkpoint_key_verify(
	const struct verifying_key *key, const char *name, const char *text, size_t size,
	const uint8_t signature[CHECKPOINT_SIGNED_SIZE])
{
	uint8_t id[KEY_ID_SIZE];
	if (key_id(&key->key, name, id) || memcmp(id, signature, sizeof(id)) != 0)
		return CHECKPOINT_OTHER_KEY;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool holds =
		context &&
		EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->key.pair) == 1 &&
		EVP_DigestVerify(context, signature + KEY_ID_SIZE, SIGNATURE_SIZE,
				 (const unsigned char *)text, size) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return holds ? CHECKPOINT_HOLDS : CHECKPOINT_FORGED;
}

/* Copies what has been written to memory. */
static int copy_text(BIO *from, char ret[SIGNING_KEY_TEXT_SIZE])
{
	char *bytes;
	long size = BIO_get_mem_data(from, &bytes);
	if (size <= 0 || size >= SIGNING_KEY_TEXT_SIZE)
		return -1;
	memcpy(ret, bytes, (size_t)size);
	ret[size] = '\0';
	return 0;
}

int signing_key_new(struct signing_key_text *ret)
{
	struct signing_key_text text;
	EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *private_half = BIO_new(BIO_s_secmem()), *public_half = BIO_new(BIO_s_mem());
	int result = -1;
	if (pair && private_half && public_half &&
	    PEM_write_bio_PKCS8PrivateKey(private_half, pair, NULL, NULL, 0, NULL,
					  NULL) == 1 &&
	    PEM_write_bio_PUBKEY(public_half, pair) == 1 &&
	    copy_text(private_half, text.private_half) == 0 &&
	    copy_text(public_half, text.public_half) == 0) {
		*ret = text;
		result = 0;
	}
	OPENSSL_cleanse(&text, sizeof(text));
	BIO_free(private_half);
	BIO_free(public_half);
	EVP_PKEY_free(pair);
	ERR_clear_error();
	return result;
}

static const char *why_not_made(void)
{
	return errno == EEXIST	 ? "is there already, and is not overwritten"
	       : errno == ENOSPC ? "can't be written; is the disk full?"
				 : "can't be made; look at its directory";
}

static int put_half(const char *path, const char *text, mode_t mode,
		    const char **ret_error)
{
	const struct durable_owner own = { (uid_t)-1, (gid_t)-1, mode };
	if (durable_create(path, text, strlen(text), &own) == 0)
		return 0;
	*ret_error = why_not_made();
	return -1;
}

int signing_key_make(const char *path, const char **ret_error)
{
	struct signing_key_text text;
	char *public_path = NULL;
	int result = -1;
	if (signing_key_new(&text) || asprintf(&public_path, "%s.pub", path) < 0) {
		*ret_error = "can't be made: OpenSSL refuses, or there is no memory";
		return -1;
	}
	if (put_half(path, text.private_half, 0600, ret_error) == 0) {
		result = put_half(public_path, text.public_half, 0644, ret_error);
		if (result)
			(void)!durable_remove(path); /* the failure is told already */
	}
	OPENSSL_cleanse(&text, sizeof(text));
	free(public_path);
	return result;
}
