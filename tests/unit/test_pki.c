/*
 * Goal: what the private CA makes holds for OpenSSL's strictest look at it, CRL check
 * included; serials differ, a CRL's number grows and loses no entry; a PKCS#12 file of
 * either kind opens with its password alone; a request proves its key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "cathgate/pki/pki.h"

#define DAY (24L * 60 * 60)

static struct pki_key *ca_key, *leaf_key;
static struct pki_certificate *ca;
static const char *const names[] = { "gw.example", "192.0.2.7", "2001:db8::7", "a,b" };

static const struct pki_wish ca_wish = { .role = PKI_CA,
					 .common_name = "CA of Ärzte",
					 .organization = "Hospital, and more",
					 .days = 3653 };

static struct pki_certificate *leaf(enum pki_role role, unsigned days, const char *uri)
{
	struct pki_wish wish = { .role = role,
				 .common_name = "angio-3",
				 .names = names,
				 .name_count = 4,
				 .uri = uri,
				 .days = days };
	struct pki_certificate *certificate = pki_issue(&wish, leaf_key, ca, ca_key);

	assert_non_null(certificate);
	return certificate;
}

static int make_ca(void **state)
{
	(void)state;
	ca_key = pki_key_new(PKI_EC_P256);
	leaf_key = pki_key_new(PKI_RSA_2048);
	ca = pki_issue(&ca_wish, ca_key, NULL, NULL);
	return ca_key && leaf_key && ca ? 0 : -1;
}

static int free_ca(void **state)
{
	(void)state;
	pki_key_free(ca_key);
	pki_key_free(leaf_key);
	pki_certificate_free(ca);
	return 0;
}

static X509 *x509_of(const struct pki_certificate *certificate)
{
	struct pki_text text;
	BIO *memory;
	X509 *x509;

	assert_int_equal(pki_certificate_write(certificate, &text), 0);
	memory = BIO_new_mem_buf(text.bytes, (int)text.size);
	x509 = PEM_read_bio_X509(memory, NULL, NULL, NULL);
	BIO_free(memory);
	pki_text_free(&text);
	assert_non_null(x509);
	return x509;
}

/* Written to a file, since that is how CRLs are read. */
static char path[] = "/tmp/cathgate-unit-XXXXXX";

static void write_text(struct pki_text *text)
{
	FILE *stream = fopen(path, "w");

	assert_non_null(stream);
	assert_int_equal(fwrite(text->bytes, 1, text->size, stream), text->size);
	fclose(stream);
	pki_text_free(text);
}

static struct pki_crl *next_crl(const struct pki_crl *before,
				const struct pki_certificate *revoked, unsigned days)
{
	struct pki_revocation revocation = { revoked, PKI_KEY_COMPROMISE };
	struct pki_text text;
	const char *error = "";
	struct pki_crl *crl;

	assert_int_equal(pki_crl_write(before, &revocation, revoked ? 1 : 0, ca, ca_key,
				       days, &text),
			 0);
	write_text(&text);
	crl = pki_crl_read(path, &error);
	assert_non_null(crl);
	return crl;
}

/* What OpenSSL says of a certificate with the CRL in `path`: an X509_V_… code. */
static int verdict(const struct pki_certificate *certificate, int purpose)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509 *anchor = x509_of(ca), *subject = x509_of(certificate);
	FILE *stream = fopen(path, "r");
	X509_CRL *crl = PEM_read_X509_CRL(stream, NULL, NULL, NULL);
	int result;

	fclose(stream);
	X509_STORE_add_cert(store, anchor);
	X509_STORE_add_crl(store, crl);
	X509_STORE_CTX_init(context, store, subject, NULL);
	X509_STORE_CTX_set_flags(context, X509_V_FLAG_X509_STRICT |
						  X509_V_FLAG_CRL_CHECK |
						  X509_V_FLAG_CHECK_SS_SIGNATURE);
	X509_STORE_CTX_set_purpose(context, purpose);
	X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(context), 2);
	X509_verify_cert(context);
	result = X509_STORE_CTX_get_error(context);
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	X509_CRL_free(crl);
	X509_free(anchor);
	X509_free(subject);
	return result;
}

