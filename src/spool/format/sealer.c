#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/bytes.h"
#include "cathgate/spool/sealed.h"
#include "header.h"
#include "message.h"

/* The kernel begins to write out when so many bytes are there, so that the sync at an
 * object's end finds little left to do. Smaller steps cost more calls and gain nothing.
 */
#define WRITE_OUT_BYTES (512 * 1024)
#define PAGE		4096

struct spool_sealer {
	struct spool_public to;
	struct message_cipher *cipher;

	/* Of the object in hand. */
	bool is_begun;
	int fd;
	char destination[SPOOL_DESTINATION_SIZE];
	uint8_t front[SPOOL_FRONT_MAX + 1]; /* one byte more says which segment is last */
	size_t front_size;
	uint64_t segments;    /* sealed and written */
	uint64_t plain;	      /* bytes that were added */
	uint64_t written_out; /* so far the kernel has been told to */
	size_t held;	      /* bytes of plaintext in `segment` */
	uint8_t segment[SPOOL_SEGMENT_SIZE + SPOOL_TAG_SIZE];
};

struct spool_sealer *spool_sealer_new(const struct spool_public *to)
{
	struct spool_sealer *sealer = calloc(1, sizeof(*sealer));

	if (!sealer)
		return NULL;
	sealer->to = *to;
	sealer->cipher = message_cipher_new();
	if (!sealer->cipher) {
		free(sealer);
		return NULL;
	}
	return sealer;
}

void spool_sealer_free(struct spool_sealer *sealer)
{
	if (!sealer)
		return;
	spool_sealer_drop(sealer);
	message_cipher_free(sealer->cipher);
	free(sealer);
}

void spool_sealer_drop(struct spool_sealer *sealer)
{
	if (!sealer->is_begun)
		return;
	message_cipher_forget(sealer->cipher);
	OPENSSL_cleanse(sealer->segment, sizeof(sealer->segment));
	sealer->is_begun = false;
}

/* So that a failure leaves no key. */
MUST_USE static int give_up(struct spool_sealer *sealer, int error)
{
	spool_sealer_drop(sealer);
	errno = error;
	return -1;
}

MUST_USE static int write_at(int fd, const uint8_t *bytes, size_t size, uint64_t at)
{
	while (size > 0) {
		ssize_t done = pwrite(fd, bytes, size, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done == 0)
			errno = EIO;
		if (done <= 0)
			return -1;
		bytes += done;
		size -= (size_t)done;
		at += (uint64_t)done;
	}
	return 0;
}

int spool_sealer_begin(struct spool_sealer *sealer, int fd, const char *destination)
{
	static const uint8_t no_header[SPOOL_HEADER_SIZE];
	struct spool_front front = { .suite = sealer->to.suite };
	struct spool_secret secret;
	int size, result = -1;

	spool_sealer_drop(sealer);
	/* The file may hold an older object, which ends here, before a segment of it is
	 * overwritten. */
	if (write_at(fd, no_header, sizeof(no_header), 0) != 0)
		return -1;
	size = spool_encapsulate(&sealer->to, destination, front.enc, &secret);
	if (size >= 0) /* so the name isn't too long, either */
		result = message_cipher_begin(sealer->cipher, &secret, true);
	OPENSSL_cleanse(&secret, sizeof(secret));
	if (result != 0) {
		errno = ENOMEM;
		return -1;
	}
	front.enc_size = (size_t)size;
	memcpy(front.key_id, sealer->to.id, sizeof(front.key_id));
	sealer->front_size = header_put_front(&front, sealer->front);
	memcpy(sealer->destination, destination, strlen(destination) + 1);
	sealer->fd = fd;
	sealer->segments = 0;
	sealer->plain = 0;
	sealer->written_out = SPOOL_HEADER_SIZE;
	sealer->held = 0;
	sealer->is_begun = true;
	return 0;
}

/* Whole pages only: one in flight would have to be waited for when its rest comes. A
 * failure shows when the file is synced. */
