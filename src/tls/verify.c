/*
 * Verifies a peer's chain: in a handshake, again while the connection is open, and in
 * --check, which uses the same functions. OpenSSL judges each certificate; this file
 * chooses the certificates and the CRLs.
 */
#include "internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* Has OpenSSL judge one certificate by one CRL, as the first of a chain with its issuer,
 * whose key signed the CRL. The caller judges the CRL's dates, since OpenSSL has no
 * slack. X509_V_OK or an error. */
MUST_USE static int judge_by_crl(X509 *certificate, X509 *issuer, X509_CRL *crl)
{
	X509_STORE_CTX *check = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	STACK_OF(X509_CRL) *only = sk_X509_CRL_new_null();
	int error = X509_V_ERR_OUT_OF_MEM;

	if (!check || !chain || sk_X509_push(chain, certificate) <= 0 ||
	    sk_X509_push(chain, issuer) <= 0 || !only ||
	    sk_X509_CRL_push(only, crl) <= 0 ||
	    X509_STORE_CTX_init(check, NULL, certificate, NULL) != 1)
		goto out;
	X509_STORE_CTX_set0_verified_chain(check, X509_chain_up_ref(chain));
	X509_STORE_CTX_set0_crls(check, only);
	X509_STORE_CTX_set_flags(check,
				 X509_V_FLAG_CRL_CHECK | X509_V_FLAG_NO_CHECK_TIME);
	if (!X509_STORE_CTX_get0_chain(check))
		goto out;
	X509_STORE_CTX_set_error(check, X509_V_OK);
	if (X509_STORE_CTX_get_check_revocation(check)(check) == 1)
		error = X509_V_OK;
	else if (X509_STORE_CTX_get_error(check) != X509_V_OK)
		error = X509_STORE_CTX_get_error(check);
out:
	X509_STORE_CTX_free(check);
	sk_X509_CRL_free(only);
	sk_X509_free(chain);
	return error;
}

static void drop_other_keys(STACK_OF(X509_CRL) * crls, EVP_PKEY *key)
{
	for (int i = sk_X509_CRL_num(crls); i > 0; i--)
		if (X509_CRL_verify(sk_X509_CRL_value(crls, i - 1), key) != 1)
			sk_X509_CRL_delete(crls, i - 1);
}

/* Removes the CRLs of one issuer that don't count in their series. */
static void drop_superseded(STACK_OF(X509_CRL) * crls, time_t now)
{
	for (int i = sk_X509_CRL_num(crls); i > 0; i--) {
		X509_CRL *crl = sk_X509_CRL_value(crls, i - 1);
		bool is_superseded = false;

		for (int j = 0; j < sk_X509_CRL_num(crls); j++) {
			X509_CRL *other = sk_X509_CRL_value(crls, j);

			is_superseded = is_superseded ||
					(tls_crl_scopes_equal(other, crl) &&
					 tls_crl_speaks_instead(other, crl, now));
		}
		if (is_superseded)
			sk_X509_CRL_delete(crls, i - 1);
	}
}

/* The CRLs that count, one for each series that the issuer's key signed. A single CRL
 * isn't verified here, as OpenSSL verifies it in judge_by_crl. */
MUST_USE static STACK_OF(X509_CRL) * speakers_of(X509_STORE *store, X509 *issuer)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
	STACK_OF(X509_CRL) *all = sk_X509_CRL_new_null();
	time_t now = time(NULL);

	for (int i = 0; all && i < sk_X509_OBJECT_num(objects); i++) {
		X509_CRL *crl =
			X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));

		if (!crl || X509_NAME_cmp(X509_CRL_get_issuer(crl),
					  X509_get_subject_name(issuer)) != 0)
			continue;
		if (sk_X509_CRL_push(all, crl) <= 0) {
			sk_X509_CRL_free(all);
			return NULL;
		}
	}
	if (sk_X509_CRL_num(all) > 1)
		drop_other_keys(all, X509_get0_pubkey(issuer));
	drop_superseded(all, now);
	return all;
}

/* What one CRL says of a certificate. When several CRLs cover it, the one with the
 * greatest weight counts: a revocation first, and one that isn't in force last. */
