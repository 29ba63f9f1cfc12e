#include "internal.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/signer/provider.h"

/* AES-128 is first: it is as strong as the key exchange and a quarter faster than
 * AES-256.
 */
static const char CIPHERS_12[] =
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-"
	"GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char CIPHERS_13[] =
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/* One read gets half of a 128 KiB PDU. A larger buffer gains nothing. */
#define READ_AHEAD_BYTES 65536

/* The signatures that both sides may use in the handshake and in certificates. */
static const char SIGNATURES[] =
	"ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:"
	"ed25519:ed448:"
	"rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
	"rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"
	"rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512";

/* DICOM's name in ALPN (RFC 7301), as IANA has registered it, with its length. */
static const unsigned char APPLICATION[] = "\x05"
					   "dicom";
#define APPLICATION_SIZE (sizeof(APPLICATION) - 1)

/* OpenSSL before 3.5 lacks the hybrid group, and then refuses the list. In TLS 1.2 a
 * certificate's curve must be among the groups, too (RFC 8422 5.1). */
MUST_USE static bool set_groups(struct tls_context *context,
				enum config_key_exchange wanted)
{
	context->is_classic =
		wanted == CONFIG_KEY_EXCHANGE_CLASSIC ||
		SSL_CTX_set1_groups_list(context->ssl_ctx,
					 "X25519MLKEM768:X25519:P-256:P-384:P-521") != 1;
	return !context->is_classic ||
	       SSL_CTX_set1_groups_list(context->ssl_ctx, "X25519:P-256:P-384:P-521") ==
		       1;
}

static void set_options(SSL_CTX *ssl_ctx)
{
	SSL_CTX_clear_options(ssl_ctx, SSL_CTX_get_options(ssl_ctx));
	SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
					     SSL_OP_NO_COMPRESSION |
					     SSL_OP_CIPHER_SERVER_PREFERENCE |
					     SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION
	/* A compressed certificate (RFC 8879) is unpacked before the peer is verified. */
	SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_TX_CERTIFICATE_COMPRESSION |
					     SSL_OP_NO_RX_CERTIFICATE_COMPRESSION);
#endif
	/* Without NO_AUTO_CHAIN each handshake would search `ca` for our own issuers.
	 * Without AUTO_RETRY OpenSSL 3.5 wants to read the socket again after a key
	 * update, although the next record is in its buffer, and might wait for ever.
	 * With it, TLS_READS_A_CALL bounds how long OpenSSL goes on. */
	SSL_CTX_set_mode(ssl_ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_AUTO_RETRY);
	SSL_CTX_clear_mode(ssl_ctx, SSL_MODE_ENABLE_PARTIAL_WRITE);
	/* A resumed session would not be checked against the CRLs. */
	SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_early_data(ssl_ctx, 0);
	SSL_CTX_set_read_ahead(ssl_ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ssl_ctx, READ_AHEAD_BYTES);
}

/* OpenSSL calls this only for a modality that names protocols. RFC 7301 demands that one
 * without DICOM's among them is refused. */
