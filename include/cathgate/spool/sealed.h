/*
 * A sealed object, as docs/SPOOL.md has it: written from front to back, its header last;
 * read in the same order.
 *
 * Promises of the writer: what it has written can't be opened by this process any more
 * once spool_sealer_finish or spool_sealer_drop has returned; no plaintext is ever
 * written. A file that wasn't finished has no header, and is never taken for an object.
 *
 * Promises of the reader: it gives no byte that isn't the one that was sealed, in its
 * place; and the last bytes only when the object is whole and its data set has the
 * SHA-256 that the metadata say.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/digest.h"
#include "cathgate/base/must_use.h"
#include "cathgate/spool/key.h"

#define SPOOL_HEADER_SIZE  4096
#define SPOOL_SEGMENT_SIZE 65536
#define SPOOL_TAG_SIZE	   16
#define SPOOL_FRONT_MAX	   (32 + SPOOL_ENC_MAX)

/* What is known of an object, sealed with it. Texts are "" where they are unknown. */
struct spool_metadata {
	char destination[SPOOL_DESTINATION_SIZE], modality[64];
	char association[17];
	char calling_ae[17], called_ae[17];
	char abstract_syntax[65], transfer_syntax[65];
	char sop_class[65], sop_instance[65], study[65];
	char patient_id[257];
	uint8_t sha256[DIGEST_SIZE]; /* of the data set */
	uint64_t command_size, data_size;
	int64_t sealed_us; /* UTC */
};

/* Fails where the room is too small, or a text doesn't fit: the size, or -1. */
MUST_USE int spool_metadata_pack(const struct spool_metadata *metadata, uint8_t *ret,
				 size_t room);
/* -1 where it can't be read: an item twice, cut, of another size, or a text with a NUL in
 * it. Items that aren't known are passed over. */
MUST_USE int spool_metadata_unpack(const uint8_t *bytes, size_t size,
				   struct spool_metadata *ret);
/* What they say of the object, in a record of what became of it. */
struct audit_record;
void spool_metadata_tell(const struct spool_metadata *metadata, struct audit_record *ret);

/*
 * Writing.
 */

struct spool_sealer;

/* With room for one segment; NULL without memory. It serves one object after another. */
MUST_USE struct spool_sealer *spool_sealer_new(const struct spool_public *to);
void spool_sealer_free(struct spool_sealer *sealer);

/* Begins an object in the file at its beginning, which is no object any more from then
 * on; the descriptor stays the caller's. 0; or -1 with errno of write(2), ENOMEM when
 * OpenSSL refuses. */
MUST_USE int spool_sealer_begin(struct spool_sealer *sealer, int fd,
				const char *destination);
/* 0; or -1 with errno as above, and the object is dropped. */
MUST_USE int spool_sealer_add(struct spool_sealer *sealer, const void *bytes,
			      size_t size);
/* The rest, then the header; cuts the file behind the object. Nothing is synced. Gives
 * the header's SHA-256. 0; or -1 with errno as above, and the object is dropped: EINVAL
 * where the metadata's sizes don't add up to what was added, which is a byte at least, or
 * their destination is another. */
MUST_USE int spool_sealer_finish(struct spool_sealer *sealer,
				 const struct spool_metadata *metadata,
				 uint8_t ret_header[DIGEST_SIZE]);
/* Forgets the object in hand, and its key; does nothing without one. */
void spool_sealer_drop(struct spool_sealer *sealer);

/*
 * Reading.
 */

/* The header's parts that aren't sealed. */
struct spool_front {
	uint8_t suite;
	uint8_t key_id[SPOOL_KEY_ID_SIZE];
	uint8_t enc[SPOOL_ENC_MAX];
	size_t enc_size;
};

enum spool_fault {
	SPOOL_GOOD,
	SPOOL_TORN,    /* there is no header: the object was never finished */
	SPOOL_FOREIGN, /* the header is none of an object */
	SPOOL_UNKNOWN, /* it is of a suite that isn't known here */
	SPOOL_CORRUPT, /* something doesn't open, or isn't as the metadata say */
	SPOOL_FAILED   /* errno says why: reading, or memory */
};

struct spool_opener;

/* Reads the header; the descriptor stays the caller's. On SPOOL_GOOD the opener is the
 * caller's; on SPOOL_UNKNOWN, too, but only for spool_opener_header. */
MUST_USE enum spool_fault spool_opener_new(int fd, struct spool_opener **ret);
void spool_opener_free(struct spool_opener *opener);

void spool_opener_front(const struct spool_opener *opener, struct spool_front *ret);
/* Of the whole header. */
void spool_opener_header(const struct spool_opener *opener, uint8_t ret[DIGEST_SIZE]);

/* Opens the metadata, and proves that they are of that destination and that the file has
 * the size that follows from theirs. Another secret may be tried after SPOOL_CORRUPT. */
MUST_USE enum spool_fault spool_opener_unlock(struct spool_opener *opener,
					      const struct spool_secret *secret,
					      const char *destination,
					      struct spool_metadata *ret);
/* The next segment's plaintext, in memory that is good until the next call: command set
 * and data set as one stream. With the last segment, which comes only once the data set's
 * SHA-256 was found right, *ret_is_last. Behind it, or behind a fault, there is nothing:
 * SPOOL_FAILED with EINVAL. */
MUST_USE enum spool_fault spool_opener_next(struct spool_opener *opener,
					    const uint8_t **ret, size_t *ret_size,
					    bool *ret_is_last);