struct opinion {
	enum { SAYS_NOTHING, IS_STALE, IS_GOOD, REVOKES } weight;
	int error; /* X509_V_… */
};

static struct opinion opinion_of(X509_CRL *crl, X509 *certificate, X509 *issuer,
				 bool ever)
{
	time_t now = time(NULL);
	bool has_begun = tls_has_begun(tls_time(X509_CRL_get0_lastUpdate(crl)), now);
	int error = judge_by_crl(certificate, issuer, crl);
	struct opinion opinion = { SAYS_NOTHING, error };

	if (error != X509_V_OK && error != X509_V_ERR_CERT_REVOKED)
		return opinion;
	opinion.weight = error == X509_V_OK ? IS_GOOD : REVOKES;
	if (ever || tls_crl_is_in_force(crl, now))
		return opinion;
	opinion.error = X509_V_ERR_CRL_HAS_EXPIRED;
	if (!has_begun)
		opinion.error = X509_V_ERR_CRL_NOT_YET_VALID;
	if (!has_begun || error == X509_V_OK)
		opinion.weight = IS_STALE;
	return opinion;
}

int tls_revocation(X509_STORE *store, X509 *certificate, X509 *issuer, bool ever,
		   time_t *ret_until)
{
	STACK_OF(X509_CRL) *speakers = speakers_of(store, issuer);
	struct opinion counts = { SAYS_NOTHING, X509_V_ERR_UNABLE_TO_GET_CRL };
	time_t latest = 0;

	if (!speakers)
		return X509_V_ERR_OUT_OF_MEM;
	for (int i = 0; i < sk_X509_CRL_num(speakers); i++) {
		X509_CRL *crl = sk_X509_CRL_value(speakers, i);
		struct opinion opinion = opinion_of(crl, certificate, issuer, ever);
		time_t until = tls_time(X509_CRL_get0_nextUpdate(crl));

		if (i == 0 || opinion.weight > counts.weight)
			counts = opinion;
		if (opinion.error == X509_V_OK && until > latest)
			latest = until;
	}
	sk_X509_CRL_free(speakers);
	if (counts.error == X509_V_OK)
		*ret_until = latest;
	return counts.error;
}

/* A CA's extendedKeyUsage limits the purposes of the certificates that it signs. */
bool tls_may_sign_for(X509 *ca, bool server)
{
	return X509_check_purpose(
		       ca, server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT,
		       1) > 0 ||
	       (certificate_is_for_all(ca) && X509_check_ca(ca) == 1);
}

static bool is_for_this(X509_STORE_CTX *check, X509 *certificate)
{
	SSL *ssl =
		X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx());
	bool server = SSL_is_server(ssl) == 0; /* the peer */

	if (X509_STORE_CTX_get_error_depth(check) > 0)
		return tls_may_sign_for(certificate, server);
	return certificate_is_for(certificate, server);
}

bool tls_is_excused(X509_STORE_CTX *check)
{
	X509 *certificate = X509_STORE_CTX_get_current_cert(check);
	bool is = false;

	if (X509_STORE_CTX_get_error(check) == X509_V_ERR_CERT_NOT_YET_VALID)
		is = tls_has_begun(tls_time(X509_get0_notBefore(certificate)),
				   time(NULL));
	else if (X509_STORE_CTX_get_error(check) == X509_V_ERR_INVALID_PURPOSE)
		is = is_for_this(check, certificate);
	if (is)
		X509_STORE_CTX_set_error(check, X509_V_OK);
	return is;
}

/* Checks all certificates but the last, which is the anchor: it is trusted because it is
 * in `ca` (RFC 5280 6.1), and its own CRL need not cover it. */
static int check_revocation(X509_STORE_CTX *check)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(check);
	unsigned long flags =
		X509_VERIFY_PARAM_get_flags(X509_STORE_CTX_get0_param(check));
	bool ever = (flags & X509_V_FLAG_NO_CHECK_TIME) != 0;
	time_t until;

	if ((flags & X509_V_FLAG_CRL_CHECK) == 0)
		return 1;
	for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
		X509 *certificate = sk_X509_value(chain, i);
		int error = tls_revocation(X509_STORE_CTX_get0_store(check), certificate,
					   sk_X509_value(chain, i + 1), ever, &until);

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

