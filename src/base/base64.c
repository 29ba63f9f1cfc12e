#include "cathgate/base/base64.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define DECODED_MAX 96

void base64_encode(const uint8_t *bytes, size_t size, char *ret)
{
	EVP_EncodeBlock((unsigned char *)ret, bytes, (int)size);
}

int base64_decode(const char *text, size_t length, uint8_t *ret, size_t size)
{
	uint8_t bytes[DECODED_MAX];
	char again[BASE64_LENGTH(DECODED_MAX) + 1];
	if (size > DECODED_MAX - 2 || length != BASE64_LENGTH(size))
		return -1;
	/* OpenSSL decodes padding to zero bytes, and skips blanks. So the bytes are
	 * encoded again, which must give the same text. */
	int result = -1;
	if (EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)length) > 0) {
		base64_encode(bytes, size, again);
		result = memcmp(again, text, length) == 0 ? 0 : -1;
	}
	if (result == 0)
		memcpy(ret, bytes, size);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	OPENSSL_cleanse(again, sizeof(again));
	return result;
}

static void exchange(char *text, size_t length, const char *from, const char *to)
{
	for (size_t i = 0; i < length; i++) {
		const char *found = memchr(from, text[i], 2);

		if (found)
			text[i] = to[found - from];
	}
}

void base64url_encode(const uint8_t *bytes, size_t size, char *ret)
{
	base64_encode(bytes, size, ret);
	exchange(ret, BASE64URL_LENGTH(size), "+/", "-_");
	ret[BASE64URL_LENGTH(size)] = '\0';
}

int base64url_decode(const char *text, size_t length, uint8_t *ret, size_t size)
{
	char other[BASE64_LENGTH(DECODED_MAX)];

	if (size > DECODED_MAX - 2 || length != BASE64URL_LENGTH(size) ||
	    memchr(text, '+', length) || memchr(text, '/', length))
		return -1;
	memset(other, '=', sizeof(other));
	memcpy(other, text, length);
	exchange(other, length, "-_", "+/");
	return base64_decode(other, BASE64_LENGTH(size), ret, size);
}