static void begin_to_write_out(struct spool_sealer *sealer, uint64_t end)
{
	end -= end % PAGE;
	if (end < sealer->written_out + WRITE_OUT_BYTES)
		return;
	(void)sync_file_range(sealer->fd, (off_t)sealer->written_out,
			      (off_t)(end - sealer->written_out), SYNC_FILE_RANGE_WRITE);
	sealer->written_out = end;
}

/* The bytes may be those in hand. 0, or -1 with errno. */
MUST_USE static int put_segment(struct spool_sealer *sealer, const uint8_t *bytes,
				size_t size, bool is_last)
{
	struct message message = { .number = sealer->segments + 1,
				   .additional = sealer->front,
				   .additional_size = sealer->front_size + 1 };
	uint64_t at = header_segment_at(sealer->segments);

	sealer->front[sealer->front_size] = is_last;
	if (message_seal(sealer->cipher, &message, bytes, size, sealer->segment) != 0) {
		errno = ENOMEM;
		return -1;
	}
	size += SPOOL_TAG_SIZE;
	if (write_at(sealer->fd, sealer->segment, size, at) != 0)
		return -1;
	sealer->segments++;
	begin_to_write_out(sealer, at + size);
	return 0;
}

int spool_sealer_add(struct spool_sealer *sealer, const void *bytes, size_t size)
{
	const uint8_t *next = bytes;
	size_t step;

	if (!sealer->is_begun)
		return give_up(sealer, EINVAL);
	sealer->plain += size;
	/* Only what comes behind a segment shows that it isn't the last. */
	while (size > 0) {
		step = SPOOL_SEGMENT_SIZE - sealer->held;
		if (step > size)
			step = size;
		if (step == 0) {
			if (put_segment(sealer, sealer->segment, sealer->held, false) !=
			    0)
				return give_up(sealer, errno);
			sealer->held = 0;
			continue;
		}
		if (step == SPOOL_SEGMENT_SIZE && size > step) {
			if (put_segment(sealer, next, step, false) != 0)
				return give_up(sealer, errno);
		} else {
			memcpy(sealer->segment + sealer->held, next, step);
			sealer->held += step;
		}
		next += step;
		size -= step;
	}
	return 0;
}

MUST_USE static int make_header(struct spool_sealer *sealer,
				const struct spool_metadata *metadata,
				uint8_t ret[SPOOL_HEADER_SIZE])
{
	struct message message = { .additional = sealer->front,
				   .additional_size = sealer->front_size };
	uint8_t *sealed = ret + sealer->front_size + 2;
	int size = spool_metadata_pack(metadata, sealed,
				       HEADER_METADATA_ROOM - SPOOL_TAG_SIZE);

	if (size < 0) {
		errno = EINVAL;
		return -1;
	}
	if (message_seal(sealer->cipher, &message, sealed, (size_t)size, sealed) != 0) {
		errno = ENOMEM;
		return -1;
	}
	memcpy(ret, sealer->front, sealer->front_size);
	bytes_put_be16(ret + sealer->front_size, (uint16_t)(size + SPOOL_TAG_SIZE));
	return 0;
}

int spool_sealer_finish(struct spool_sealer *sealer,
			const struct spool_metadata *metadata,
			uint8_t ret_header[DIGEST_SIZE])
{
	uint8_t header[SPOOL_HEADER_SIZE] = { 0 };
	uint64_t plain, file_size;
	int result = -1;

	if (!sealer->is_begun || header_sizes(metadata, &plain, &file_size) != 0 ||
	    plain != sealer->plain ||
	    strcmp(metadata->destination, sealer->destination) != 0)
		return give_up(sealer, EINVAL);
	if (put_segment(sealer, sealer->segment, sealer->held, true) == 0 &&
	    make_header(sealer, metadata, header) == 0 &&
	    ftruncate(sealer->fd, (off_t)file_size) == 0 &&
	    write_at(sealer->fd, header, sizeof(header), 0) == 0)
		result = digest_sha256(header, sizeof(header), ret_header);
	OPENSSL_cleanse(header,
			sizeof(header)); /* there may be metadata not yet sealed */
	if (result != 0)
		return give_up(sealer, errno);
	spool_sealer_drop(sealer);
	return 0;
}
