/* Goal: what real handshakes have signed is known by its shape, on each side, with
 * TLS 1.2 and 1.3 and each kind of key, also in mutual handshakes; of everything else,
 * one byte more or less among it, nothing is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/signer/channel.h"
#include "cathgate/signer/provider.h"
#include "cathgate/signer/scheme.h"
#include "cathgate/signer/shape.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char *const kinds[] = { "P-256",	"P-384",   "P-521", "RSA",
				     "RSA-PSS", "ED25519", "ED448" };

struct pair {
	X509 *certificate;
	EVP_PKEY *key;
};

/* What was asked of a keeper that signs everything. */
struct seen {
	int channel;
	EVP_PKEY *key;
	struct signer_request request;
	uint8_t message[SIGNER_MESSAGE_MAX];
	size_t size;
};

static EVP_PKEY *make_key(const char *kind)
{
	EVP_PKEY_CTX *context;
	EVP_PKEY *key = NULL;

	if (kind[0] == 'P')
		return EVP_EC_gen(kind);
	if (strcmp(kind, "RSA") == 0)
		return EVP_RSA_gen(2048);
	context = EVP_PKEY_CTX_new_from_name(NULL, kind, "provider=default");
	assert_int_equal(EVP_PKEY_keygen_init(context), 1);
	assert_int_equal(EVP_PKEY_generate(context, &key), 1);
	EVP_PKEY_CTX_free(context);
	return key;
}

static struct pair make_pair(const char *kind)
{
	struct pair pair = { X509_new(), make_key(kind) };
	bool has_digest = strncmp(kind, "ED", 2) != 0;

