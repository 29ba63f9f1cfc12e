#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "cathgate/base/digest.h"
#include "cathgate/spool/key.h"
#include "cathgate/spool/name.h"
#include "message.h"
#include "xwing.h"

static const char anywhere[] = "init";

MUST_USE static int agree(EVP_PKEY *key, struct spool_secret *ret)
{
	struct spool_public public;
	uint8_t enc[SPOOL_ENC_MAX];
	int size;

	if (spool_public_of(key, &public) != 0)
		return -1;
	size = spool_encapsulate(&public, anywhere, enc, ret);
	return size < 0 ? -1 : spool_decapsulate(key, enc, (size_t)size, anywhere, ret);
}

/* OpenSSL reads its configuration, and looks up each algorithm, when it is first used: so
 * each is used here once, with a key that is thrown away. What fails here fails again
 * where it is wanted, and is told there. */
void spool_init(void)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	EVP_PKEY *ml_kem = EVP_PKEY_Q_keygen(NULL, NULL, XWING_ML_KEM);
	struct message_cipher *cipher = message_cipher_new();
	struct digest *digest = digest_new();
	struct spool_secret secret;
	struct spool_names_key names_key;
	struct spool_name name = { .sequence = 0 };
	uint8_t tag[SPOOL_SHORT_TAG], bytes[64] = { 0 };
	char text[SPOOL_NAME_SIZE];
	bool works = key && cipher && digest;

	works = works && agree(key, &secret) == 0 &&
		message_cipher_begin(cipher, &secret, true) == 0 &&
		message_seal(cipher, &(struct message){ .additional = bytes }, bytes, 1,
			     bytes) == 0;
	if (ml_kem) /* OpenSSL has it from 3.5 on */
		works = agree(ml_kem, &secret) == 0 && works;
	works = works && spool_names_key_of(key, &names_key) == 0 &&
		spool_tag(&names_key, anywhere, NULL, NULL, 0, tag, sizeof(tag)) == 0 &&
		spool_name_write(&name, &names_key, text) == 0 &&
		spool_name_read(text, &names_key, &name);
	(void)works;
	digest_free(digest);
	message_cipher_free(cipher);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ml_kem);
	ERR_clear_error();
	OPENSSL_cleanse(&secret, sizeof(secret));
	OPENSSL_cleanse(&names_key, sizeof(names_key));
}
