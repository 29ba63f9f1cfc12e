/*
 * How a peer's chain is judged: by a handshake, once more while a connection is open, and
 * beforehand by --check, which asks the same function about CRLs. OpenSSL judges; this
 * says of which certificates, and by which CRLs.
 */
#include "internal.h"

#include <openssl/err.h>

/* OpenSSL's own judgement of one certificate, as if it stood first in a chain: from its
 * issuer it needs the key that signed the CRL. 0, or an error X509_V_…. */
static int judge_by_crls(X509 *certificate, X509 *issuer, STACK_OF(X509_CRL) * crls,
			 unsigned long flags)
{
	X509_STORE_CTX *check = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	int error = X509_V_ERR_OUT_OF_MEM;

	if (check == NULL || chain == NULL || sk_X509_push(chain, certificate) <= 0 ||
	    sk_X509_push(chain, issuer) <= 0 ||
	    X509_STORE_CTX_init(check, NULL, certificate, NULL) != 1)
		goto out;
	X509_STORE_CTX_set0_verified_chain(check, X509_chain_up_ref(chain));
	X509_STORE_CTX_set0_crls(check, crls);
	X509_STORE_CTX_set_flags(check, X509_V_FLAG_CRL_CHECK | flags);
	if (X509_STORE_CTX_get0_chain(check) == NULL)
		goto out;
	X509_STORE_CTX_set_error(check, X509_V_OK);
	if (X509_STORE_CTX_get_check_revocation(check)(check) == 1)
		error = X509_V_OK;
	else if (X509_STORE_CTX_get_error(check) != X509_V_OK)
		error = X509_STORE_CTX_get_error(check);
out:
	sk_X509_free(chain);
	X509_STORE_CTX_free(check);
	return error;
}

int tls_revocation(X509_STORE_CTX *check, X509 *certificate, X509 *issuer)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(check);
	STACK_OF(X509_CRL) *crls =
		X509_STORE_CTX_get1_crls(check, X509_get_issuer_name(certificate));
	unsigned long flags =
		X509_VERIFY_PARAM_get_flags(param) & X509_V_FLAG_NO_CHECK_TIME;
	int error = judge_by_crls(certificate, issuer, crls, flags);

	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	return error;
}

/* Of all but the last certificate of the chain: that one is the anchor, which is believed
 * because it is in `ca` (RFC 5280 6.1). What a CRL of its own says of CAs or distribution
 * points need not fit it. */
static int check_revocation(X509_STORE_CTX *check)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(check);
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(check);

	if ((X509_VERIFY_PARAM_get_flags(param) & X509_V_FLAG_CRL_CHECK) == 0)
		return 1;
	for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
		X509 *certificate = sk_X509_value(chain, i);
		int error =
			tls_revocation(check, certificate, sk_X509_value(chain, i + 1));

		if (error == X509_V_OK)
			continue;
		X509_STORE_CTX_set_error(check, error);
		X509_STORE_CTX_set_error_depth(check, i);
		X509_STORE_CTX_set_current_cert(check, certificate);
		if (X509_STORE_CTX_get_verify_cb(check)(0, check) == 0)
			return 0;
	}
	return 1;
}

X509_STORE *tls_store_new(void)
{
	X509_STORE *store = X509_STORE_new();

	if (store != NULL)
		X509_STORE_set_check_revocation(store, check_revocation);
	return store;
}

int tls_store_fill(X509_STORE *store, const struct tls_material *material)
{
	for (int i = 0; i < sk_X509_num(material->ca); i++) {
		if (X509_STORE_add_cert(store, sk_X509_value(material->ca, i)) != 1)
			return -1;
	}
	for (size_t f = 0; f < material->crl_count; f++) {
		for (int i = 0; i < sk_X509_CRL_num(material->crl[f]); i++) {
			if (X509_STORE_add_crl(
				    store, sk_X509_CRL_value(material->crl[f], i)) != 1)
				return -1;
		}
	}
	return 0;
}