static int select_application(SSL *ssl, const unsigned char **ret,
			      unsigned char *ret_size, const unsigned char *offered,
			      unsigned size, void *context)
{
	unsigned char *found;

	(void)ssl;
	(void)context;
	if (SSL_select_next_proto(&found, ret_size, APPLICATION, APPLICATION_SIZE,
				  offered, size) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret = found;
	return SSL_TLSEXT_ERR_OK;
}

MUST_USE static bool set_application(SSL_CTX *ssl_ctx, bool server)
{
	if (server) {
		SSL_CTX_set_alpn_select_cb(ssl_ctx, select_application, NULL);
		return true;
	}
	return SSL_CTX_set_alpn_protos(ssl_ctx, APPLICATION, APPLICATION_SIZE) == 0;
}

/* Settings of all contexts. SSL_CTX_new() has applied openssl.cnf, so everything that
 * openssl.cnf can set is set here. */
MUST_USE static bool set_protocol(struct tls_context *context,
				  const struct config_tls *tls)
{
	SSL_CTX *ssl_ctx = context->ssl_ctx;
	int least = tls->min_version == 13 ? TLS1_3_VERSION : TLS1_2_VERSION;

	SSL_CTX_set_security_level(ssl_ctx, 2);
	set_options(ssl_ctx);
	return SSL_CTX_set_min_proto_version(ssl_ctx, least) == 1 &&
	       SSL_CTX_set_max_proto_version(ssl_ctx, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_num_tickets(ssl_ctx, 0) == 1 &&
	       SSL_CTX_set_block_padding(ssl_ctx, 0) == 1 &&
	       SSL_CTX_set_cipher_list(ssl_ctx, CIPHERS_12) == 1 &&
	       SSL_CTX_set_ciphersuites(ssl_ctx, CIPHERS_13) == 1 &&
	       SSL_CTX_set1_sigalgs_list(ssl_ctx, SIGNATURES) == 1 &&
	       SSL_CTX_set1_client_sigalgs_list(ssl_ctx, SIGNATURES) == 1 &&
	       set_groups(context, tls->key_exchange) &&
	       set_application(ssl_ctx, context->server);
}

/* OpenSSL has a place for each kind of key, and takes for each handshake the one that
 * the peer's signature algorithms and, in TLS 1.2, cipher suites allow. */
MUST_USE static bool set_pair(SSL_CTX *ssl_ctx, const struct tls_pair *pair)
{
	if (SSL_CTX_use_certificate(ssl_ctx, sk_X509_value(pair->chain, 0)) != 1 ||
	    SSL_CTX_use_PrivateKey(ssl_ctx, pair->signer) != 1)
		return false;
	for (int i = 1; i < sk_X509_num(pair->chain); i++)
		if (SSL_CTX_add1_chain_cert(ssl_ctx, sk_X509_value(pair->chain, i)) != 1)
			return false;
	return true;
}

bool tls_pair_set_signer(struct tls_pair *pair, bool has_keeper)
{
	if (!has_keeper)
		EVP_PKEY_up_ref(pair->key);
	pair->signer = has_keeper ? signer_key_new(pair->key) : pair->key;
	return pair->signer && signer_key_id(pair->key, &pair->id) == 0;
}

MUST_USE static bool set_pairs(struct tls_context *context,
			       const struct tls_material *material, bool has_keeper)
{
	for (size_t i = 0; i < material->pair_count; i++) {
		struct tls_pair *pair = &context->pairs[i];

		if (tls_pair_share(&material->pairs[i], pair) != 0)
			return false;
		context->pair_count++;
		if ((!pair->signer && !tls_pair_set_signer(pair, has_keeper)) ||
		    !set_pair(context->ssl_ctx, pair))
			return false;
	}
	return true;
}

size_t tls_context_keys(const struct tls_context *context,
			struct signer_key_id ret[CONFIG_PAIRS_MAX])
{
	for (size_t i = 0; i < context->pair_count; i++)
		ret[i] = context->pairs[i].id;
	return context->pair_count;
}

/* Tells clients the CAs whose certificates they may show. */
MUST_USE static bool name_issuers(SSL_CTX *ssl_ctx, STACK_OF(X509) * ca)
{
	STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
	bool good = names != NULL;

	for (int i = 0; good && i < sk_X509_num(ca); i++) {
		X509 *known = sk_X509_value(ca, i);
		X509_NAME *name =
			X509_NAME_dup(tls_is_leaf(known) ? X509_get_issuer_name(known)
							 : X509_get_subject_name(known));

		good = name && sk_X509_NAME_push(names, name) > 0;
		if (!good)
			X509_NAME_free(name);
	}
	if (good)
		SSL_CTX_set_client_CA_list(ssl_ctx, names); /* takes them over */
	else
		sk_X509_NAME_pop_free(names, X509_NAME_free);
	return good;
}

bool tls_set_trust(SSL_CTX *ssl_ctx, const struct tls_material *material, bool server)
{
	X509_STORE *store = tls_store_new();
	int mode = SSL_VERIFY_PEER | (server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);

	if (!store)
		return false;
	SSL_CTX_set_cert_store(ssl_ctx, store); /* takes it over */
	if (tls_store_fill(store, material) != 0)
		return false;
	if (server && !name_issuers(ssl_ctx, material->ca))
		return false;
	SSL_CTX_set_cert_verify_callback(ssl_ctx, tls_verify, NULL);
	SSL_CTX_set_verify(ssl_ctx, mode, NULL);
	return material->crl_count == 0 ||
	       X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ssl_ctx),
					   X509_V_FLAG_CRL_CHECK) == 1;
}

static bool is_address(const char *name)
{
	struct in6_addr address;

	return inet_pton(AF_INET, name, &address) == 1 ||
	       inet_pton(AF_INET6, name, &address) == 1;
}

int tls_expect_name(struct tls_context *context, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context->ssl_ctx);
	bool named_address = is_address(name);
	char *copy = strdup(name);

	/* RFC 9525: names stand in subjectAltName, and a wildcard for a whole label. */
	X509_VERIFY_PARAM_set_hostflags(param,
					X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
						X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (!copy ||
	    X509_VERIFY_PARAM_set1_host(param, named_address ? NULL : name, 0) != 1 ||
	    (named_address ? X509_VERIFY_PARAM_set1_ip_asc(param, name)
			   : X509_VERIFY_PARAM_set1_ip(param, NULL, 0)) != 1) {
		free(copy);
		return -1;
	}
	free(context->server_name);
	context->server_name = copy;
	context->server_name_is_address = named_address;
	return 0;
}

