#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/durable.h"
#include "cathgate/spool/key.h"
#include "xwing.h"

#define FILE_MAX 65536

/* What there is, up to two keys, as the file has them. */
MUST_USE static int read_keys(BIO *bytes, struct spool_public *ret)
{
	EVP_PKEY *first = PEM_read_bio_PUBKEY(bytes, NULL, NULL, NULL), *second = NULL;
	uint8_t both[XWING_PUBLIC_SIZE];
	int rc = -1;

	if (first && !EVP_PKEY_is_a(first, XWING_ML_KEM))
		rc = spool_public_of(first, ret);
	else if (first)
		second = PEM_read_bio_PUBKEY(bytes, NULL, NULL, NULL);
	if (second && xwing_public(first, second, both) == 0)
		rc = spool_public_set(SPOOL_SUITE_XWING, both, ret);
	EVP_PKEY_free(first);
	EVP_PKEY_free(second);
	return rc;
}

int spool_public_load(const struct config_file *file, struct spool_public *ret,
		      struct config_faults *faults)
{
	char *text = NULL;
	size_t size = 0;
	BIO *bytes;
	int rc;

	if (durable_read(file->path, FILE_MAX, &text, &size) != 0) {
		config_fault_add(faults, CONFIG_ERROR, &file->place,
				 "can't read the spool's public key %s: %s; cathgate "
				 "spool keygen makes a pair",
				 file->path, strerror(errno));
		return -1;
	}
	bytes = BIO_new_mem_buf(text, (int)size);
	rc = bytes ? read_keys(bytes, ret) : -1;
	if (rc != 0)
		config_fault_add(
			faults, CONFIG_ERROR, &file->place,
			"%s holds no public key of the spool's kind (X25519, or, "
			"from OpenSSL 3.5 on, ML-KEM-768 and X25519) in PEM "
			"form; cathgate spool keygen makes a pair, and with "
			"--public the public half of a key that is there",
			file->path);
	BIO_free(bytes);
	ERR_clear_error();
	free(text);
	return rc;
}
