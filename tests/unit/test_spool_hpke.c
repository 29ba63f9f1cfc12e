/* Goal: the key schedule is RFC 9180's and HKDF is RFC 5869's, by published vectors; only
 * keys of X25519 are taken; and OpenSSL's own HPKE, where there is one, opens what we
 * seal, and the other way round. */
#include "spool_fixture.h"

#include "spool/format/hkdf.h"
#include "spool/format/hpke.h"
#include "spool/format/message.h"

#if OPENSSL_VERSION_NUMBER >= 0x30200000L
#include <openssl/hpke.h>
#endif

#define ODE "4f6465206f6e2061204772656369616e2055726e"

/* DHKEM(X25519, HKDF-SHA256) and HKDF-SHA256, base mode: RFC 9180 A.1.1, and the vector
 * for AES-256-GCM of test-vectors.json, which RFC 9180 names. */
static const struct vector {
	enum hpke_aead aead;
	const char *once, *enc, *key, *point;
	const char *shared, *context_key, *nonce; /* NULL: not published */
} vectors[] = {
	{ HPKE_AES_128_GCM,
	  "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736",
	  "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
	  "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
	  "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
	  "fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc",
	  "4531685d41d65f03dc48f6b8302c05b0", "56d890e5accaaf011cff4b7d" },
	{ HPKE_AES_256_GCM,
	  "179d4b53b6365c45b600c4163b61d95cbc2f4d9e36f1695558dce265ab8bab11",
	  "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256",
	  "497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d",
	  "430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c", NULL, NULL,
	  NULL },
};

/* "Beauty is truth, truth beauty" with "Count-N", by the second of them. */
static const struct {
	uint64_t number;
	const char *additional, *sealed;
} messages[] = {
	{ 0, "Count-0",
	  "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a9"
	  "25cdad859d5b7a" },
	{ 1, "Count-1",
	  "2c43aff25343fdbff864506f0818b9d87df84ea01b1a2144d23b4d40c26bf655fdf197fe4029"
	  "7a8aebeed5cc2d" },
	{ 2, "Count-2",
	  "e0a8f2cf92ff61215edbb8c55dc31fe9e2eb42a5685867bb6854211542099f9e940c4b41c192"
	  "bc390835b1a5f7" },
	{ 64, "Count-64",
	  "e080406e00c83bed2e94537263727d65ce99534cad2279dbf119eeb614cc5ba0b9103b7497fd"
	  "dd7b149579bad1" },
};

static const char beauty[] = "Beauty is truth, truth beauty";

/* Both sides of a vector come to the same, and it is the published one. */
static void agree(const struct vector *vector, uint8_t ret_key[32], uint8_t ret_nonce[12])
{
	EVP_PKEY *once = private_key(vector->once), *key = private_key(vector->key);
	uint8_t point[32], enc[32], shared[32], other[32], info[32];
	const struct hpke_suite suite = { HPKE_X25519, vector->aead };
	size_t key_size = vector->aead == HPKE_AES_128_GCM ? 16 : 32;

	assert_int_equal(hpke_point(key, point), 0);
	assert_hex(point, 32, vector->point);
	assert_int_equal(hpke_encapsulate(once, point, enc, shared), 0);
	assert_hex(enc, 32, vector->enc);
	assert_int_equal(hpke_decapsulate(key, enc, other), 0);
	assert_memory_equal(shared, other, 32);
	assert_int_equal(hpke_schedule(shared, &suite, info, from_hex(ODE, info), ret_key,
				       ret_nonce),
			 0);
	if (vector->shared) {
		assert_hex(shared, 32, vector->shared);
		assert_hex(ret_key, key_size, vector->context_key);
		assert_hex(ret_nonce, 12, vector->nonce);
	}
	EVP_PKEY_free(once);
	EVP_PKEY_free(key);
}

static void vectors_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(vectors); i++) {
		uint8_t key[32], nonce[12];

		agree(&vectors[i], key, nonce);
	}
}

static void messages_are_the_published_ones(void **state)
{
	struct message_cipher *cipher = message_cipher_new();
	struct spool_secret secret;
	const size_t size = strlen(beauty);
	uint8_t bytes[64];

	(void)state;
	agree(&vectors[1], secret.key, secret.nonce);
	for (size_t i = 0; i < LENGTH(messages); i++) {
		struct message message = {
			.number = messages[i].number,
			.additional = (const uint8_t *)messages[i].additional,
			.additional_size = strlen(messages[i].additional),
		};

		assert_int_equal(message_cipher_begin(cipher, &secret, true), 0);
		assert_int_equal(message_seal(cipher, &message, (const uint8_t *)beauty,
					      size, bytes),
				 0);
		assert_hex(bytes, size + 16, messages[i].sealed);
		assert_int_equal(message_cipher_begin(cipher, &secret, false), 0);
		assert_int_equal(message_open(cipher, &message, bytes, size), 0);
		assert_memory_equal(bytes, beauty, size);
		from_hex(messages[i].sealed, bytes);
		message.number++;
		assert_int_equal(message_open(cipher, &message, bytes, size), -1);
	}
	message_cipher_free(cipher);
}

