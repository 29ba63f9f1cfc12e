#include "cathgate/base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct digest {
	EVP_MD *sha256; /* fetched once: EVP_sha256() looks it up anew at each start */
	EVP_MD_CTX *stream;
};

struct digest *digest_new(void)
{
	struct digest *digest = calloc(1, sizeof(*digest));

	if (!digest)
		return NULL;
	digest->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	digest->stream = EVP_MD_CTX_new();
	if (!digest->sha256 || !digest->stream || digest_start(digest) != 0) {
		digest_free(digest);
		return NULL;
	}
	return digest;
}

void digest_free(struct digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->stream);
	EVP_MD_free(digest->sha256);
	free(digest);
}

int digest_start(struct digest *digest)
{
	return EVP_DigestInit_ex2(digest->stream, digest->sha256, NULL) == 1 ? 0 : -1;
}

int digest_update(struct digest *digest, const void *bytes, size_t size)
{
	return EVP_DigestUpdate(digest->stream, bytes, size) == 1 ? 0 : -1;
}

int digest_finish(struct digest *digest, uint8_t ret[DIGEST_SIZE])
{
	return EVP_DigestFinal_ex(digest->stream, ret, NULL) == 1 ? 0 : -1;
}

int digest_sha256(const void *bytes, size_t size, uint8_t ret[DIGEST_SIZE])
{
	return EVP_Digest(bytes, size, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : -1;
}

int digest_hmac_sha256(const uint8_t *key, size_t key_size, const void *bytes,
		       size_t size, uint8_t ret[DIGEST_SIZE])
{
	if (key_size > INT_MAX)
		return -1;
	return HMAC(EVP_sha256(), key, (int)key_size, bytes, size, ret, NULL) ? 0 : -1;
}

#define ROW(high)                                                                    \
	high "0" high "1" high "2" high "3" high "4" high "5" high "6" high "7" high \
	     "8" high "9" high "a" high "b" high "c" high "d" high "e" high "f"

void digest_hex(const uint8_t *bytes, size_t size, char *ret)
{
	/* Both digits of each byte: the log's verifier does this to each line twice. */
	static const char pairs[] = ROW("0") ROW("1") ROW("2") ROW("3") ROW("4") ROW("5")
		ROW("6") ROW("7") ROW("8") ROW("9") ROW("a") ROW("b") ROW("c") ROW("d")
			ROW("e") ROW("f");

	for (size_t i = 0; i < size; i++)
		memcpy(ret + 2 * i, pairs + 2 * bytes[i], 2);
	ret[2 * size] = '\0';
}
