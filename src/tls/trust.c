/*
 * Sends the trust of a context to another process, which then judges the peer of its open
 * connection by it. Judges certificates that are shown elsewhere than in a handshake.
 */
#include "internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a peer shows. */
struct shown {
	X509 *leaf;
	STACK_OF(X509) * others;
	unsigned long flags; /* X509_V_FLAG_… beside those of the context */
};

int tls_put_store(FILE *to, const struct tls_context *context)
{
	X509_STORE *store = SSL_CTX_get_cert_store(context->ssl_ctx);
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
	int rc = 0;

	for (int i = 0; rc == 0 && i < sk_X509_OBJECT_num(objects); i++) {
		X509_OBJECT *object = sk_X509_OBJECT_value(objects, i);
		X509 *certificate = X509_OBJECT_get0_X509(object);
		X509_CRL *crl = X509_OBJECT_get0_X509_CRL(object);
		unsigned char *der = NULL;
		int length = certificate ? i2d_X509(certificate, &der)
					 : i2d_X509_CRL(crl, &der);

		rc = length > 0 ? tls_item_put(to, crl ? TLS_ITEM_CRL : TLS_ITEM_CA, der,
					       (size_t)length)
				: -1;
		OPENSSL_free(der);
	}
	return rc;
}

MUST_USE static int put_trust(FILE *to, const struct tls_context *context)
{
	int version = (int)SSL_CTX_get_min_proto_version(context->ssl_ctx);
	int rc = tls_put_store(to, context);

	if (rc == 0)
		rc = tls_item_put(to, TLS_ITEM_VERSION, &version, sizeof(version));
	if (rc == 0 && context->server_name)
		rc = tls_item_put(to, TLS_ITEM_NAME, context->server_name,
				  strlen(context->server_name) + 1);
	for (size_t i = 0; rc == 0 && i < context->pin_count; i++)
		rc = tls_item_put(to, TLS_ITEM_PIN, context->pins[i],
				  sizeof(context->pins[i]));
	/* A context with private keys of its own keeps its pairs. */
	for (size_t i = 0; rc == 0 && !context->server && i < context->pair_count; i++)
		if (context->pairs[i].signer != context->pairs[i].key)
			rc = tls_put_chain(to, context->pairs[i].chain);
	return rc;
}

int tls_trust_pack(const struct tls_context *context, uint8_t **ret, size_t *ret_size)
{
	char *bytes = NULL;
	FILE *to = open_memstream(&bytes, ret_size);
	bool good = to && put_trust(to, context) == 0;

	if (to && fclose(to) != 0)
		good = false;
	if (!good) {
		free(bytes);
		return -1;
	}
	*ret = (uint8_t *)bytes;
	return 0;
}

/* The unpacked trust, before the context adopts it. */
struct trust {
	X509_STORE *store;
	bool has_crls;
	int version;
	char *server_name;
	char (*pins)[DIGEST_HEX_SIZE];
	size_t pin_count;
	struct tls_pair pairs[CONFIG_PAIRS_MAX];
	size_t pair_count;
};

static void trust_clear(struct trust *trust)
{
	for (size_t i = 0; i < trust->pair_count; i++)
		tls_pair_clear(&trust->pairs[i]);
	X509_STORE_free(trust->store);
	free(trust->server_name);
	free(trust->pins);
}

MUST_USE static bool add_pin(struct trust *trust, const uint8_t *bytes)
{
	char(*pins)[DIGEST_HEX_SIZE] =
		reallocarray(trust->pins, trust->pin_count + 1, sizeof(*pins));

	if (!pins)
		return false;
	trust->pins = pins;
	memcpy(pins[trust->pin_count], bytes, sizeof(*pins));
	pins[trust->pin_count++][DIGEST_HEX_SIZE - 1] = '\0';
	return true;
}

MUST_USE static bool add_one(struct trust *trust, const struct tls_item *item)
{
	const unsigned char *at = item->bytes;
	X509 *certificate = NULL;
	X509_CRL *crl = NULL;
	bool good = false;

	switch (item->kind) {
	case TLS_ITEM_CA:
		certificate = d2i_X509(NULL, &at, (long)item->size);
		good = certificate && X509_STORE_add_cert(trust->store, certificate) == 1;
		break;
	case TLS_ITEM_CRL:
		crl = d2i_X509_CRL(NULL, &at, (long)item->size);
		good = crl && X509_STORE_add_crl(trust->store, crl) == 1;
		trust->has_crls = true;
		break;
	case TLS_ITEM_VERSION:
		good = item->size == sizeof(trust->version);
		if (good)
			memcpy(&trust->version, item->bytes, sizeof(trust->version));
		break;
	case TLS_ITEM_NAME:
		free(trust->server_name);
		trust->server_name = strndup((const char *)item->bytes, item->size);
		good = trust->server_name != NULL;
		break;
	case TLS_ITEM_PIN:
		good = item->size == sizeof(*trust->pins) && add_pin(trust, item->bytes);
		break;
	case TLS_ITEM_OWN:
	case TLS_ITEM_CHAIN:
		good = tls_take_chain(item, trust->pairs, &trust->pair_count);
		break;
	default:
		break;
	}
	X509_CRL_free(crl);
	X509_free(certificate);
	return good;
}

