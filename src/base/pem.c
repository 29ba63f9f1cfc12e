#include "cathgate/base/pem.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define LOOKED_AT_BYTES 65536 /* a bundle of a CA's chain has some thousand */

enum kind {
	UNKNOWN,
	EMPTY,
	UTF16,
	WEB_PAGE,
	CERTIFICATE,
	CRL,
	REQUEST,
	PKCS12_FILE,
	BUNDLE,
	PRIVATE_KEY,
	PUBLIC_KEY
};

/* The first row that fits counts. `wanted` or `der` of -1 fits anything. */
static const struct {
	enum kind kind;
	int wanted, der;
	const char *advice;
} advices[] = {
	{ EMPTY, -1, -1, "is empty; put its content there again" },
	{ UTF16, -1, -1,
	  "is text in UTF-16, as Windows writes it; convert it with iconv -f UTF-16 -t "
	  "ASCII" },
	{ WEB_PAGE, -1, -1,
	  "is a web page; fetch the file itself, or look why its server sends a page" },
	{ CERTIFICATE, PEM_CERTIFICATE, 1,
	  "is in DER form; convert it with openssl x509 -inform DER" },
	{ CERTIFICATE, PEM_KEY, -1,
	  "is a certificate; name the private key that was made with it" },
	{ CERTIFICATE, PEM_CRL, -1, "is a certificate; fetch the CRL of that CA" },
	{ CERTIFICATE, PEM_REQUEST, -1,
	  "is a certificate, no request for one; where the device has it already, give "
	  "it with --certificate" },
	{ CRL, PEM_CERTIFICATE, -1, "is a CRL; name the certificate of its CA" },
	{ CRL, -1, -1, "is a CRL, which is of no use here" },
	{ REQUEST, PEM_CERTIFICATE, -1,
	  "is a certificate request, which a CA has to sign first; name the certificate "
	  "that comes of it" },
	{ REQUEST, PEM_KEY, -1,
	  "is a certificate request; name the private key that was made with it" },
	{ REQUEST, PEM_CRL, -1, "is a certificate request; fetch the CRL of the CA" },
	{ PKCS12_FILE, PEM_CERTIFICATE, -1,
	  "is a PKCS#12 file (.p12, .pfx), which holds a key as well; take the "
	  "certificates out with openssl pkcs12 -nokeys -in FILE -out FILE.pem" },
	{ PKCS12_FILE, PEM_KEY, -1,
	  "is a PKCS#12 file (.p12, .pfx); take the key out with openssl pkcs12 -nocerts "
	  "-nodes -in FILE -out FILE.key" },
	{ PKCS12_FILE, -1, -1,
	  "is a PKCS#12 file (.p12, .pfx), which holds keys and certificates only" },
	{ BUNDLE, PEM_CERTIFICATE, 1,
	  "is a PKCS#7 bundle (.p7b); make PEM of it with openssl pkcs7 -print_certs "
	  "-inform DER -in FILE -out FILE.pem" },
	{ BUNDLE, PEM_CERTIFICATE, 0,
	  "is a PKCS#7 bundle (.p7b); make PEM of it with openssl pkcs7 -print_certs -in "
	  "FILE -out FILE.pem" },
	{ BUNDLE, -1, -1,
	  "is a PKCS#7 bundle (.p7b), which holds certificates; name the file itself" },
	{ PRIVATE_KEY, PEM_CERTIFICATE, -1,
	  "holds no certificate but a private key; name the certificate that was "
	  "made for it, which begins with -----BEGIN CERTIFICATE-----" },
	{ PRIVATE_KEY, PEM_KEY, 1,
	  "is in DER form; convert it with openssl pkey -inform DER" },
	{ PRIVATE_KEY, PEM_REQUEST, -1,
	  "holds no certificate request but a private key, which should stay in the "
	  "device; have it make a request for that" },
	{ PRIVATE_KEY, PEM_CRL, -1, "is a private key; fetch the CRL of the CA" },
	{ PUBLIC_KEY, PEM_CERTIFICATE, -1,
	  "is a public key by itself; name the certificate that holds it" },
	{ PUBLIC_KEY, PEM_KEY, -1, "is a public key; name the private one" },
	{ PUBLIC_KEY, -1, -1, "is a public key, which is of no use here" },
};

