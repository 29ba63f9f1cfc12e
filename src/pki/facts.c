/* What a certificate holds, for messages and for entries of the allowlist. */
#include "internal.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

time_t pki_time(const ASN1_TIME *time)
{
	struct tm tm;

	return time && ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : 0;
}

static void serial_of(X509 *x509, char ret[PKI_SERIAL_SIZE])
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
	size_t size = (size_t)ASN1_STRING_length(serial);

	if (size > (PKI_SERIAL_SIZE - 1) / 2)
		size = (PKI_SERIAL_SIZE - 1) / 2;
	digest_hex(ASN1_STRING_get0_data(serial), size, ret);
}

void pki_name_text(const X509_NAME *name, char ret[PKI_NAME_SIZE])
{
	BIO *memory = BIO_new(BIO_s_mem());
	int length = 0;

	if (memory &&
	    X509_NAME_print_ex(memory, name, 0,
			       XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >=
		    0)
		length = BIO_read(memory, ret, PKI_NAME_SIZE - 1);
	ret[length > 0 ? length : 0] = '\0';
	BIO_free(memory);
}

/* False, with *ret untouched, when the text doesn't fit or holds a NUL. */
static bool copy_text(const ASN1_STRING *text, char *ret, size_t size)
{
	size_t length = (size_t)ASN1_STRING_length(text);
	const char *bytes = (const char *)ASN1_STRING_get0_data(text);

	if (length >= size || memchr(bytes, '\0', length))
		return false;
	memcpy(ret, bytes, length);
	ret[length] = '\0';
	return true;
}

static void common_name_of(X509 *x509, char *ret, size_t size)
{
	X509_NAME *name = X509_get_subject_name(x509);
	int last = -1;

	for (int i = -1; (i = X509_NAME_get_index_by_NID(name, NID_commonName, i)) >= 0;)
		last = i;
	if (last >= 0)
		copy_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)), ret,
			  size);
}

static bool copy_address(const ASN1_OCTET_STRING *address, char *ret, size_t size)
{
	int length = ASN1_STRING_length(address);
	int family = length == 4 ? AF_INET : AF_INET6;

	return (length == 4 || length == 16) &&
	       inet_ntop(family, ASN1_STRING_get0_data(address), ret, (socklen_t)size);
}

static void take_name(const GENERAL_NAME *name, struct pki_facts *facts)
{
	char *next = facts->name_count < PKI_NAMES_MAX ? facts->names[facts->name_count]
						       : NULL;
	size_t size = sizeof(facts->names[0]);
	bool taken = false;

	if (name->type == GEN_URI && facts->uri_count < PKI_URIS_MAX &&
	    copy_text(name->d.uniformResourceIdentifier, facts->uris[facts->uri_count],
		      sizeof(facts->uris[0])))
		facts->uri_count++;
	else if (name->type == GEN_DNS && next)
		taken = copy_text(name->d.dNSName, next, size);
	else if (name->type == GEN_IPADD && next)
		taken = copy_address(name->d.iPAddress, next, size);
	if (taken)
		facts->name_count++;
}

int pki_certificate_facts(const struct pki_certificate *certificate,
			  struct pki_facts *ret)
{
	X509 *x509 = certificate->x509;
	EVP_PKEY *key = X509_get0_pubkey(x509);
	struct pki_facts facts = {
		.not_before = pki_time(X509_get0_notBefore(x509)),
		.not_after = pki_time(X509_get0_notAfter(x509)),
		.is_ca = X509_check_ca(x509) == 1,
	};
	GENERAL_NAMES *names;

	if (certificate_sha256(x509, facts.sha256) != 0 ||
	    certificate_public_key_sha256(x509, facts.public_key_sha256) != 0) {
		pki_end(false);
		return -1;
	}
	serial_of(x509, facts.serial);
	pki_name_text(X509_get_subject_name(x509), facts.subject);
	pki_name_text(X509_get_issuer_name(x509), facts.issuer);
	common_name_of(x509, facts.common_name, sizeof(facts.common_name));
	if (key)
		snprintf(facts.key, sizeof(facts.key), "%.15s %d",
			 EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
	names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		take_name(sk_GENERAL_NAME_value(names, i), &facts);
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	*ret = facts;
	return 0;
}