MUST_USE static bool set_pins(struct tls_context *context,
			      const struct config_strings *pins)
{
	context->pins = calloc(pins->count + 1, sizeof(*context->pins));
	if (!context->pins)
		return false;
	for (size_t i = 0; i < pins->count; i++) {
		size_t length = strlen(pins->items[i]);

		if (length >= DIGEST_HEX_SIZE)
			return false;
		memcpy(context->pins[i], pins->items[i], length + 1);
	}
	context->pin_count = pins->count;
	return true;
}

struct tls_context *tls_context_make(const struct config_tls *tls, bool server,
				     const struct tls_material *material, bool has_keeper)
{
	struct tls_context *context = calloc(1, sizeof(*context));
	bool good = false;

	if (!context)
		return NULL;
	context->server = server;
	context->ssl_ctx =
		SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	good = context->ssl_ctx && set_protocol(context, tls) &&
	       set_pairs(context, material, has_keeper) &&
	       tls_set_trust(context->ssl_ctx, material, server) &&
	       (server || (tls_expect_name(context, tls->server_name) == 0 &&
			   set_pins(context, &tls->public_key_sha256)));
	if (!good) {
		tls_context_free(context);
		return NULL;
	}
	context->turn = material->turn;
	return context;
}

static bool is_whole(const struct tls_material *material)
{
	bool is_whole = material->ca != NULL;

	for (size_t i = 0; i < material->pair_count; i++)
		is_whole = is_whole && material->pairs[i].chain && material->pairs[i].key;
	return is_whole;
}

MUST_USE static int tls_new(const struct config_tls *tls, bool server,
			    const struct tls_keys *keys,
			    const struct tls_context *running, struct tls_context **ret,
			    struct config_faults *faults)
{
	size_t errors = faults->error_count;
	struct tls_material material = { 0 };
	struct tls_context *context = NULL;
	const char *why;

	if (tls_material_load(tls, keys, &material, faults) == 0 &&
	    tls_keep_pairs(tls, keys, running, &material, faults) == 0 &&
	    tls_keep_crls(running, &material) == 0) {
		if (server)
			tls_drop_unnamed(&material, tls, faults);
		tls_material_check(&material, tls, server, faults);
	}
	if (faults->error_count == errors && is_whole(&material) &&
	    tls_keep_valid_pairs(tls, keys, running, &material, faults) == 0)
		context = tls_context_make(tls, server, &material, keys != NULL);
	if (context && tls_ends_note(context, tls, &material) != 0) {
		tls_context_free(context);
		context = NULL;
	}
	if (!context && faults->error_count == errors) {
		why = ERR_reason_error_string(ERR_peek_last_error());
		config_fault_add(
			faults, CONFIG_ERROR, &tls->place,
			"OpenSSL refuses these settings (%s); try other certificates",
			why ? why : "no memory");
	}
	ERR_clear_error();
	tls_material_clear(&material);
	if (!context)
		return -1;
	*ret = context;
	return 0;
}

int tls_trust_check(const struct config_tls *tls, bool server,
		    struct config_faults *faults)
{
	struct tls_material material = { 0 };
	int result = tls_material_load_trust(tls, &material, faults);

	if (result == 0 && server)
		tls_drop_unnamed(&material, tls, faults);
	if (result == 0)
		tls_material_check(&material, tls, server, faults);
	tls_material_clear(&material);
	return result;
}

int tls_server_new(const struct config_tls *tls, const struct tls_keys *keys,
		   const struct tls_context *running, struct tls_context **ret,
		   struct config_faults *faults)
{
	return tls_new(tls, true, keys, running, ret, faults);
}

int tls_client_new(const struct config_tls *tls, const struct tls_keys *keys,
		   const struct tls_context *running, struct tls_context **ret,
		   struct config_faults *faults)
{
	return tls_new(tls, false, keys, running, ret, faults);
}

bool tls_context_is_classic(const struct tls_context *context)
{
	return context->is_classic;
}

void tls_context_free(struct tls_context *context)
{
	if (!context)
		return;
	SSL_CTX_free(context->ssl_ctx);
	for (size_t i = 0; i < context->pair_count; i++)
		tls_pair_clear(&context->pairs[i]);
	free(context->server_name);
	free(context->pins);
	tls_ends_clear(context);
	free(context);
}
