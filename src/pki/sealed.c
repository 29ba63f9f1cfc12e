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

/* OpenSSL goes on where a write has failed, and may end well if later ones don't, with a
 * hole in what it has written. So the first failure ends it: nothing more is read. */
struct copying {
	BIO *in, *out;
	int error; /* of the first write that failed */
};

static long watch_writes(BIO *bio, int operation, const char *bytes, size_t size,
			 int number, long argument, int result, size_t *done)
{
	struct copying *copying = (struct copying *)BIO_get_callback_arg(bio);

	(void)bytes, (void)size, (void)number, (void)argument, (void)done;
	if (operation == (BIO_CB_WRITE | BIO_CB_RETURN) && result <= 0 && !copying->error)
		copying->error = errno ? errno : EIO;
	return result;
}

static long watch_reads(BIO *bio, int operation, const char *bytes, size_t size,
			int number, long argument, int result, size_t *done)
{
	const struct copying *copying = (struct copying *)BIO_get_callback_arg(bio);

	(void)bytes, (void)size, (void)number, (void)argument, (void)done;
	return operation == BIO_CB_READ && copying->error ? 0 : result;
}

static BIO *watched(int fd, BIO_callback_fn_ex watch, struct copying *copying)
{
	BIO *bio = BIO_new_fd(fd, BIO_NOCLOSE);

	if (bio) {
		BIO_set_callback_arg(bio, (char *)copying);
		BIO_set_callback_ex(bio, watch);
	}
	return bio;
}

static void copying_open(struct copying *copying, int from, int to)
{
	*copying = (struct copying){ .error = 0 };
	copying->in = watched(from, watch_reads, copying);
	copying->out = watched(to, watch_writes, copying);
}

static void copying_close(struct copying *copying)
{
	BIO_free(copying->in);
	BIO_free(copying->out);
}

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
	struct copying copying;
	int result = -1;

	copying_open(&copying, from, to);
	if (cms && copying.in && copying.out)
		result = 0;
	if (result == 0 && passphrase)
		result = add_passphrase(cms, passphrase);
	for (size_t i = 0; result == 0 && i < count; i++)
		result = add_recipient(cms, recipients[i]->x509);
	if (result == 0 &&
	    (i2d_CMS_bio_stream(copying.out, cms, copying.in,
				CMS_BINARY | CMS_PARTIAL | CMS_STREAM) != 1 ||
	     copying.error))
		result = -1;
	pki_end(result == 0);
	copying_close(&copying);
	CMS_ContentInfo_free(cms);
	errno = copying.error;
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
	enum pki_unsealed result = PKI_UNSEALED;
	CMS_ContentInfo *cms = NULL;
	struct copying copying;

	copying_open(&copying, from, to);
	if (copying.in && copying.out)
		cms = d2i_CMS_bio(copying.in, NULL);
	if (!is_sealed(cms)) {
		result = PKI_UNSEALED_NO_FORM;
	} else if (!opens(cms, passphrase, key)) {
		result = PKI_UNSEALED_REFUSED;
	} else if (CMS_decrypt(cms, NULL, NULL, NULL, copying.out, CMS_BINARY) != 1) {
		result = PKI_UNSEALED_REFUSED;
	}
	if (copying.error)
		result = PKI_UNSEALED_FAILED;
	pki_end(result == PKI_UNSEALED);
	copying_close(&copying);
	CMS_ContentInfo_free(cms);
	errno = copying.error;
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