static bool is_in(STACK_OF(X509_OBJECT) * objects, X509 *certificate)
{
	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509 *known = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));

		if (known && X509_cmp(known, certificate) == 0)
			return true;
	}
	return false;
}

/* Whether the leaf is in the store and its CA isn't. With its CA in the store, the leaf
 * is judged by that CA and its CRL. */
static bool is_believed_as_itself(X509_STORE *store, X509 *leaf)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);

	if (!is_in(objects, leaf) || !tls_is_leaf(leaf))
		return false;
	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509 *known = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));

		if (known && X509_check_ca(known) != 0 &&
		    certificate_is_signed_by(leaf, known))
			return false;
	}
	return true;
}

/* Verifies with X509_V_FLAG_PARTIAL_CHAIN and the leaf as the only trusted certificate.
 * With the whole store, the flag would make each intermediate CA an anchor, and so exempt
 * it from CRLs. */
MUST_USE static int verify_as_itself(X509_STORE_CTX *check, X509 *leaf)
{
	STACK_OF(X509) *only = sk_X509_new_null();
	int rc = -1;

	if (only && sk_X509_push(only, leaf) > 0) {
		X509_STORE_CTX_set0_untrusted(check, NULL);
		X509_STORE_CTX_set0_trusted_stack(check, only);
		X509_STORE_CTX_set_flags(check, X509_V_FLAG_PARTIAL_CHAIN);
		rc = X509_verify_cert(check);
		X509_STORE_CTX_set0_trusted_stack(check, NULL);
	} else {
		X509_STORE_CTX_set_error(check, X509_V_ERR_OUT_OF_MEM);
	}
	sk_X509_free(only);
	return rc;
}

/* Judged here, so that TLS 1.2 and 1.3 refuse the same keys with the same texts. */
MUST_USE static int judge_key(X509_STORE_CTX *check, X509 *leaf)
{
	char what[CERTIFICATE_KEY_SIZE];
	enum certificate_key key = certificate_judge_key(X509_get0_pubkey(leaf), what);

	if (key == CERTIFICATE_KEY_GOOD)
		return 1;
	X509_STORE_CTX_set_error(check, key == CERTIFICATE_KEY_WEAK
						? X509_V_ERR_EE_KEY_TOO_SMALL
						: X509_V_ERR_APPLICATION_VERIFICATION);
	X509_STORE_CTX_set_error_depth(check, 0);
	X509_STORE_CTX_set_current_cert(check, leaf);
	return X509_STORE_CTX_get_verify_cb(check)(0, check);
}

/* Before it is judged: a certificate that is refused is noted, too. */
static void note_shown(X509_STORE_CTX *check, X509 *leaf)
{
	SSL *ssl =
		X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_verdict *verdict = ssl ? SSL_get_app_data(ssl) : NULL;

	if (!verdict || certificate_sha256(leaf, verdict->shown.sha256) != 0)
		return;
	tls_subject(X509_get_subject_name(leaf), verdict->shown.subject);
}

int tls_verify(X509_STORE_CTX *check, void *unused)
{
	X509 *leaf = X509_STORE_CTX_get0_cert(check);
	int rc;

	(void)unused;
	note_shown(check, leaf);
	/* Trying keys that didn't sign a CRL leaves errors in OpenSSL's queue, with which
	 * the handshake would seem to have failed. */
	ERR_set_mark();
	if (is_believed_as_itself(X509_STORE_CTX_get0_store(check), leaf))
		rc = verify_as_itself(check, leaf);
	else
		rc = X509_verify_cert(check);
	ERR_pop_to_mark();
	return rc == 1 ? judge_key(check, leaf) : rc;
}

X509_STORE *tls_store_new(void)
{
	X509_STORE *store = X509_STORE_new();

	if (store)
		X509_STORE_set_check_revocation(store, check_revocation);
	return store;
}

int tls_store_fill(X509_STORE *store, const struct tls_material *material)
{
	X509_CRL *crl;
	size_t file;

	for (int i = 0; i < sk_X509_num(material->ca); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(material->ca, i)) != 1)
			return -1;
	for (size_t i = 0; (crl = tls_material_crl(material, i, &file)) != NULL; i++)
		if (X509_STORE_add_crl(store, crl) != 1)
			return -1;
	return 0;
}
