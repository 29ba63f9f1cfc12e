/* The subject that a wish asks for, and the extensions of RFC 5280 4.2.1 by its role. */
#include "internal.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

int pki_subject_set(X509_NAME *name, const struct pki_wish *wish)
{
	if (wish->organization &&
	    X509_NAME_add_entry_by_NID(name, NID_organizationName, MBSTRING_UTF8,
				       (const unsigned char *)wish->organization, -1, -1,
				       0) != 1)
		return -1;
	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
					  (const unsigned char *)wish->common_name, -1,
					  -1, 0) == 1
		       ? 0
		       : -1;
}

/* Takes the extension over; NULL: it couldn't be made. */
MUST_USE static int push_made(STACK_OF(X509_EXTENSION) * list, X509_EXTENSION *extension)
{
	if (extension && sk_X509_EXTENSION_push(list, extension) > 0)
		return 0;
	X509_EXTENSION_free(extension);
	return -1;
}

MUST_USE static int push_extension(STACK_OF(X509_EXTENSION) * list, int nid,
				   const char *value)
{
	return push_made(list, X509V3_EXT_conf_nid(NULL, NULL, nid, value));
}

MUST_USE static int push_name(GENERAL_NAMES *names, int type, ASN1_STRING *value)
{
	GENERAL_NAME *name = value ? GENERAL_NAME_new() : NULL;

	if (!name) {
		ASN1_STRING_free(value);
		return -1;
	}
	GENERAL_NAME_set0_value(name, type, value);
	if (sk_GENERAL_NAME_push(names, name) > 0)
		return 0;
	GENERAL_NAME_free(name);
	return -1;
}

MUST_USE static ASN1_STRING *ia5_string(const char *text)
{
	ASN1_IA5STRING *string = ASN1_IA5STRING_new();

	if (string && ASN1_STRING_set(string, text, -1) != 1) {
		ASN1_IA5STRING_free(string);
		string = NULL;
	}
	return string;
}

/* In OpenSSL's text form, a comma in a name would begin another name. */
MUST_USE static int push_alternatives(STACK_OF(X509_EXTENSION) * list,
				      const struct pki_wish *wish)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	X509_EXTENSION *extension = NULL;
	int result = names ? 0 : -1;

	for (size_t i = 0; i < wish->name_count && result == 0; i++) {
		ASN1_OCTET_STRING *address = a2i_IPADDRESS(wish->names[i]);

		result = address ? push_name(names, GEN_IPADD, address)
				 : push_name(names, GEN_DNS, ia5_string(wish->names[i]));
	}
	if (result == 0 && wish->uri)
		result = push_name(names, GEN_URI, ia5_string(wish->uri));
	if (result == 0 && sk_GENERAL_NAME_num(names) > 0) {
		extension = X509V3_EXT_i2d(NID_subject_alt_name, 0, names);
		if (!extension || sk_X509_EXTENSION_push(list, extension) <= 0) {
			X509_EXTENSION_free(extension);
			result = -1;
		}
	}
	GENERAL_NAMES_free(names);
	return result;
}

/* (EC)DHE doesn't use keyEncipherment, but old peers demand it. */
X509_EXTENSION *pki_key_usage(bool is_rsa)
{
	return X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage,
				   is_rsa ? "critical,digitalSignature,keyEncipherment"
					  : "critical,digitalSignature");
}

STACK_OF(X509_EXTENSION) * pki_extensions(const struct pki_wish *wish, bool is_rsa)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	bool good;

	if (!list)
		return NULL;
	if (wish->role == PKI_CA)
		good = push_extension(list, NID_basic_constraints,
				      "critical,CA:TRUE,pathlen:0") == 0 &&
		       push_extension(list, NID_key_usage,
				      "critical,keyCertSign,cRLSign") == 0;
	else
		good = push_extension(list, NID_basic_constraints, "critical,CA:FALSE") ==
			       0 &&
		       push_made(list, pki_key_usage(is_rsa)) == 0 &&
		       push_extension(list, NID_ext_key_usage,
				      wish->role == PKI_SERVER ? "serverAuth"
							       : "clientAuth") == 0;
	if (good && push_alternatives(list, wish) == 0)
		return list;
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return NULL;
}