/* What the bytes are if they are DER. */
static enum kind kind_of_der(const unsigned char *bytes, long size)
{
	static const struct {
		const ASN1_ITEM *(*form)(void);
		enum kind kind;
	} forms[] = {
		{ X509_it, CERTIFICATE },	{ X509_CRL_it, CRL },
		{ X509_REQ_it, REQUEST },	{ PKCS12_it, PKCS12_FILE },
		{ PKCS7_it, BUNDLE },		{ PKCS8_PRIV_KEY_INFO_it, PRIVATE_KEY },
		{ X509_SIG_it, PRIVATE_KEY }, /* encrypted */
		{ X509_PUBKEY_it, PUBLIC_KEY },
	};
	const unsigned char *at = bytes;
	EVP_PKEY *key;

	for (size_t i = 0; i < LENGTH(forms); i++) {
		ASN1_VALUE *value = ASN1_item_d2i(NULL, &at, size, forms[i].form());

		ASN1_item_free(value, forms[i].form());
		if (value)
			return forms[i].kind;
		at = bytes;
	}
	key = d2i_AutoPrivateKey(NULL, &at, size); /* RSA's and EC's own forms */
	EVP_PKEY_free(key);
	return key ? PRIVATE_KEY : UNKNOWN;
}

static enum kind kind_of_label(const char *label)
{
	static const struct {
		const char *part;
		enum kind kind;
	} labels[] = {
		{ "PRIVATE KEY", PRIVATE_KEY },
		{ "PUBLIC KEY", PUBLIC_KEY },
		{ "REQUEST", REQUEST },
		{ "PKCS7", BUNDLE },
		{ "CRL", CRL },
	};

	for (size_t i = 0; i < LENGTH(labels); i++)
		if (strstr(label, labels[i].part))
			return labels[i].kind;
	return UNKNOWN;
}

/* What the first PEM block is. Its content counts more than its label, since some
 * programs write CERTIFICATE before anything. */
static enum kind kind_of_pem(const unsigned char *bytes, long size)
{
	BIO *memory = BIO_new_mem_buf(bytes, (int)size);
	char *label = NULL, *header = NULL;
	unsigned char *data = NULL;
	long length = 0;
	enum kind kind = UNKNOWN;

	if (memory && PEM_read_bio(memory, &label, &header, &data, &length) == 1) {
		kind = kind_of_der(data, length);
		if (kind == UNKNOWN)
			kind = kind_of_label(label);
	}
	OPENSSL_free(label);
	OPENSSL_free(header);
	OPENSSL_clear_free(data, (size_t)length);
	BIO_free(memory);
	return kind;
}

static bool is_utf16(const unsigned char *bytes, long size)
{
	static const unsigned char begins[][2] = {
		{ 0xFF, 0xFE }, { 0xFE, 0xFF }, { '-', 0 }, { 0, '-' }
	};

	for (size_t i = 0; i < LENGTH(begins) && size >= 2; i++)
		if (memcmp(bytes, begins[i], 2) == 0)
			return true;
	return false;
}

static enum kind kind_of_content(const unsigned char *bytes, long size, bool *ret_der)
{
	enum kind kind;

	*ret_der = false;
	if (size == 0)
		return EMPTY;
	kind = kind_of_der(bytes, size);
	*ret_der = kind != UNKNOWN;
	if (kind == UNKNOWN)
		kind = kind_of_pem(bytes, size);
	if (kind == UNKNOWN && is_utf16(bytes, size))
		kind = UTF16;
	if (kind == UNKNOWN && bytes[0] == '<')
		kind = WEB_PAGE;
	return kind;
}

const char *pem_advice(int fd, enum pem_wanted wanted)
{
	unsigned char *bytes = OPENSSL_malloc(LOOKED_AT_BYTES);
	ssize_t size = bytes && lseek(fd, 0, SEEK_SET) == 0
			       ? read(fd, bytes, LOOKED_AT_BYTES)
			       : -1;
	const char *advice = NULL;
	enum kind kind = UNKNOWN;
	bool is_der = false;

	if (size >= 0)
		kind = kind_of_content(bytes, size, &is_der);
	for (size_t i = 0; i < LENGTH(advices) && !advice; i++)
		if (advices[i].kind == kind &&
		    (advices[i].wanted < 0 || advices[i].wanted == (int)wanted) &&
		    (advices[i].der < 0 || advices[i].der == (int)is_der))
			advice = advices[i].advice;
	OPENSSL_clear_free(bytes, LOOKED_AT_BYTES);
	ERR_clear_error();
	return advice;
}
