#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/spool/sealed.h"
#include "header.h"
#include "message.h"

enum stage { LOCKED, OPEN, ENDED };

struct spool_opener {
	int fd;
	enum stage stage;
	struct header header;
	uint8_t header_bytes[SPOOL_HEADER_SIZE];
	uint8_t header_hash[DIGEST_SIZE];
	uint8_t additional[SPOOL_FRONT_MAX +
			   1]; /* the front, and whether it is the last */
	struct message_cipher *cipher;
	struct digest *digest;	      /* of the data set */
	uint8_t sha256[DIGEST_SIZE];  /* as it has to be */
	uint64_t command_size, plain; /* what the metadata say */
	uint64_t segments, done;      /* opened, and the bytes in them */
	uint8_t segment[HEADER_SEGMENT_STEP];
};

/* How many bytes there are at that place, up to `size`; -1 with errno. */
MUST_USE static ssize_t read_at(int fd, uint8_t *bytes, size_t size, uint64_t at)
{
	size_t done = 0;

	while (done < size) {
		ssize_t now = pread(fd, bytes + done, size - done, (off_t)(at + done));

		if (now < 0 && errno == EINTR)
			continue;
		if (now < 0)
			return -1;
		if (now == 0)
			break;
		done += (size_t)now;
	}
	return (ssize_t)done;
}

MUST_USE static enum spool_fault read_header(struct spool_opener *opener)
{
	uint8_t *bytes = opener->header_bytes;
	ssize_t size = read_at(opener->fd, bytes, SPOOL_HEADER_SIZE, 0);
	enum spool_fault fault;

	if (size < 0)
		return SPOOL_FAILED;
	if (size < SPOOL_HEADER_SIZE)
		return SPOOL_TORN;
	fault = header_read(bytes, &opener->header);
	if (fault != SPOOL_GOOD && fault != SPOOL_UNKNOWN)
		return fault;
	memcpy(opener->additional, bytes, opener->header.front_size);
	if (digest_sha256(bytes, SPOOL_HEADER_SIZE, opener->header_hash) == 0)
		return fault;
	errno = ENOMEM;
	return SPOOL_FAILED;
}

enum spool_fault spool_opener_new(int fd, struct spool_opener **ret)
{
	struct spool_opener *opener = calloc(1, sizeof(*opener));
	enum spool_fault fault = SPOOL_FAILED;

	if (!opener)
		return SPOOL_FAILED;
	opener->fd = fd;
	opener->cipher = message_cipher_new();
	opener->digest = digest_new();
	if (opener->cipher && opener->digest)
		fault = read_header(opener);
	else
		errno = ENOMEM;
	if (fault == SPOOL_UNKNOWN)
		opener->stage = ENDED;
	if (fault == SPOOL_GOOD || fault == SPOOL_UNKNOWN)
		*ret = opener;
	else
		spool_opener_free(opener);
	return fault;
}

void spool_opener_free(struct spool_opener *opener)
{
	int error = errno;

	if (!opener)
		return;
	message_cipher_free(opener->cipher);
	digest_free(opener->digest);
	OPENSSL_cleanse(opener, sizeof(*opener));
	free(opener);
	errno = error;
}

void spool_opener_front(const struct spool_opener *opener, struct spool_front *ret)
{
	*ret = opener->header.front;
}

void spool_opener_header(const struct spool_opener *opener, uint8_t ret[DIGEST_SIZE])
{
	memcpy(ret, opener->header_hash, DIGEST_SIZE);
}

MUST_USE static enum spool_fault open_metadata(struct spool_opener *opener,
					       const char *destination,
					       struct spool_metadata *ret)
{
	uint8_t bytes[SPOOL_HEADER_SIZE];
	size_t size = opener->header.metadata_size;
	struct message message = { .additional = opener->additional,
				   .additional_size = opener->header.front_size };
	enum spool_fault fault = SPOOL_CORRUPT;

	memcpy(bytes, opener->header_bytes + opener->header.metadata_at, size);
	size -= SPOOL_TAG_SIZE;
	if (message_open(opener->cipher, &message, bytes, size) == 0 &&
	    spool_metadata_unpack(bytes, size, ret) == 0 &&
	    strcmp(ret->destination, destination) == 0)
		fault = SPOOL_GOOD;
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return fault;
}

