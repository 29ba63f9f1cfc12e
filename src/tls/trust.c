/*
 * The trust of a context, carried to another process, and what follows from it for a peer
 * that was let in before.
 */
#include "internal.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Before each DER form: what it is, and its length. */
struct head {
	uint32_t is_crl;
	uint32_t size;
};

static int put(FILE *to, bool is_crl, unsigned char *der, int length)
{
	struct head head = { .is_crl = is_crl, .size = (uint32_t)length };
	bool good = length > 0 && fwrite(&head, sizeof(head), 1, to) == 1 &&
		    fwrite(der, (size_t)length, 1, to) == 1;

	OPENSSL_free(der);
	return good ? 0 : -1;
}

static int put_all(FILE *to, const struct tls_context *context)
{
	X509_STORE *store = SSL_CTX_get_cert_store(context->ssl_ctx);
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509_OBJECT *object = sk_X509_OBJECT_value(objects, i);
		X509 *certificate = X509_OBJECT_get0_X509(object);
		X509_CRL *crl = X509_OBJECT_get0_X509_CRL(object);
		unsigned char *der = NULL;
		int length = certificate ? i2d_X509(certificate, &der)
					 : i2d_X509_CRL(crl, &der);

		if (put(to, crl != NULL, der, length) != 0)
			return -1;
	}
	return 0;
}

int tls_trust_pack(const struct tls_context *context, uint8_t **ret, size_t *ret_size)
{
	char *bytes = NULL;
	FILE *to = open_memstream(&bytes, ret_size);
	bool good = to != NULL && put_all(to, context) == 0;

	if (to && fclose(to) != 0)
		good = false;
	if (!good) {
		free(bytes);
		return -1;
	}
	*ret = (uint8_t *)bytes;
	return 0;
}

static bool add_one(X509_STORE *store, const struct head *head, const uint8_t *der)
{
	const unsigned char *at = der;
	X509 *certificate = NULL;
	X509_CRL *crl = NULL;
	bool good;

	if (head->is_crl)
		crl = d2i_X509_CRL(NULL, &at, (long)head->size);
	else
		certificate = d2i_X509(NULL, &at, (long)head->size);
	good = crl ? X509_STORE_add_crl(store, crl) == 1
		   : certificate && X509_STORE_add_cert(store, certificate) == 1;
	X509_CRL_free(crl);
	X509_free(certificate);
	return good;
}

int tls_trust_adopt(struct tls_context *context, const uint8_t *bytes, size_t size)
{
	const unsigned long crl_checks =
		X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context->ssl_ctx);
	X509_STORE *store = X509_STORE_new();
	bool good = store != NULL, has_crls = false;
	struct head head;

	while (good && size > 0) {
		good = size >= sizeof(head);
		if (!good)
			break;
		memcpy(&head, bytes, sizeof(head));
		bytes += sizeof(head);
		size -= sizeof(head);
		good = head.size <= size && add_one(store, &head, bytes);
		has_crls = has_crls || head.is_crl;
		bytes += head.size;
		size -= head.size;
	}
	ERR_clear_error();
	if (!good) {
		X509_STORE_free(store);
		return -1;
	}
	SSL_CTX_set_cert_store(context->ssl_ctx, store);
	X509_VERIFY_PARAM_clear_flags(param, crl_checks);
	if (has_crls)
		X509_VERIFY_PARAM_set_flags(param, crl_checks);
	return 0;
}

/* As OpenSSL does within a handshake, but for the dates. */
static int verify(const struct tls_context *context, SSL *ssl, struct tls_peer *peer)
{
	X509_STORE *store = SSL_CTX_get_cert_store(context->ssl_ctx);
	X509_STORE_CTX *check = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int rc = -1;

	if (!check || X509_STORE_CTX_init(check, store, SSL_get0_peer_certificate(ssl),
					  SSL_get_peer_cert_chain(ssl)) != 1)
		goto out;
	X509_STORE_CTX_set_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx(), ssl);
	X509_STORE_CTX_set_verify_cb(check, tls_note_verdict);
	X509_STORE_CTX_set_default(check, context->server ? "ssl_client" : "ssl_server");
	param = X509_STORE_CTX_get0_param(check);
	X509_VERIFY_PARAM_set1(param, SSL_CTX_get0_param(context->ssl_ctx));
	X509_VERIFY_PARAM_set_auth_level(param,
					 SSL_CTX_get_security_level(context->ssl_ctx));
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
	if (X509_verify_cert(check) != 1)
		goto out;
	tls_peer_note_dates(X509_STORE_CTX_get0_chain(check), store, peer);
	rc = 0;
out:
	X509_STORE_CTX_free(check);
	ERR_clear_error();
	return rc;
}

int tls_judge_again(const struct tls_context *context, const struct transport *transport,
		    struct tls_peer *peer, struct tls_failure *ret)
{
	struct tls_verdict verdict = { .server_name = context->server_name };
	SSL *ssl = tls_stream_ssl(transport);
	int rc;

	if (!ssl)
		return 0;
	SSL_set_app_data(ssl, &verdict);
	rc = verify(context, ssl, peer);
	SSL_set_app_data(ssl, NULL);
	if (rc != 0 && verdict.error == X509_V_OK)
		tls_fail(ret, context->server, REASON_INTERNAL, "no memory for TLS");
	else if (rc != 0)
		tls_fail_verdict(ret, context->server, &verdict);
	return rc;
}
