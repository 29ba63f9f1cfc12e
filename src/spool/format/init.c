#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "cathgate/base/digest.h"
#include "cathgate/spool/key.h"
#include "cathgate/spool/name.h"
#include "message.h"

/* OpenSSL reads its configuration, and looks up each algorithm, when it is first used: so
 * each is used here once, with a key that is thrown away. What fails here fails again
 * where it is wanted, and is told there. */
void spool_init(void)
{
	static const char anywhere[] = "init";
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	struct message_cipher *cipher = message_cipher_new();
	struct digest *digest = digest_new();
	struct spool_public public;
	struct spool_secret secret;
	struct spool_names_key names_key;
	struct spool_name name = { .sequence = 0 };
	uint8_t enc[SPOOL_ENC_MAX], tag[SPOOL_SHORT_TAG], bytes[64] = { 0 };
	char text[SPOOL_NAME_SIZE];
	bool works = key && cipher && digest;

	works = works && spool_public_of(key, &public) == 0 &&
		spool_encapsulate(&public, anywhere, enc, &secret) >= 0 &&
		spool_decapsulate(key, enc, sizeof(enc), anywhere, &secret) == 0 &&
		message_cipher_begin(cipher, &secret, true) == 0 &&
		message_seal(cipher, &(struct message){ .additional = enc }, bytes, 1,
			     bytes) == 0;
	works = works && spool_names_key_of(key, &names_key) == 0 &&
		spool_tag(&names_key, anywhere, NULL, NULL, 0, tag, sizeof(tag)) == 0 &&
		spool_name_write(&name, &names_key, text) == 0 &&
		spool_name_read(text, &names_key, &name);
	(void)works;
	digest_free(digest);
	message_cipher_free(cipher);
	EVP_PKEY_free(key);
	OPENSSL_cleanse(&secret, sizeof(secret));
	OPENSSL_cleanse(&names_key, sizeof(names_key));
}