MUST_USE static bool read_trust(struct trust *ret, const uint8_t *bytes, size_t size)
{
	struct tls_item item;
	bool good = true;

	while (good && size > 0)
		good = tls_item_take(&bytes, &size, &item) && add_one(ret, &item);
	return good;
}

/* The last step of tls_trust_adopt that can fail, and the first to change the context. */
MUST_USE static bool adopt_name(struct tls_context *context, const struct trust *trust)
{
	return context->server ||
	       (trust->server_name && tls_expect_name(context, trust->server_name) == 0);
}

/* The handshakes to come show these; the SSL_CTX still has those before. */
static void adopt_pairs(struct tls_context *context, struct trust *trust)
{
	for (size_t i = 0; i < context->pair_count; i++)
		tls_pair_clear(&context->pairs[i]);
	memcpy(context->pairs, trust->pairs, sizeof(context->pairs));
	context->pair_count = trust->pair_count;
	context->has_newer_pairs = true;
	trust->pair_count = 0;
}

int tls_trust_adopt(struct tls_context *context, const uint8_t *bytes, size_t size)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context->ssl_ctx);
	struct trust trust = { .store = tls_store_new() };
	bool good = trust.store && read_trust(&trust, bytes, size) &&
		    adopt_name(context, &trust);

	ERR_clear_error();
	if (!good) {
		trust_clear(&trust);
		return -1;
	}
	SSL_CTX_set_cert_store(context->ssl_ctx, trust.store); /* takes it over */
	trust.store = NULL;
	X509_VERIFY_PARAM_clear_flags(param, X509_V_FLAG_CRL_CHECK);
	if (trust.has_crls)
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK);
	if (trust.version != 0)
		SSL_CTX_set_min_proto_version(context->ssl_ctx, trust.version);
	free(context->pins);
	context->pins = trust.pins;
	context->pin_count = trust.pin_count;
	trust.pins = NULL;
	if (trust.pair_count > 0)
		adopt_pairs(context, &trust);
	trust_clear(&trust);
	return 0;
}

/* Verifies as OpenSSL does in a handshake. */
MUST_USE static int verify_shown(const struct tls_context *context, SSL *ssl,
				 const struct shown *shown, struct tls_peer *peer)
{
	X509_STORE *store = SSL_CTX_get_cert_store(context->ssl_ctx);
	X509_STORE_CTX *check = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int rc = -1;

	if (!check || X509_STORE_CTX_init(check, store, shown->leaf, shown->others) != 1)
		goto out;
	X509_STORE_CTX_set_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx(), ssl);
	X509_STORE_CTX_set_verify_cb(check, tls_note_verdict);
	X509_STORE_CTX_set_default(check, context->server ? "ssl_client" : "ssl_server");
	param = X509_STORE_CTX_get0_param(check);
	X509_VERIFY_PARAM_set1(param, SSL_CTX_get0_param(context->ssl_ctx));
	X509_VERIFY_PARAM_set_auth_level(param,
					 SSL_CTX_get_security_level(context->ssl_ctx));
	X509_VERIFY_PARAM_set_flags(param, shown->flags);
	if (tls_verify(check, NULL) != 1)
		goto out;
	if (peer)
		tls_peer_note_chain(X509_STORE_CTX_get0_chain(check), store, peer);
	rc = 0;
out:
	X509_STORE_CTX_free(check);
	ERR_clear_error();
	return rc;
}

/* Fills *ret where the certificates are not accepted. */
MUST_USE static int judge_shown(const struct tls_context *context, SSL *ssl,
				const struct shown *shown, struct tls_peer *peer,
				struct tls_failure *ret)
{
	struct tls_verdict verdict;
	int rc;

	tls_verdict_begin(context, &verdict);
	SSL_set_app_data(ssl, &verdict);
	rc = verify_shown(context, ssl, shown, peer);
	SSL_set_app_data(ssl, NULL);
	if (rc != 0 && verdict.error == X509_V_OK)
		tls_fail(ret, context->server, REASON_INTERNAL, "no memory for TLS");
	else if (rc != 0)
		tls_fail_verdict(ret, context->server, &verdict);
	return rc;
}

