/* The post-quantum suite: X-Wing as its authors have it, and the spool's keys by it. What
 * is sealed by them is test_spool_sealed's, with SPOOL_KEY_KIND. */
#include <openssl/err.h>

#include "spool/format/xwing.h"
#include "spool_fixture.h"

/* draft-connolly-cfrg-xwing-kem-08, appendix C, the first vector. */
#define SK "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26"
#define ESEED                                                              \
	"3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e2" \
	"35b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2"
#define SS "d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384"

static EVP_PKEY *ml_kem_of(const uint8_t seed[64])
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, XWING_ML_KEM, NULL);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string("seed", (void *)(uintptr_t)seed, 64),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *key = NULL;

	assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
	assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params), 1);
	EVP_PKEY_CTX_free(context);
	return key;
}

static EVP_PKEY *x25519_of(const uint8_t bytes[32])
{
	return EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, bytes, 32);
}

static void known_answer(void **state)
{
	uint8_t sk[32], eseed[64], expanded[96], shared[32], enc[XWING_ENC_SIZE],
		secret[32];
	size_t size = sizeof(enc) - 32, secret_size = sizeof(secret);
	EVP_MD_CTX *shake = EVP_MD_CTX_new();
	EVP_PKEY *ml_kem, *x25519, *once;
	EVP_PKEY_CTX *context;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string("ikme", eseed, 32),
		OSSL_PARAM_construct_end(),
	};

	(void)state;
	from_hex(SK, sk);
	from_hex(ESEED, eseed);
	assert_int_equal(EVP_DigestInit_ex(shake, EVP_shake256(), NULL), 1);
	assert_int_equal(EVP_DigestUpdate(shake, sk, sizeof(sk)), 1);
	assert_int_equal(EVP_DigestFinalXOF(shake, expanded, sizeof(expanded)), 1);
	EVP_MD_CTX_free(shake);
	ml_kem = ml_kem_of(expanded);
	x25519 = x25519_of(expanded + 64);
	once = x25519_of(eseed + 32);
	context = EVP_PKEY_CTX_new_from_pkey(NULL, ml_kem, NULL);
	assert_int_equal(EVP_PKEY_encapsulate_init(context, params), 1);
	assert_int_equal(EVP_PKEY_encapsulate(context, enc, &size, secret, &secret_size),
			 1);
	assert_int_equal(hpke_point(once, enc + size), 0);
	assert_int_equal(xwing_decapsulate(ml_kem, x25519, enc, shared), 0);
	assert_hex(shared, sizeof(shared), SS);
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(ml_kem);
	EVP_PKEY_free(x25519);
	EVP_PKEY_free(once);
}

static void both_halves_agree(void **state)
{
	struct spool_fixture fixture;
	struct spool_secret sealing, opening;
	struct spool_names_key names_key;
	uint8_t enc[SPOOL_ENC_MAX];

	(void)state;
	fixture.key = EVP_PKEY_Q_keygen(NULL, NULL, XWING_ML_KEM);
	assert_int_equal(spool_public_of(fixture.key, &fixture.to), 0);
	assert_int_equal(fixture.to.suite, SPOOL_SUITE_XWING);
	assert_int_equal(spool_names_key_of(fixture.key, &names_key), 0);
	assert_int_equal(spool_encapsulate(&fixture.to, "pacs", enc, &sealing),
			 XWING_ENC_SIZE);
	assert_int_equal(
		spool_decapsulate(fixture.key, enc, sizeof(enc), "pacs", &opening), 0);
	assert_memory_equal(&sealing, &opening, sizeof(sealing));
	assert_int_equal(spool_decapsulate(fixture.key, enc, 32, "pacs", &opening), -1);
	/* Either half's ciphertext counts, and so does the public key's second half. */
	for (size_t at = 0; at < sizeof(enc); at += 1087) {
		enc[at] ^= 1;
		if (spool_decapsulate(fixture.key, enc, sizeof(enc), "pacs", &opening) ==
		    0)
			assert_memory_not_equal(&sealing, &opening, sizeof(sealing));
		enc[at] ^= 1;
	}
	fixture.to.bytes[XWING_PUBLIC_SIZE - 20] ^= 1;
	assert_int_equal(spool_encapsulate(&fixture.to, "pacs", enc, &sealing),
			 XWING_ENC_SIZE);
	assert_int_equal(
		spool_decapsulate(fixture.key, enc, sizeof(enc), "pacs", &opening), 0);
	assert_memory_not_equal(&sealing, &opening, sizeof(sealing));
	EVP_PKEY_free(fixture.key);
}

/* Bytes that are no key of ML-KEM's (FIPS 203 7.2), a point of small order, a key without
 * its seed. */
static void what_is_no_key_is_refused(void **state)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, XWING_ML_KEM), *public;
	struct spool_public to, other;
	struct spool_secret secret;
	struct spool_names_key names_key;
	uint8_t enc[SPOOL_ENC_MAX] = { 0 };

	(void)state;
	assert_int_equal(spool_public_of(key, &to), 0);
	other = to;
	memset(other.bytes, 0xff, 1152);
	assert_int_equal(spool_encapsulate(&other, "pacs", enc, &secret), -1);
	other = to;
	memset(other.bytes + XWING_ML_KEM_SIZE, 0, 32);
	assert_int_equal(spool_encapsulate(&other, "pacs", enc, &secret), -1);
	public = EVP_PKEY_new_raw_public_key_ex(NULL, XWING_ML_KEM, NULL, to.bytes,
						XWING_ML_KEM_SIZE);
	assert_int_equal(spool_public_of(public, &other), -1);
	assert_int_equal(spool_names_key_of(public, &names_key), -1);
	assert_int_equal(spool_decapsulate(public, enc, sizeof(enc), "pacs", &secret),
			 -1);
	EVP_PKEY_free(public);
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answer),
		cmocka_unit_test(both_halves_agree),
		cmocka_unit_test(what_is_no_key_is_refused),
	};
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, XWING_ML_KEM);

	ERR_clear_error();
	if (!key) {
		puts("skipped: this OpenSSL has no ML-KEM");
		return 77;
	}
	EVP_PKEY_free(key);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
