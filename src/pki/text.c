#include "internal.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/durable.h"

/* Certificates, requests and CRLs in DER form begin with an ASN.1 SEQUENCE. */
#define DER_SEQUENCE 0x30

static char failure[256];

void pki_end(bool is_good)
{
	const char *data = "", *reason;
	int flags = 0;
	unsigned long error = ERR_peek_last_error_all(NULL, NULL, NULL, &data, &flags);

	reason = error != 0 ? ERR_reason_error_string(error) : NULL;
	if (!is_good)
		snprintf(failure, sizeof(failure), "%s%s%s",
			 reason ? reason : "no reason is given; there may be no memory",
			 data[0] ? ": " : "", data);
	ERR_clear_error();
}

const char *pki_failure(void)
{
	return failure;
}

void pki_text_free(struct pki_text *text)
{
	if (text->bytes)
		OPENSSL_clear_free(text->bytes, text->size + 1);
	*text = (struct pki_text){ 0 };
}

int pki_text_take(BIO *memory, bool is_written, struct pki_text *ret)
{
	char *bytes, *copy;
	long size = memory ? BIO_get_mem_data(memory, &bytes) : 0;

	copy = is_written && size > 0 ? OPENSSL_malloc((size_t)size + 1) : NULL;
	if (copy) {
		memcpy(copy, bytes, (size_t)size);
		copy[size] = '\0';
		*ret = (struct pki_text){ .bytes = copy, .size = (size_t)size };
	}
	pki_end(copy != NULL);
	BIO_free(memory);
	return copy ? 0 : -1;
}

BIO *pki_open(const char *path, const char **ret_error)
{
	int fd = durable_open_regular(path);
	FILE *stream = fd >= 0 ? fdopen(fd, "r") : NULL;
	BIO *file = stream ? BIO_new_fp(stream, BIO_CLOSE) : NULL;

	if (file)
		return file;
	*ret_error = fd < 0 && errno == EINVAL ? "is no regular file; name one"
		     : fd < 0 && errno == ELOOP
			     ? "is reached by a symbolic link of another user's; name "
			       "the file itself"
			     : "can't be read; look at its path and who may read it";
	if (stream)
		fclose(stream);
	else if (fd >= 0)
		close(fd);
	return NULL;
}

const char *pki_why(BIO *file, enum pem_wanted wanted, const char *otherwise)
{
	FILE *stream = NULL;
	const char *advice = NULL;

	if (BIO_get_fp(file, &stream) == 1 && stream)
		advice = pem_advice(fileno(stream), wanted);
	return advice ? advice : otherwise;
}

bool pki_is_der(BIO *file)
{
	unsigned char first = 0;
	bool is_der = BIO_read(file, &first, 1) == 1 && first == DER_SEQUENCE;

	(void)BIO_seek(file, 0);
	return is_der;
}

/* 0, 1, i, l, o and u are left out: a password is read out over the telephone and typed
 * on a device's keyboard. */
static const char letters[] = "23456789abcdefghjkmnpqrstvwxyz";

int pki_password_make(char ret[PKI_PASSWORD_SIZE])
{
	const size_t count = sizeof(letters) - 1;
	unsigned char byte;

	for (size_t i = 0; i < PKI_PASSWORD_SIZE - 1;) {
		if (i % 5 == 4) {
			ret[i++] = '-';
			continue;
		}
		if (RAND_priv_bytes(&byte, 1) != 1) {
			pki_end(false);
			return -1;
		}
		if (byte < 256 / count * count)
			ret[i++] = letters[byte % count];
	}
	ret[PKI_PASSWORD_SIZE - 1] = '\0';
	return 0;
}

int pki_uuid_make(char ret[PKI_UUID_SIZE])
{
	unsigned char bytes[16];
	char hex[2 * sizeof(bytes) + 1];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
		pki_end(false);
		return -1;
	}
	bytes[6] = (unsigned char)((bytes[6] & 0x0F) | 0x40);
	bytes[8] = (unsigned char)((bytes[8] & 0x3F) | 0x80);
	digest_hex(bytes, sizeof(bytes), hex);
	snprintf(ret, PKI_UUID_SIZE, "urn:uuid:%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
		 hex + 12, hex + 16, hex + 20);
	return 0;
}

int pki_secret_make(struct pki_text *ret)
{
	unsigned char bytes[32], base64[46];
	BIO *memory = BIO_new(BIO_s_mem());
	bool is_written;

	is_written = memory && RAND_priv_bytes(bytes, sizeof(bytes)) == 1 &&
		     EVP_EncodeBlock(base64, bytes, sizeof(bytes)) == 44 &&
		     BIO_printf(memory, "%s\n", (const char *)base64) > 0;
	OPENSSL_cleanse(bytes, sizeof(bytes));
	OPENSSL_cleanse(base64, sizeof(base64));
	return pki_text_take(memory, is_written, ret);
}