/* Checks what a handshake demands besides the chain. */
MUST_USE static int judge_rest(const struct tls_context *context, SSL *ssl,
			       struct tls_failure *ret)
{
	int least = (int)SSL_CTX_get_min_proto_version(context->ssl_ctx);
	struct tls_peer shown = { 0 };
	X509 *certificate = SSL_get0_peer_certificate(ssl);

	if (SSL_version(ssl) < least) {
		tls_fail(ret, context->server, REASON_TLS_VERSION,
			 "%s speaks an older TLS than is allowed now",
			 tls_who(context->server));
		return -1;
	}
	if (context->pin_count == 0)
		return 0;
	if (!certificate ||
	    certificate_public_key_sha256(certificate, shown.public_key_sha256) != 0) {
		tls_fail(ret, context->server, REASON_INTERNAL, "no memory for TLS");
		return -1;
	}
	return tls_check_pins(context, &shown, ret);
}

int tls_judge_again(const struct tls_context *context, const struct transport *transport,
		    struct tls_peer *peer, struct tls_failure *ret)
{
	SSL *ssl = tls_stream_ssl(transport);
	struct shown shown;

	if (!ssl)
		return 0;
	shown = (struct shown){ .leaf = SSL_get0_peer_certificate(ssl),
				.others = SSL_get_peer_cert_chain(ssl),
				.flags = X509_V_FLAG_NO_CHECK_TIME };
	if (judge_shown(context, ssl, &shown, peer, ret) != 0)
		return -1;
	return judge_rest(context, ssl, ret);
}

/* All certificates of a PEM text; NULL without memory or where there is none. */
MUST_USE static STACK_OF(X509) * read_certificates(const char *pem, size_t size)
{
	BIO *text = BIO_new_mem_buf(pem, (int)size);
	STACK_OF(X509) *list = sk_X509_new_null();
	X509 *certificate;

	while (text && list &&
	       (certificate = PEM_read_bio_X509(text, NULL, NULL, NULL))) {
		if (sk_X509_push(list, certificate) > 0)
			continue;
		X509_free(certificate);
		break;
	}
	BIO_free(text);
	if (sk_X509_num(list) <= 0) {
		sk_X509_free(list);
		return NULL;
	}
	return list;
}

/* A context that holds the listener's trust, and no certificate. */
MUST_USE static bool make_trust(const struct config_tls *tls, struct tls_context *ret)
{
	struct config_faults faults = { 0 };
	struct tls_material material = { 0 };
	bool good = false;

	*ret = (struct tls_context){ .server = true,
				     .ssl_ctx = SSL_CTX_new(TLS_server_method()) };
	if (ret->ssl_ctx && tls_material_load_trust(tls, &material, &faults) == 0) {
		SSL_CTX_set_security_level(ret->ssl_ctx, 2);
		good = material.ca && faults.error_count == 0 &&
		       tls_set_trust(ret->ssl_ctx, &material, true);
	}
	tls_material_clear(&material);
	config_faults_clear(&faults);
	return good;
}

struct tls_judge {
	struct tls_context context;
};

struct tls_judge *tls_judge_open(const struct config_tls *tls)
{
	struct tls_judge *judge = calloc(1, sizeof(*judge));

	if (!judge || make_trust(tls, &judge->context))
		return judge;
	tls_judge_close(judge);
	return NULL;
}

void tls_judge_close(struct tls_judge *judge)
{
	if (judge)
		SSL_CTX_free(judge->context.ssl_ctx);
	free(judge);
}

int tls_judge_certificate(const struct tls_judge *judge, const char *pem, size_t size,
			  struct tls_failure *ret)
{
	STACK_OF(X509) *list = read_certificates(pem, size);
	struct shown shown = { .leaf = sk_X509_value(list, 0), .others = list };
	SSL *ssl = judge ? SSL_new(judge->context.ssl_ctx) : NULL;
	int rc = -1;

	if (shown.leaf && ssl)
		rc = judge_shown(&judge->context, ssl, &shown, NULL, ret);
	else
		tls_fail(ret, true, REASON_INTERNAL, "%s",
			 !shown.leaf ? "there is no certificate to judge"
				     : "`ca` or `crl` of the listener can't be read; "
				       "cathgated --check says why");
	SSL_free(ssl);
	sk_X509_pop_free(list, X509_free);
	ERR_clear_error();
	return rc;
}