static void certificates_hold(void **state)
{
	struct pki_certificate *client = leaf(PKI_CLIENT, 825, "urn:uuid:1");
	struct pki_certificate *server = leaf(PKI_SERVER, 825, NULL);

	(void)state;
	pki_crl_free(next_crl(NULL, NULL, 0));
	assert_int_equal(verdict(client, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
	assert_int_equal(verdict(server, X509_PURPOSE_SSL_SERVER), X509_V_OK);
	assert_int_equal(verdict(client, X509_PURPOSE_SSL_SERVER),
			 X509_V_ERR_INVALID_PURPOSE);
	assert_int_equal(verdict(server, X509_PURPOSE_SSL_CLIENT),
			 X509_V_ERR_INVALID_PURPOSE);
	assert_true(pki_is_issued_by(client, ca));
	assert_false(pki_is_issued_by(ca, client));
	assert_true(pki_is_key_of(client, leaf_key));
	assert_false(pki_is_key_of(client, ca_key));
	pki_certificate_free(client);
	pki_certificate_free(server);
}

static void facts_are_read_back(void **state)
{
	struct pki_certificate *client = leaf(PKI_CLIENT, 825, "urn:uuid:1");
	struct pki_certificate *other = leaf(PKI_CLIENT, 40000, "urn:uuid:1");
	struct pki_facts facts, later, of_ca;
	time_t now = time(NULL);

	(void)state;
	assert_int_equal(pki_certificate_facts(client, &facts), 0);
	assert_int_equal(pki_certificate_facts(other, &later), 0);
	assert_int_equal(pki_certificate_facts(ca, &of_ca), 0);
	assert_int_equal(strlen(facts.serial), 32);
	assert_true(strcmp(facts.serial, later.serial) != 0);
	assert_string_equal(facts.common_name, "angio-3");
	assert_string_equal(facts.uris[0], "urn:uuid:1");
	assert_string_equal(facts.key, "RSA 2048");
	assert_string_equal(of_ca.key, "EC 256");
	assert_string_equal(of_ca.subject, "CN=CA of Ärzte,O=Hospital\\, and more");
	assert_int_equal(facts.name_count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(facts.names[i], names[i]);
	assert_true(facts.not_before <= now - DAY + 60);
	assert_true(labs(facts.not_after - now - 825 * DAY) < 60);
	assert_int_equal(later.not_after, of_ca.not_after);
	assert_true(of_ca.is_ca);
	assert_false(facts.is_ca);
	pki_certificate_free(client);
	pki_certificate_free(other);
}

static void reissued_is_the_same_for_longer(void **state)
{
	static const enum pki_algorithm kinds[] = { PKI_EC_P256, PKI_RSA_2048,
						    PKI_RSA_3072 };

	(void)state;
	pki_crl_free(next_crl(NULL, NULL, 0));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct pki_wish wish = { .role = PKI_SERVER,
					 .common_name = "gw",
					 .organization = "Hospital, and more",
					 .names = names,
					 .name_count = 4,
					 .days = 1 };
		struct pki_key *first = pki_key_new(kinds[i]), *next;
		struct pki_certificate *before = pki_issue(&wish, first, ca, ca_key);
		struct pki_certificate *now;
		struct pki_facts was, is;

		assert_non_null(before);
		next = pki_key_like(before);
		assert_non_null(next);
		now = pki_reissue(before, 825, next, ca, ca_key);
		assert_non_null(now);
		assert_int_equal(verdict(now, X509_PURPOSE_SSL_SERVER), X509_V_OK);
		assert_int_equal(verdict(now, X509_PURPOSE_SSL_CLIENT),
				 X509_V_ERR_INVALID_PURPOSE);
		assert_true(pki_is_key_of(now, next));
		assert_false(pki_is_key_of(now, first));
		assert_int_equal(pki_certificate_facts(before, &was), 0);
		assert_int_equal(pki_certificate_facts(now, &is), 0);
		assert_string_equal(is.subject, was.subject);
		assert_string_equal(is.key, was.key);
		assert_memory_equal(is.names, was.names, sizeof(is.names));
		assert_true(is.not_after > was.not_after + 800 * DAY);
		assert_true(strcmp(is.serial, was.serial) != 0);
		pki_certificate_free(before);
		pki_certificate_free(now);
		pki_key_free(first);
		pki_key_free(next);
	}
}

static uint32_t key_usage(const struct pki_certificate *certificate)
{
	X509 *x509 = x509_of(certificate);
	uint32_t usage = X509_get_key_usage(x509);

	X509_free(x509);
	return usage;
}

/* keyUsage follows the key; the rest stays. */
static void a_certificate_gets_a_key_of_another_kind(void **state)
{
	static const enum pki_algorithm kinds[] = { PKI_EC_P256, PKI_RSA_2048 };
	static const uint32_t usages[] = { KU_DIGITAL_SIGNATURE,
					   KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct pki_wish wish = { .role = PKI_CLIENT,
					 .common_name = "gw",
					 .names = names,
					 .name_count = 4,
					 .days = 1 };
		struct pki_key *first = pki_key_new(kinds[i]);
		struct pki_key *next = pki_key_new(kinds[1 - i]);
		struct pki_certificate *before = pki_issue(&wish, first, ca, ca_key);
		struct pki_certificate *now = pki_reissue(before, 825, next, ca, ca_key);
		struct pki_facts was, is;

		pki_crl_free(next_crl(NULL, NULL, 0));
		assert_non_null(now);
		assert_int_equal(key_usage(before), usages[i]);
		assert_int_equal(key_usage(now), usages[1 - i]);
		assert_int_equal(verdict(now, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
		assert_int_equal(pki_certificate_facts(before, &was), 0);
		assert_int_equal(pki_certificate_facts(now, &is), 0);
		assert_memory_equal(is.names, was.names, sizeof(is.names));
		pki_certificate_free(before);
		pki_certificate_free(now);
		pki_key_free(first);
		pki_key_free(next);
	}
}

/* Of the CRL written last. */
static long crl_number(void)
{
	FILE *stream = fopen(path, "r");
	X509_CRL *x509 = PEM_read_X509_CRL(stream, NULL, NULL, NULL);
	ASN1_INTEGER *number = X509_CRL_get_ext_d2i(x509, NID_crl_number, NULL, NULL);
	long result = ASN1_INTEGER_get(number);

	assert_int_equal(X509_CRL_get_version(x509), X509_CRL_VERSION_2);
	assert_true(X509_CRL_get_ext_by_NID(x509, NID_authority_key_identifier, -1) >= 0);
	fclose(stream);
	ASN1_INTEGER_free(number);
	X509_CRL_free(x509);
	return result;
}

/* As certificates are: the clock may have been fast when it was signed. */
static void crls_are_backdated(void **state)
{
	X509_CRL *crl;
	FILE *stream;
	time_t yesterday;

	(void)state;
	pki_crl_free(next_crl(NULL, NULL, 0));
	yesterday = time(NULL) - DAY + 60;
	stream = fopen(path, "r");
	crl = PEM_read_X509_CRL(stream, NULL, NULL, NULL);
	fclose(stream);
	assert_true(X509_cmp_time(X509_CRL_get0_lastUpdate(crl), &yesterday) < 0);
	X509_CRL_free(crl);
}

static void revoked_is_revoked(void **state)
{
	struct pki_certificate *one = leaf(PKI_CLIENT, 825, NULL);
	struct pki_certificate *two = leaf(PKI_CLIENT, 825, NULL);
	struct pki_crl *first = next_crl(NULL, NULL, 0), *second, *third;
	time_t begun = time(NULL);
	struct pki_facts of_ca;

	(void)state;
	assert_int_equal(crl_number(), 1);
	assert_int_equal(pki_certificate_facts(ca, &of_ca), 0);
	assert_int_equal(pki_crl_until(first), of_ca.not_after);
	second = next_crl(first, one, 30);
	assert_int_equal(crl_number(), 2);
	assert_true(pki_crl_until(second) >= begun + 30 * DAY &&
		    pki_crl_until(second) <= time(NULL) + 30 * DAY);
	assert_true(pki_crl_revoked(first, one) == 0);
	assert_true(pki_crl_revoked(second, one) > 0);
	assert_int_equal(verdict(one, X509_PURPOSE_SSL_CLIENT), X509_V_ERR_CERT_REVOKED);
	assert_int_equal(verdict(two, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
	third = next_crl(second, two, 0);
	assert_int_equal(crl_number(), 3);
	assert_int_equal(pki_crl_revoked(third, one), pki_crl_revoked(second, one));
	assert_true(pki_crl_revoked(third, two) > 0);
	pki_crl_free(first);
	pki_crl_free(second);
	pki_crl_free(third);
	pki_certificate_free(one);
	pki_certificate_free(two);
}

static void pkcs12_opens(void **state)
{
	struct pki_certificate *client = leaf(PKI_CLIENT, 825, NULL);
	const struct pki_certificate *cas[] = { ca };
	X509 *wanted = x509_of(client);

	(void)state;
	for (int legacy = 0; legacy < 2; legacy++) {
		struct pki_text text;
		const unsigned char *at;
		STACK_OF(X509) *others = NULL;
		PKCS12 *pkcs12;
		EVP_PKEY *key = NULL;
		X509 *x509 = NULL;

		assert_int_equal(pki_pkcs12_write(leaf_key, client, cas, 1, "angio-3",
						  "abcd-efgh", legacy == 1, &text),
				 0);
		at = (const unsigned char *)text.bytes;
		pkcs12 = d2i_PKCS12(NULL, &at, (long)text.size);
		assert_non_null(pkcs12);
		assert_int_equal(PKCS12_verify_mac(pkcs12, "abcd-efgi", -1), 0);
		assert_int_equal(PKCS12_parse(pkcs12, "abcd-efgh", &key, &x509, &others),
				 1);
		assert_int_equal(X509_cmp(x509, wanted), 0);
		assert_int_equal(X509_check_private_key(x509, key), 1);
		assert_int_equal(sk_X509_num(others), 1);
		sk_X509_pop_free(others, X509_free);
		EVP_PKEY_free(key);
		X509_free(x509);
		PKCS12_free(pkcs12);
		pki_text_free(&text);
	}
	X509_free(wanted);
	pki_certificate_free(client);
}

static void a_request_proves_its_key(void **state)
{
	struct pki_wish wish = { .role = PKI_CLIENT, .common_name = "angio-3" };
	const char *error = NULL;
	struct pki_certificate *certificate;
	struct pki_text text;
	struct pki_key *key;
	char *byte;

	(void)state;
	assert_int_equal(pki_request_write(&wish, leaf_key, &text), 0);
	write_text(&text);
	key = pki_request_read(path, &error);
	assert_non_null(key);
	certificate = pki_issue(&wish, key, ca, ca_key);
	assert_true(pki_is_key_of(certificate, leaf_key));
	pki_certificate_free(certificate);
	pki_key_free(key);

	assert_int_equal(pki_request_write(&wish, leaf_key, &text), 0);
	byte = text.bytes + text.size / 3;
	*byte = *byte == 'A' ? 'B' : 'A';
	write_text(&text);
	assert_null(pki_request_read(path, &error));
	assert_non_null(error);
}

/* What no handshake takes isn't issued for. */
static void a_request_needs_a_good_key(void **state)
{
	static const struct {
		const char *kind, *told; /* NULL: it is taken */
	} cases[] = {
		{ "P-256", NULL },
		{ "P-521", NULL },
		{ "ED25519", NULL },
		{ "P-224", "has a weak key" },
		{ "RSA", "has a weak key" },
		{ "brainpoolP256r1", "on a curve" },
		{ "secp256k1", "on a curve" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool is_edwards = strcmp(cases[i].kind, "ED25519") == 0;
		EVP_PKEY *pair = strcmp(cases[i].kind, "RSA") == 0 ? EVP_RSA_gen(1024)
				 : is_edwards
					 ? EVP_PKEY_Q_keygen(NULL, NULL, cases[i].kind)
					 : EVP_EC_gen(cases[i].kind);
		X509_REQ *request = X509_REQ_new();
		FILE *stream = fopen(path, "w");
		const char *error = NULL;
		struct pki_key *key;

		X509_REQ_set_pubkey(request, pair);
		assert_true(X509_REQ_sign(request, pair,
					  is_edwards ? NULL : EVP_sha256()) > 0);
		PEM_write_X509_REQ(stream, request);
		fclose(stream);
		key = pki_request_read(path, &error);
		assert_true((key != NULL) == (cases[i].told == NULL));
		if (cases[i].told != NULL)
			assert_non_null(strstr(error, cases[i].told));
		pki_key_free(key);
		X509_REQ_free(request);
		EVP_PKEY_free(pair);
	}
}

static void keys_are_read_back(void **state)
{
	const char *error = NULL;
	struct pki_certificate *certificate;
	struct pki_text text;
	struct pki_key *key;

	(void)state;
	assert_int_equal(pki_key_write(ca_key, &text), 0);
	write_text(&text);
	key = pki_key_read(path, &error);
	assert_non_null(key);
	assert_true(pki_is_key_of(ca, key));
	assert_null(pki_certificate_read(path, &error));
	assert_non_null(strstr(error, "BEGIN CERTIFICATE"));
	assert_int_equal(pki_certificate_write(ca, &text), 0);
	write_text(&text);
	assert_null(pki_key_read(path, &error));
	certificate = pki_certificate_read(path, &error);
	assert_non_null(certificate);
	pki_certificate_free(certificate);
	pki_key_free(key);
	assert_null(pki_crl_read("/nonexistent/a", &error));
	assert_non_null(strstr(error, "can't be read"));
}

static void words_are_random(void **state)
{
	char one[PKI_PASSWORD_SIZE], two[PKI_PASSWORD_SIZE], uuid[PKI_UUID_SIZE];
	struct pki_text secret;

	(void)state;
	assert_int_equal(pki_password_make(one) | pki_password_make(two), 0);
	assert_int_equal(strlen(one), PKI_PASSWORD_SIZE - 1);
	assert_true(strcmp(one, two) != 0);
	assert_int_equal(pki_uuid_make(uuid), 0);
	assert_int_equal(strlen(uuid), PKI_UUID_SIZE - 1);
	assert_int_equal(uuid[23], '4');
	assert_int_equal(pki_secret_make(&secret), 0);
	assert_int_equal(secret.size, 45);
	pki_text_free(&secret);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_hold),
		cmocka_unit_test(facts_are_read_back),
		cmocka_unit_test(reissued_is_the_same_for_longer),
		cmocka_unit_test(a_certificate_gets_a_key_of_another_kind),
		cmocka_unit_test(crls_are_backdated),
		cmocka_unit_test(revoked_is_revoked),
		cmocka_unit_test(pkcs12_opens),
		cmocka_unit_test(a_request_proves_its_key),
		cmocka_unit_test(a_request_needs_a_good_key),
		cmocka_unit_test(keys_are_read_back),
		cmocka_unit_test(words_are_random),
	};
	int fd = mkstemp(path), result;

	if (fd < 0)
		return 1;
	close(fd);
	result = cmocka_run_group_tests(tests, make_ca, free_ca);
	unlink(path);
	return result;
}
