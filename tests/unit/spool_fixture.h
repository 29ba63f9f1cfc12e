/*
 * Keys and sealed objects for the tests of spool/: objects lie in memory files.
 */
#ifndef TESTS_SPOOL_FIXTURE_H
#define TESTS_SPOOL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/spool/sealed.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Writes the bytes that the hexadecimal text says, and returns how many. */
static inline size_t from_hex(const char *hex, uint8_t *ret)
{
	size_t size = strlen(hex) / 2;

	for (size_t i = 0; i < size; i++) {
		unsigned byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		ret[i] = (uint8_t)byte;
	}
	return size;
}

static inline void assert_hex(const uint8_t *bytes, size_t size, const char *hex)
{
	char *text = malloc(2 * size + 1);

	digest_hex(bytes, size, text);
	assert_string_equal(text, hex);
	free(text);
}

static inline EVP_PKEY *private_key(const char *hex)
{
	uint8_t bytes[32];
	EVP_PKEY *key;

	assert_int_equal(from_hex(hex, bytes), 32);
	key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, bytes, 32);
	assert_non_null(key);
	return key;
}

/* The kind of key that the tests are run with. */
static inline const char *key_kind(void)
{
	const char *kind = getenv("SPOOL_KEY_KIND");

	return kind ? kind : "X25519";
}

/* A key, and a sealer for it. */
struct spool_fixture {
	EVP_PKEY *key;
	size_t front_size;
	struct spool_public to;
	struct spool_sealer *sealer;
};

static inline void spool_fixture_open(struct spool_fixture *ret)
{
	size_t public_size, enc_size;

	ret->key = EVP_PKEY_Q_keygen(NULL, NULL, key_kind());
	assert_int_equal(spool_public_of(ret->key, &ret->to), 0);
	assert_true(spool_suite_sizes(ret->to.suite, &public_size, &enc_size));
	ret->front_size = 32 + enc_size;
	ret->sealer = spool_sealer_new(&ret->to);
	assert_non_null(ret->sealer);
}

static inline void spool_fixture_close(struct spool_fixture *fixture)
{
	spool_sealer_free(fixture->sealer);
	EVP_PKEY_free(fixture->key);
}

static inline int memory_file(void)
{
	int fd = memfd_create("object", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* Bytes that don't repeat, to be freed. */
static inline uint8_t *some_bytes(size_t size)
{
	uint8_t *bytes = malloc(size + 1);
	uint32_t state = 1;

	for (size_t i = 0; i < size; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(state >> 24);
	}
	return bytes;
}

/* Metadata of an object that has these bytes. */
static inline struct spool_metadata metadata_of(const uint8_t *bytes, size_t command_size,
						size_t data_size)
{
	struct spool_metadata metadata = {
		.destination = "pacs",
		.modality = "angio",
		.association = "0123456789abcdef",
		.transfer_syntax = "1.2.840.10008.1.2.1",
		.patient_id = "Ångström^1",
		.command_size = command_size,
		.data_size = data_size,
		.sealed_us = 1234567890123456,
	};

	assert_int_equal(digest_sha256(bytes + command_size, data_size, metadata.sha256),
			 0);
	return metadata;
}

/* Seals into the file in pieces of that size; 0 or -1, as the first that fails. */
static inline int seal_pieces(struct spool_fixture *fixture, int fd, const uint8_t *bytes,
			      const struct spool_metadata *metadata, size_t piece,
			      uint8_t ret_header[DIGEST_SIZE])
{
	size_t size = (size_t)(metadata->command_size + metadata->data_size);

	if (spool_sealer_begin(fixture->sealer, fd, metadata->destination) != 0)
		return -1;
	for (size_t done = 0; done < size; done += piece)
		if (spool_sealer_add(fixture->sealer, bytes + done,
				     piece < size - done ? piece : size - done) != 0)
			return -1;
	return spool_sealer_finish(fixture->sealer, metadata, ret_header);
}

/* The same for an object that has to succeed, all at once. */
static inline void seal_object(struct spool_fixture *fixture, int fd,
			       const uint8_t *bytes, size_t command_size,
			       size_t data_size)
{
	struct spool_metadata metadata = metadata_of(bytes, command_size, data_size);
	uint8_t header[DIGEST_SIZE];

	assert_int_equal(seal_pieces(fixture, fd, bytes, &metadata,
				     command_size + data_size, header),
			 0);
}

/* What came of an object, up to its end or a fault. */
struct opened {
	enum spool_fault fault;
	struct spool_metadata metadata;
	bool has_metadata, is_whole;
	uint8_t header[DIGEST_SIZE];
	uint8_t *bytes; /* to be freed */
	size_t size;
};

static inline enum spool_fault open_locked(struct spool_opener *opener, EVP_PKEY *key,
					   const char *destination, struct opened *ret)
{
	struct spool_front front;
	struct spool_secret secret;
	enum spool_fault fault;

	spool_opener_front(opener, &front);
	spool_opener_header(opener, ret->header);
	if (spool_decapsulate(key, front.enc, front.enc_size, destination, &secret) != 0)
		return SPOOL_CORRUPT;
	fault = spool_opener_unlock(opener, &secret, destination, &ret->metadata);
	ret->has_metadata = fault == SPOOL_GOOD;
	while (fault == SPOOL_GOOD && !ret->is_whole) {
		const uint8_t *bytes;
		size_t size;

		fault = spool_opener_next(opener, &bytes, &size, &ret->is_whole);
		if (fault == SPOOL_GOOD) {
			ret->bytes = realloc(ret->bytes, ret->size + size + 1);
			memcpy(ret->bytes + ret->size, bytes, size);
			ret->size += size;
		}
	}
	return fault;
}

static inline struct opened open_object(int fd, EVP_PKEY *key, const char *destination)
{
	struct opened opened = { .size = 0 };
	struct spool_opener *opener = NULL;

	opened.fault = spool_opener_new(fd, &opener);
	if (opened.fault == SPOOL_GOOD)
		opened.fault = open_locked(opener, key, destination, &opened);
	spool_opener_free(opener);
	return opened;
}

/* The object is whole, and has these bytes. */
static inline void assert_opens(int fd, EVP_PKEY *key, const uint8_t *bytes, size_t size)
{
	struct opened opened = open_object(fd, key, "pacs");

	assert_int_equal(opened.fault, SPOOL_GOOD);
	assert_true(opened.is_whole);
	assert_int_equal(opened.size, size);
	assert_memory_equal(opened.bytes, bytes, size);
	free(opened.bytes);
}

/* A fault is found, and what came before it is what was sealed, and not all of it. */
static inline enum spool_fault assert_fault(int fd, EVP_PKEY *key, const uint8_t *bytes,
					    size_t size)
{
	struct opened opened = open_object(fd, key, "pacs");

	assert_int_not_equal(opened.fault, SPOOL_GOOD);
	assert_int_not_equal(opened.fault, SPOOL_FAILED);
	assert_false(opened.is_whole);
	assert_true(opened.size < size);
	if (opened.size > 0)
		assert_memory_equal(opened.bytes, bytes, opened.size);
	free(opened.bytes);
	return opened.fault;
}

static inline size_t file_size(int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return (size_t)status.st_size;
}

static inline uint8_t *file_bytes(int fd, size_t *ret_size)
{
	uint8_t *bytes;

	*ret_size = file_size(fd);
	bytes = malloc(*ret_size + 1);
	assert_int_equal(pread(fd, bytes, *ret_size, 0), *ret_size);
	return bytes;
}

#endif