/* RFC 5869 A.1 and A.3. */
static void hkdf_holds(void **state)
{
	uint8_t input[22], salt[13], info[10], key[32], output[42];

	(void)state;
	memset(input, 0x0b, sizeof(input));
	from_hex("000102030405060708090a0b0c", salt);
	from_hex("f0f1f2f3f4f5f6f7f8f9", info);
	assert_int_equal(hkdf_extract(salt, sizeof(salt), input, sizeof(input), key), 0);
	assert_hex(key, sizeof(key),
		   "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
	assert_int_equal(hkdf_expand(key, info, sizeof(info), output, sizeof(output)), 0);
	assert_hex(output, sizeof(output),
		   "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
		   "34007208d5b887185865");
	assert_int_equal(hkdf_extract(NULL, 0, input, sizeof(input), key), 0);
	assert_int_equal(hkdf_expand(key, "", 0, output, sizeof(output)), 0);
	assert_hex(output, sizeof(output),
		   "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
		   "9d201395faa4b61a96c8");
}

static void only_x25519_is_taken(void **state)
{
	static const char *const others[] = { "X448", "ED25519" };
	EVP_PKEY *key;
	struct spool_public public;
	struct spool_names_key names_key;

	(void)state;
	for (size_t i = 0; i < LENGTH(others); i++) {
		key = EVP_PKEY_Q_keygen(NULL, NULL, others[i]);
		assert_int_equal(spool_public_of(key, &public), -1);
		assert_int_equal(spool_names_key_of(key, &names_key), -1);
		EVP_PKEY_free(key);
	}
	key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	assert_int_equal(spool_public_of(key, &public), -1);
	EVP_PKEY_free(key);
	key = private_key(vectors[0].key);
	assert_int_equal(spool_public_of(key, &public), 0);
	public.suite = 3;
	assert_int_equal(spool_encapsulate(&public, "pacs", (uint8_t[SPOOL_ENC_MAX]){ 0 },
					   &(struct spool_secret){ .key = { 0 } }),
			 -1);
	EVP_PKEY_free(key);
}

/* Points of small order, with which everybody comes to the same: RFC 7748 6.1. */
static void weak_points_are_refused(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	EVP_PKEY *key = private_key(vectors[0].key);
	struct spool_public to = { .suite = SPOOL_SUITE_X25519 };
	struct spool_secret secret;
	uint8_t enc[SPOOL_ENC_MAX];

	(void)state;
	for (size_t i = 0; i < LENGTH(points); i++) {
		from_hex(points[i], to.bytes);
		assert_int_equal(spool_decapsulate(key, to.bytes, 32, "pacs", &secret),
				 -1);
		assert_int_equal(spool_encapsulate(&to, "pacs", enc, &secret), -1);
	}
	EVP_PKEY_free(key);
}

static void a_secret_is_of_one_destination(void **state)
{
	EVP_PKEY *key = private_key(vectors[0].key);
	struct spool_public to;
	struct spool_secret sealing, opening;
	uint8_t enc[SPOOL_ENC_MAX];
	char name[SPOOL_DESTINATION_SIZE + 1];

	(void)state;
	assert_int_equal(spool_public_of(key, &to), 0);
	assert_hex(to.id, sizeof(to.id), "8b228cd75ab70badbec1beb5233f068a");
	assert_int_equal(spool_encapsulate(&to, "pacs", enc, &sealing), 32);
	assert_int_equal(spool_decapsulate(key, enc, 32, "pacs", &opening), 0);
	assert_memory_equal(&sealing, &opening, sizeof(sealing));
	assert_int_equal(spool_decapsulate(key, enc, 32, "pacs2", &opening), 0);
	assert_memory_not_equal(sealing.key, opening.key, sizeof(sealing.key));
	assert_memory_not_equal(sealing.nonce, opening.nonce, sizeof(sealing.nonce));
	assert_int_equal(spool_encapsulate(&to, "pacs", enc, &opening), 32);
	assert_memory_not_equal(sealing.key, opening.key, sizeof(sealing.key));

	assert_int_equal(spool_decapsulate(key, enc, 31, "pacs", &opening), -1);
	assert_int_equal(spool_encapsulate(&to, "", enc, &sealing), -1);
	memset(name, 'a', sizeof(name));
	name[SPOOL_DESTINATION_SIZE] = '\0';
	assert_int_equal(spool_encapsulate(&to, name, enc, &sealing), -1);
	assert_int_equal(spool_decapsulate(key, enc, 32, name, &opening), -1);
	name[SPOOL_DESTINATION_SIZE - 1] = '\0';
	assert_int_equal(spool_encapsulate(&to, name, enc, &sealing), 32);
	EVP_PKEY_free(key);
}

#if OPENSSL_VERSION_NUMBER >= 0x30200000L
static const OSSL_HPKE_SUITE suite = { OSSL_HPKE_KEM_ID_X25519,
				       OSSL_HPKE_KDF_ID_HKDF_SHA256,
				       OSSL_HPKE_AEAD_ID_AES_GCM_256 };
#define FRONT_SIZE 64 /* of an object of this suite */
static const uint8_t hpke_info[] = "cathgate/spool/1\0pacs";

static void openssl_opens_ours(void **state)
{
	struct spool_fixture fixture;
	OSSL_HPKE_CTX *context = OSSL_HPKE_CTX_new(OSSL_HPKE_MODE_BASE, suite,
						   OSSL_HPKE_ROLE_RECEIVER, NULL, NULL);
	const size_t size = SPOOL_SEGMENT_SIZE + 100;
	uint8_t *bytes = some_bytes(size), *file,
		*plain = malloc(SPOOL_HEADER_SIZE + size);
	uint8_t front[FRONT_SIZE + 1];
	struct spool_metadata metadata;
	size_t whole, got;
	int fd = memory_file();

	(void)state;
	spool_fixture_open(&fixture);
	seal_object(&fixture, fd, bytes, 10, size - 10);
	file = file_bytes(fd, &whole);
	memcpy(front, file, FRONT_SIZE);
	assert_int_equal(OSSL_HPKE_decap(context, file + 32, 32, fixture.key, hpke_info,
					 sizeof(hpke_info) - 1),
			 1);
	got = SPOOL_HEADER_SIZE;
	assert_int_equal(OSSL_HPKE_open(context, plain, &got, front, FRONT_SIZE,
					file + FRONT_SIZE + 2,
					(size_t)file[64] << 8 | file[65]),
			 1);
	assert_int_equal(spool_metadata_unpack(plain, got, &metadata), 0);
	assert_string_equal(metadata.patient_id, "Ångström^1");
	for (uint8_t i = 0; i < 2; i++) {
		size_t at = SPOOL_HEADER_SIZE + (size_t)i * (SPOOL_SEGMENT_SIZE + 16);

		front[FRONT_SIZE] = i;
		got = size;
		assert_int_equal(
			OSSL_HPKE_open(context, plain, &got, front, sizeof(front),
				       file + at,
				       i == 0 ? SPOOL_SEGMENT_SIZE + 16 : whole - at),
			1);
		assert_memory_equal(plain, bytes + (size_t)i * SPOOL_SEGMENT_SIZE, got);
	}
	OSSL_HPKE_CTX_free(context);
	spool_fixture_close(&fixture);
	free(bytes);
	free(file);
	free(plain);
	close(fd);
}

static void ours_opens_openssls(void **state)
{
	struct spool_fixture fixture;
	OSSL_HPKE_CTX *context = OSSL_HPKE_CTX_new(OSSL_HPKE_MODE_BASE, suite,
						   OSSL_HPKE_ROLE_SENDER, NULL, NULL);
	struct message_cipher *cipher = message_cipher_new();
	struct spool_secret secret;
	uint8_t enc[32], sealed[64];
	size_t enc_size = sizeof(enc);

	(void)state;
	spool_fixture_open(&fixture);
	assert_int_equal(OSSL_HPKE_encap(context, enc, &enc_size, fixture.to.bytes, 32,
					 hpke_info, sizeof(hpke_info) - 1),
			 1);
	assert_int_equal(spool_decapsulate(fixture.key, enc, enc_size, "pacs", &secret),
			 0);
	assert_int_equal(message_cipher_begin(cipher, &secret, false), 0);
	for (uint64_t i = 0; i < 300; i++) {
		struct message message = { .number = i,
					   .additional = enc,
					   .additional_size = sizeof(enc) };
		size_t size = sizeof(sealed);

		assert_int_equal(OSSL_HPKE_seal(context, sealed, &size, enc, sizeof(enc),
						(const uint8_t *)beauty, strlen(beauty)),
				 1);
		assert_int_equal(message_open(cipher, &message, sealed, strlen(beauty)),
				 0);
		assert_memory_equal(sealed, beauty, strlen(beauty));
	}
	message_cipher_free(cipher);
	OSSL_HPKE_CTX_free(context);
	spool_fixture_close(&fixture);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_hold),
		cmocka_unit_test(messages_are_the_published_ones),
		cmocka_unit_test(hkdf_holds),
		cmocka_unit_test(only_x25519_is_taken),
		cmocka_unit_test(weak_points_are_refused),
		cmocka_unit_test(a_secret_is_of_one_destination),
#if OPENSSL_VERSION_NUMBER >= 0x30200000L
		cmocka_unit_test(openssl_opens_ours),
		cmocka_unit_test(ours_opens_openssls),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