enum spool_fault spool_opener_unlock(struct spool_opener *opener,
				     const struct spool_secret *secret,
				     const char *destination, struct spool_metadata *ret)
{
	struct spool_metadata metadata;
	uint64_t file_size;
	struct stat status;
	enum spool_fault fault;

	if (opener->stage != LOCKED) {
		errno = EINVAL;
		return SPOOL_FAILED;
	}
	if (message_cipher_begin(opener->cipher, secret, false) != 0) {
		errno = ENOMEM;
		return SPOOL_FAILED;
	}
	fault = open_metadata(opener, destination, &metadata);
	if (fault == SPOOL_GOOD && fstat(opener->fd, &status) != 0)
		fault = SPOOL_FAILED;
	if (fault == SPOOL_GOOD &&
	    (header_sizes(&metadata, &opener->plain, &file_size) != 0 ||
	     status.st_size < 0 || (uint64_t)status.st_size != file_size))
		fault = SPOOL_CORRUPT;
	if (fault != SPOOL_GOOD) {
		message_cipher_forget(opener->cipher);
		return fault;
	}
	memcpy(opener->sha256, metadata.sha256, sizeof(opener->sha256));
	opener->command_size = metadata.command_size;
	opener->stage = OPEN;
	*ret = metadata;
	return SPOOL_GOOD;
}

/* Hashes what is of the data set, and compares behind its last byte. */
MUST_USE static enum spool_fault check(struct spool_opener *opener, size_t size,
				       bool is_last)
{
	uint64_t left = 0; /* of the command set */
	uint8_t sha256[DIGEST_SIZE];
	int result = 0;

	if (opener->command_size > opener->done)
		left = opener->command_size - opener->done;
	if (left < size)
		result = digest_update(opener->digest, opener->segment + left,
				       size - (size_t)left);
	if (result == 0 && is_last)
		result = digest_finish(opener->digest, sha256);
	if (result != 0) {
		errno = ENOMEM;
		return SPOOL_FAILED;
	}
	if (is_last && CRYPTO_memcmp(sha256, opener->sha256, sizeof(sha256)) != 0)
		return SPOOL_CORRUPT;
	return SPOOL_GOOD;
}

MUST_USE static enum spool_fault open_segment(struct spool_opener *opener, size_t size,
					      bool is_last)
{
	struct message message = { .number = opener->segments + 1,
				   .additional = opener->additional,
				   .additional_size = opener->header.front_size + 1 };
	ssize_t there = read_at(opener->fd, opener->segment, size + SPOOL_TAG_SIZE,
				header_segment_at(opener->segments));

	if (there < 0)
		return SPOOL_FAILED;
	opener->additional[opener->header.front_size] = is_last;
	if ((size_t)there < size + SPOOL_TAG_SIZE ||
	    message_open(opener->cipher, &message, opener->segment, size) != 0)
		return SPOOL_CORRUPT;
	return check(opener, size, is_last);
}

enum spool_fault spool_opener_next(struct spool_opener *opener, const uint8_t **ret,
				   size_t *ret_size, bool *ret_is_last)
{
	uint64_t left = opener->plain - opener->done;
	bool is_last = left <= SPOOL_SEGMENT_SIZE;
	size_t size = is_last ? (size_t)left : SPOOL_SEGMENT_SIZE;
	enum spool_fault fault;

	if (opener->stage != OPEN) {
		errno = EINVAL;
		return SPOOL_FAILED;
	}
	fault = open_segment(opener, size, is_last);
	if (fault != SPOOL_GOOD || is_last) {
		opener->stage = ENDED;
		message_cipher_forget(opener->cipher);
	}
	if (fault != SPOOL_GOOD) {
		OPENSSL_cleanse(opener->segment, sizeof(opener->segment));
		return fault;
	}
	opener->segments++;
	opener->done += size;
	*ret = opener->segment;
	*ret_size = size;
	*ret_is_last = is_last;
	return SPOOL_GOOD;
}