	X509_set_version(pair.certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(pair.certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(pair.certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(pair.certificate), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(pair.certificate), "CN",
				   MBSTRING_UTF8, (const unsigned char *)kind, -1, -1, 0);
	X509_set_issuer_name(pair.certificate, X509_get_subject_name(pair.certificate));
	X509_set_pubkey(pair.certificate, pair.key);
	assert_true(X509_sign(pair.certificate, pair.key,
			      has_digest ? EVP_sha256() : NULL) > 0);
	return pair;
}

static void clear_pair(struct pair *pair)
{
	X509_free(pair->certificate);
	EVP_PKEY_free(pair->key);
}

static void sign(struct seen *seen)
{
	const struct signer_scheme *scheme = signer_scheme_of(seen->request.scheme);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *details = NULL;
	uint8_t signature[SIGNER_SIGNATURE_MAX];
	size_t size = sizeof(signature);

	if (EVP_DigestSignInit_ex(context, &details, scheme->digest, NULL, NULL,
				  seen->key, NULL) == 1 &&
	    (!scheme->is_pss ||
	     (EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) == 1 &&
	      EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
	    EVP_DigestSign(context, signature, &size, seen->message, seen->size) == 1)
		(void)!send(seen->channel, signature, size, MSG_NOSIGNAL);
	EVP_MD_CTX_free(context);
}

/* In a thread: the keeper's part. */
static void *keep(void *argument)
{
	static uint8_t datagram[sizeof(struct signer_request) + SIGNER_MESSAGE_MAX];
	struct seen *seen = argument;
	ssize_t size = recv(seen->channel, datagram, sizeof(datagram), 0);

	if (size <= (ssize_t)sizeof(seen->request))
		return NULL;
	memcpy(&seen->request, datagram, sizeof(seen->request));
	seen->size = (size_t)size - sizeof(seen->request);
	memcpy(seen->message, datagram + sizeof(seen->request), seen->size);
	sign(seen);
	return NULL;
}

static int accept_all(X509_STORE_CTX *check, void *unused)
{
	(void)check;
	(void)unused;
	return 1;
}

static SSL *side(enum signer_side which, int version, const struct pair *pair,
		 EVP_PKEY *key, SSL_CTX **ret)
{
	SSL_CTX *context = SSL_CTX_new(which == SIGNER_SERVER ? TLS_server_method()
							      : TLS_client_method());
	SSL *ssl;

	SSL_CTX_set_min_proto_version(context, version);
	SSL_CTX_set_max_proto_version(context, version);
	SSL_CTX_set_cert_verify_callback(context, accept_all, NULL);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			   NULL);
	assert_int_equal(SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384:P-521"),
			 1);
	assert_int_equal(SSL_CTX_use_certificate(context, pair->certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
	ssl = SSL_new(context);
	*ret = context;
	return ssl;
}

static bool shake(SSL *client, SSL *server)
{
	BIO *one, *other;

	assert_int_equal(BIO_new_bio_pair(&one, 0, &other, 0), 1);
	SSL_set_bio(client, one, one);
	SSL_set_bio(server, other, other);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	for (int i = 0; i < 20; i++) {
		int a = SSL_do_handshake(client), b = SSL_do_handshake(server);

		if (a == 1 && b == 1)
			return true;
	}
	return false;
}

/* Both sides of a handshake in this thread, one of them with a key that lies elsewhere.
 */
static bool capture(enum signer_side which, int version, const struct pair *pair,
		    const struct pair *peers, struct seen *seen)
{
	EVP_PKEY *lent = signer_key_new(pair->key);
	SSL_CTX *contexts[2];
	SSL *sides[2];
	pthread_t keeper;
	int channels[2];
	bool good;

	assert_non_null(lent);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channels), 0);
	*seen = (struct seen){ .channel = channels[1], .key = pair->key };
	assert_int_equal(pthread_create(&keeper, NULL, keep, seen), 0);
	for (int i = 0; i < 2; i++)
		sides[i] = side(i, version, (int)which == i ? pair : peers,
				(int)which == i ? lent : peers->key, &contexts[i]);
	signer_lend(channels[0]);
	good = shake(sides[SIGNER_CLIENT], sides[SIGNER_SERVER]);
	assert_int_equal(signer_has_failed(), !good);
	signer_lend(-1);
	shutdown(channels[0], SHUT_RDWR);
	pthread_join(keeper, NULL);
	for (int i = 0; i < 2; i++) {
		SSL_free(sides[i]);
		SSL_CTX_free(contexts[i]);
		close(channels[i]);
	}
	EVP_PKEY_free(lent);
	return good;
}

static void expect_shape(enum signer_side which, const uint8_t *message, size_t size,
			 enum signer_shape shape)
{
	/* On the heap and without slack, so that a sanitizer sees a byte too many. */
	uint8_t *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	if (size > 0)
		memcpy(copy, message, size);
	assert_int_equal(signer_shape_of(which, copy, size), shape);
	free(copy);
}

/* Every bad one that is near a good one. */
static void expect_nothing_beside(enum signer_side which, const struct seen *seen,
				  enum signer_shape shape)
{
	uint8_t *longer = malloc(seen->size + 1);
	enum signer_side other = which == SIGNER_SERVER ? SIGNER_CLIENT : SIGNER_SERVER;

	assert_non_null(longer);
	memcpy(longer, seen->message, seen->size);
	longer[seen->size] = 0;
	expect_shape(other, seen->message, seen->size, SIGNER_SHAPE_NONE);
	expect_shape(which, longer, seen->size + 1, SIGNER_SHAPE_NONE);
	for (size_t size = 0; size < seen->size; size++)
		if (shape != SIGNER_SHAPE_VERIFY_13 || seen->size - size != 16)
			expect_shape(which, seen->message, size, SIGNER_SHAPE_NONE);
	free(longer);
}

static void real_ones_are_known(void **state)
{
	static struct seen seen;
	struct pair pairs[LENGTH(kinds)];
	struct pair peers = make_pair("P-256");

	(void)state;
	for (size_t i = 0; i < LENGTH(kinds); i++)
		pairs[i] = make_pair(kinds[i]);
	for (size_t i = 0; i < LENGTH(kinds) * 4; i++) {
		enum signer_side which = i & 1 ? SIGNER_CLIENT : SIGNER_SERVER;
		bool is_13 = i & 2;
		struct pair *pair = &pairs[i / 4];
		enum signer_shape shape = is_13 ? SIGNER_SHAPE_VERIFY_13
					  : which == SIGNER_SERVER
						  ? SIGNER_SHAPE_KEY_EXCHANGE
						  : SIGNER_SHAPE_TRANSCRIPT;
		const struct signer_scheme *scheme;

		if (!capture(which, is_13 ? TLS1_3_VERSION : TLS1_2_VERSION, pair, &peers,
			     &seen))
			fail_msg("no handshake with %s", kinds[i / 4]);
		scheme = signer_scheme_of(seen.request.scheme);
		assert_non_null(scheme);
		assert_true(signer_scheme_fits(scheme, pair->key, shape));
		expect_shape(which, seen.message, seen.size, shape);
		expect_nothing_beside(which, &seen, shape);
	}
	for (size_t i = 0; i < LENGTH(kinds); i++)
		clear_pair(&pairs[i]);
	clear_pair(&peers);
}

static void a_byte_changes_all_in_tls_1_3(void **state)
{
	static const char context[] = "TLS 1.3, client CertificateVerify";
	uint8_t message[64 + sizeof(context) + 48];

	(void)state;
	memset(message, ' ', 64);
	memcpy(message + 64, context, sizeof(context));
	memset(message + 64 + sizeof(context), 7, 48);
	expect_shape(SIGNER_CLIENT, message, sizeof(message), SIGNER_SHAPE_VERIFY_13);
	expect_shape(SIGNER_CLIENT, message, sizeof(message) - 16,
		     SIGNER_SHAPE_VERIFY_13);
	expect_shape(SIGNER_SERVER, message, sizeof(message), SIGNER_SHAPE_NONE);
	for (size_t i = 0; i < 64 + sizeof(context); i++) {
		message[i] ^= 1;
		expect_shape(SIGNER_CLIENT, message, sizeof(message), SIGNER_SHAPE_NONE);
		message[i] ^= 1;
	}
	/* The hash alone, and what a client's random number can't be. */
	expect_shape(SIGNER_CLIENT, message + 64 + sizeof(context), 48,
		     SIGNER_SHAPE_NONE);
}

static void a_key_exchange_has_one_of_our_groups(void **state)
{
	static const struct {
		uint8_t head[5]; /* type, group, length, the point's first byte */
		size_t point;
		bool is_good;
	} cases[] = {
		{ { 3, 0, 29, 32, 9 }, 32, true },
		{ { 3, 0, 23, 65, 4 }, 65, true },
		{ { 3, 0, 24, 97, 4 }, 97, true },
		{ { 3, 0, 25, 133, 4 }, 133, true },
		{ { 3, 0, 23, 65, 2 }, 65, false },
		{ { 3, 0, 23, 64, 4 }, 64, false },
		{ { 3, 0, 23, 65, 4 }, 66, false },
		{ { 3, 0, 23, 65, 4 }, 64, false },
		{ { 1, 0, 23, 65, 4 }, 65, false },
		{ { 3, 0, 30, 56, 4 }, 56, false },
		{ { 3, 1, 29, 32, 9 }, 32, false },
		{ { 3, 0, 29, 33, 9 }, 33, false },
		{ { 3, 0x11, 0xec, 32, 9 }, 32, false },
		{ { 3, 0, 29, 0, 9 }, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		uint8_t message[64 + 4 + 140] = { 1, 2, 3 };

		memcpy(message + 64, cases[i].head, 5);
		expect_shape(SIGNER_SERVER, message, 64 + 4 + cases[i].point,
			     cases[i].is_good ? SIGNER_SHAPE_KEY_EXCHANGE
					      : SIGNER_SHAPE_NONE);
		expect_shape(SIGNER_CLIENT, message, 64 + 4 + cases[i].point,
			     SIGNER_SHAPE_NONE);
	}
}

/* The messages by type and length; a list's own length is right unless it says less. */
static size_t write_transcript(const uint8_t (*messages)[2], size_t count, uint8_t *to)
{
	size_t size = 0;

	for (size_t i = 0; i < count; i++) {
		uint8_t length = messages[i][1];

		to[size++] = messages[i][0];
		to[size++] = 0;
		to[size++] = 0;
		to[size++] = length;
		memset(to + size, 0, length);
		if (messages[i][0] == 11 && length >= 3)
			to[size + 2] = (uint8_t)(length - 3);
		size += length;
	}
	return size;
}

static void a_transcript_has_all_its_messages(void **state)
{
	static const uint8_t good[][2] = { { 1, 50 }, { 2, 50 }, { 11, 90 }, { 12, 9 },
					   { 13, 9 }, { 14, 0 }, { 11, 90 }, { 16, 9 } };
	uint8_t bytes[1024], messages[LENGTH(good) + 1][2];
	size_t size = write_transcript(good, LENGTH(good), bytes);

	(void)state;
	expect_shape(SIGNER_CLIENT, bytes, size, SIGNER_SHAPE_TRANSCRIPT);
	expect_shape(SIGNER_SERVER, bytes, size, SIGNER_SHAPE_NONE);
	for (size_t i = 0; i < LENGTH(good); i++) {
		/* One is absent; there twice; of another type; empty, or not. */
		memcpy(messages, good, sizeof(good));
		memmove(messages[i], messages[i + 1], 2 * (LENGTH(good) - i - 1));
		size = write_transcript(messages, LENGTH(good) - 1, bytes);
		expect_shape(SIGNER_CLIENT, bytes, size, SIGNER_SHAPE_NONE);
		memcpy(messages, good, sizeof(good));
		memmove(messages[i + 1], messages[i], 2 * (LENGTH(good) - i));
		size = write_transcript(messages, LENGTH(good) + 1, bytes);
		expect_shape(SIGNER_CLIENT, bytes, size, SIGNER_SHAPE_NONE);
		memcpy(messages, good, sizeof(good));
		messages[i][0] = 20;
		size = write_transcript(messages, LENGTH(good), bytes);
		expect_shape(SIGNER_CLIENT, bytes, size, SIGNER_SHAPE_NONE);
		memcpy(messages, good, sizeof(good));
		messages[i][1] = messages[i][0] == 14 ? 1 : 0;
		size = write_transcript(messages, LENGTH(good), bytes);
		expect_shape(SIGNER_CLIENT, bytes, size, SIGNER_SHAPE_NONE);
	}
	/* A client that shows no certificate signs nothing. */
	memcpy(messages, good, sizeof(good));
	messages[6][1] = 3;
	size = write_transcript(messages, LENGTH(good), bytes);
	expect_shape(SIGNER_CLIENT, bytes, size, SIGNER_SHAPE_NONE);
	/* With a CertificateStatus behind the server's Certificate, and only there. */
	memcpy(messages, good, 3 * sizeof(good[0]));
	messages[3][0] = 22;
	messages[3][1] = 9;
	memcpy(messages[4], good[3], 5 * sizeof(good[0]));
	size = write_transcript(messages, LENGTH(good) + 1, bytes);
	expect_shape(SIGNER_CLIENT, bytes, size, SIGNER_SHAPE_TRANSCRIPT);
}

static void a_transcript_has_an_end(void **state)
{
	uint8_t *bytes = calloc(1, SIGNER_MESSAGE_MAX + 1);
	static const uint8_t rest[][2] = { { 2, 50 }, { 11, 90 }, { 12, 9 }, { 13, 9 },
					   { 14, 0 }, { 11, 90 }, { 16, 9 } };
	uint8_t tail[1024];
	size_t tail_size = write_transcript(rest, LENGTH(rest), tail);

	(void)state;
	assert_non_null(bytes);
	for (size_t more = 0; more <= 1; more++) {
		size_t size = SIGNER_MESSAGE_MAX + more;
		size_t hello = size - tail_size - 4;

		bytes[0] = 1;
		bytes[1] = (uint8_t)(hello >> 16);
		bytes[2] = (uint8_t)(hello >> 8);
		bytes[3] = (uint8_t)hello;
		memset(bytes + 4, 0, hello);
		memcpy(bytes + 4 + hello, tail, tail_size);
		expect_shape(SIGNER_CLIENT, bytes, size,
			     more ? SIGNER_SHAPE_NONE : SIGNER_SHAPE_TRANSCRIPT);
	}
	free(bytes);
}

static void a_scheme_is_tied_to_its_key(void **state)
{
	EVP_PKEY *p256 = make_key("P-256"), *p384 = make_key("P-384"),
		 *rsa = make_key("RSA");
	const struct {
		uint16_t code;
		EVP_PKEY *key;
		enum signer_shape shape;
		bool fits;
	} cases[] = {
		{ 0x0403, p256, SIGNER_SHAPE_VERIFY_13, true },
		{ 0x0403, p384, SIGNER_SHAPE_VERIFY_13, false },
		{ 0x0403, p384, SIGNER_SHAPE_KEY_EXCHANGE, true },
		{ 0x0403, rsa, SIGNER_SHAPE_VERIFY_13, false },
		{ 0x0401, rsa, SIGNER_SHAPE_VERIFY_13, false },
		{ 0x0401, rsa, SIGNER_SHAPE_TRANSCRIPT, true },
		{ 0x0804, rsa, SIGNER_SHAPE_VERIFY_13, true },
		{ 0x0809, rsa, SIGNER_SHAPE_VERIFY_13, false },
		{ 0x0804, rsa, SIGNER_SHAPE_NONE, false },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++)
		assert_int_equal(signer_scheme_fits(signer_scheme_of(cases[i].code),
						    cases[i].key, cases[i].shape),
				 cases[i].fits);
	/* SHA-1, and nothing. */
	assert_null(signer_scheme_of(0x0201));
	assert_null(signer_scheme_of(0));
	assert_null(signer_scheme_find(rsa, "SHA1", false));
	assert_null(signer_scheme_find(rsa, NULL, true));
	EVP_PKEY_free(p256);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(rsa);
}

/* The key says that it has a private half, and gives none away. */
static void a_lent_key_is_no_private_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(kinds); i++) {
		struct pair pair = make_pair(kinds[i]);
		EVP_PKEY *lent = signer_key_new(pair.key), *copy;
		OSSL_PARAM *params = NULL;
		unsigned char *der = NULL;

		assert_non_null(lent);
		assert_int_equal(X509_check_private_key(pair.certificate, lent), 1);
		assert_int_equal(EVP_PKEY_eq(lent, pair.key), 1);
		assert_int_equal(EVP_PKEY_eq(pair.key, lent), 1);
		assert_int_equal(EVP_PKEY_get_bits(lent), EVP_PKEY_get_bits(pair.key));
		assert_int_not_equal(EVP_PKEY_todata(lent, EVP_PKEY_KEYPAIR, &params), 1);
		assert_true(i2d_PrivateKey(lent, &der) <= 0);
		copy = EVP_PKEY_dup(lent);
		assert_non_null(copy);
		assert_int_equal(EVP_PKEY_eq(copy, lent), 1);
		EVP_PKEY_free(copy);
		EVP_PKEY_free(lent);
		clear_pair(&pair);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_ones_are_known),
		cmocka_unit_test(a_byte_changes_all_in_tls_1_3),
		cmocka_unit_test(a_key_exchange_has_one_of_our_groups),
		cmocka_unit_test(a_transcript_has_all_its_messages),
		cmocka_unit_test(a_transcript_has_an_end),
		cmocka_unit_test(a_scheme_is_tied_to_its_key),
		cmocka_unit_test(a_lent_key_is_no_private_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
