#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/durable.h"
#include "cathgate/spool/key.h"

#define FILE_MAX 65536

int spool_public_load(const struct config_file *file, struct spool_public *ret,
		      struct config_faults *faults)
{
	EVP_PKEY *key = NULL;
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
	if (bytes)
		key = PEM_read_bio_PUBKEY(bytes, NULL, NULL, NULL);
	rc = key ? spool_public_of(key, ret) : -1;
	if (rc != 0)
		config_fault_add(faults, CONFIG_ERROR, &file->place,
				 "%s holds no public key of the spool's kind (X25519) in "
				 "PEM form; cathgate spool keygen makes a pair, and "
				 "openssl pkey -pubout the public half",
				 file->path);
	EVP_PKEY_free(key);
	BIO_free(bytes);
	ERR_clear_error();
	free(text);
	return rc;
}
