#include "cathgate/pki/sealed.h"

#include <errno.h>
#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "cathgate/base/durable.h"
#include "internal.h"

/* OWASP's for PBKDF2 with HMAC-SHA-1, the only one that OpenSSL's CMS takes: about a
 * second. */
#define ROUNDS 1300000

MUST_USE static int add_passphrase(CMS_ContentInfo *cms, const char *passphrase)
{
	size_t length = strlen(passphrase);
	unsigned char *copy = OPENSSL_memdup(passphrase, length);

	/* RFC 3211 wraps the key in CBC; the usual cipher would be the content's. */
	if (copy &&
	    CMS_add0_recipient_password(cms, ROUNDS, NID_id_alg_PWRI_KEK, NID_undef, copy,
					(ossl_ssize_t)length, EVP_aes_256_cbc()))
		return 0;
	OPENSSL_clear_free(copy, length);
	return -1;
}

MUST_USE static int add_recipient(CMS_ContentInfo *cms, X509 *certificate)
{
	CMS_RecipientInfo *recipient =
		CMS_add1_recipient_cert(cms, certificate, CMS_KEY_PARAM);
	EVP_PKEY_CTX *context;

	if (!recipient)
		return -1;
	if (CMS_RecipientInfo_type(recipient) != CMS_RECIPINFO_TRANS)
		return 0; /* agreed upon, as EC keys do */
	context = CMS_RecipientInfo_get0_pkey_ctx(recipient);
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
			       EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1
		       ? 0
		       : -1;
}

int pki_seal(int from, int to, const char *passphrase,
	     struct pki_certificate *const *recipients, size_t count)
{
	CMS_ContentInfo *cms = CMS_AuthEnvelopedData_create(EVP_aes_256_gcm());
	BIO *in = BIO_new_fd(from, BIO_NOCLOSE), *out = BIO_new_fd(to, BIO_NOCLOSE);
	int result = cms && in && out ? 0 : -1;

	if (result == 0 && passphrase)
		result = add_passphrase(cms, passphrase);
	for (size_t i = 0; result == 0 && i < count; i++)
		result = add_recipient(cms, recipients[i]->x509);
	if (result == 0 &&
	    i2d_CMS_bio_stream(out, cms, in, CMS_BINARY | CMS_PARTIAL | CMS_STREAM) != 1)
		result = -1;
	pki_end(result == 0);
	BIO_free(in);
	BIO_free(out);
	CMS_ContentInfo_free(cms);
	return result;
}

MUST_USE static bool is_sealed(CMS_ContentInfo *cms)
{
	return cms &&
	       OBJ_obj2nid(CMS_get0_type(cms)) == NID_id_smime_ct_authEnvelopedData;
}

MUST_USE static bool opens(CMS_ContentInfo *cms, const char *passphrase,
			   const struct pki_key *key)
{
	if (key)
		return CMS_decrypt_set1_pkey(cms, key->pair, NULL) == 1;
	return CMS_decrypt_set1_password(cms, (unsigned char *)passphrase,
					 (ossl_ssize_t)strlen(passphrase)) == 1;
}

enum pki_unsealed pki_unseal(int from, int to, const char *passphrase,
			     const struct pki_key *key)
{
	BIO *in = BIO_new_fd(from, BIO_NOCLOSE), *out = BIO_new_fd(to, BIO_NOCLOSE);
	CMS_ContentInfo *cms = in && out ? d2i_CMS_bio(in, NULL) : NULL;
	enum pki_unsealed result = PKI_UNSEALED;

	if (!is_sealed(cms)) {
		result = PKI_UNSEALED_NO_FORM;
	} else if (!opens(cms, passphrase, key)) {
		result = PKI_UNSEALED_REFUSED;
	} else {
		errno = 0;
		if (CMS_decrypt(cms, NULL, NULL, NULL, out, CMS_BINARY) != 1)
			result = errno == ENOSPC || errno == EDQUOT || errno == EIO
					 ? PKI_UNSEALED_FAILED
					 : PKI_UNSEALED_REFUSED;
	}
	pki_end(result == PKI_UNSEALED);
	BIO_free(in);
	BIO_free(out);
	CMS_ContentInfo_free(cms);
	return result;
}

struct pki_key *pki_key_unlock(const char *path, const char *passphrase,
			       const char **ret_error)
{
	BIO *file = pki_open(path, ret_error);
	struct pki_key *key;

	if (!file)
		return NULL;
	key = pki_key_wrap(PEM_read_bio_PrivateKey(file, NULL, NULL, (void *)passphrase));
	if (!key)
		*ret_error = pki_why(file, PEM_KEY,
				     "holds no private key in PEM form, or the "
				     "passphrase is another");
	BIO_free(file);
	ERR_clear_error();
	return key;
}

int pki_passphrase_ask(const char *prompt, bool is_new, char ret[PKI_PASSPHRASE_SIZE])
{
	int failed = EVP_read_pw_string_min(ret, is_new ? PKI_PASSPHRASE_LEAST : 1,
					    PKI_PASSPHRASE_SIZE - 1, prompt, is_new);

	pki_end(failed == 0);
	return failed == 0 ? 0 : -1;
}
