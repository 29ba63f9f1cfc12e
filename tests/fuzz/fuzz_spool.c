/* The spool's files, as somebody leaves them there who has no key or only the public one.
 * The first byte says which: names; headers; metadata; or whole objects, whose metadata
 * and segments are then sealed, so that they open. */
#include <openssl/evp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cathgate/base/bytes.h"
#include "cathgate/spool/name.h"
#include "cathgate/spool/sealed.h"
#include "fuzz.h"
#include "spool/format/header.h"
#include "spool/format/message.h"

static const struct spool_secret secret = { .key = "a key of 32 bytes, and a nonce" };

static void read_name(const uint8_t *bytes, size_t size)
{
	static const struct spool_names_key key = { .siv = "a key" };
	char text[2 * SPOOL_NAME_SIZE] = "", again[SPOOL_NAME_SIZE];
	struct spool_name name;

	memcpy(text, bytes, size < sizeof(text) - 1 ? size : sizeof(text) - 1);
	if (!spool_name_read(text, &key, &name))
		return;
	FUZZ_REQUIRE(spool_name_write(&name, &key, again) == 0);
	FUZZ_REQUIRE(strcmp(again, text) == 0);
}

static void read_metadata(const uint8_t *bytes, size_t size)
{
	struct spool_metadata metadata, again;
	uint8_t packed[SPOOL_HEADER_SIZE];
	int packed_size;

	if (spool_metadata_unpack(bytes, size, &metadata) != 0)
		return;
	packed_size = spool_metadata_pack(&metadata, packed, HEADER_METADATA_ROOM);
	FUZZ_REQUIRE(packed_size >= 0);
	FUZZ_REQUIRE(spool_metadata_unpack(packed, (size_t)packed_size, &again) == 0);
	FUZZ_REQUIRE(memcmp(&metadata, &again, sizeof(again)) == 0);
}

static void read_file(int fd, const uint8_t *plain, size_t size)
{
	struct spool_opener *opener;
	struct spool_metadata metadata;
	struct spool_front front;
	const uint8_t *bytes;
	size_t step, done = 0, public_size, enc_size;
	bool is_last = false;

	enum spool_fault fault = spool_opener_new(fd, &opener);

	if (fault == SPOOL_UNKNOWN)
		spool_opener_free(opener);
	if (fault != SPOOL_GOOD)
		return;
	spool_opener_front(opener, &front);
	FUZZ_REQUIRE(spool_suite_sizes(front.suite, &public_size, &enc_size));
	FUZZ_REQUIRE(front.enc_size == enc_size);
	if (spool_opener_unlock(opener, &secret, "pacs", &metadata) == SPOOL_GOOD) {
		FUZZ_REQUIRE(metadata.command_size + metadata.data_size == size);
		while (!is_last &&
		       spool_opener_next(opener, &bytes, &step, &is_last) == SPOOL_GOOD) {
			FUZZ_REQUIRE(step <= size - done);
			FUZZ_REQUIRE(memcmp(bytes, plain + done, step) == 0);
			done += step;
			FUZZ_REQUIRE(is_last == (done == size));
		}
	}
	spool_opener_free(opener);
}

static void put(int fd, const uint8_t *bytes, size_t size, off_t at)
{
	FUZZ_REQUIRE(pwrite(fd, bytes, size, at) == (ssize_t)size);
}

static void read_header(int fd, const uint8_t *bytes, size_t size)
{
	static const uint8_t zeros[SPOOL_HEADER_SIZE];

	put(fd, zeros, sizeof(zeros), 0);
	put(fd, bytes, size, 0);
	read_file(fd, bytes, 0);
}

/* The metadata's size, the metadata, and what is to be in the segments. */
static void read_object(int fd, const uint8_t *bytes, size_t size)
{
	static struct message_cipher *cipher;
	static uint8_t segment[SPOOL_SEGMENT_SIZE + SPOOL_TAG_SIZE];
	const struct spool_front front = { .suite = SPOOL_SUITE_X25519, .enc_size = 32 };
	uint8_t header[SPOOL_HEADER_SIZE] = { 0 },
		additional[SPOOL_FRONT_MAX + 1] = { 0 };
	size_t front_size = header_put_front(&front, additional), metadata_size;
	struct message message = { .additional = additional,
				   .additional_size = front_size };

	if (size < 2)
		return;
	metadata_size = bytes_get_be16(bytes);
	if (metadata_size > size - 2 ||
	    metadata_size > SPOOL_HEADER_SIZE - front_size - 2 - SPOOL_TAG_SIZE)
		return;
	if (!cipher)
		cipher = message_cipher_new();
	FUZZ_REQUIRE(message_cipher_begin(cipher, &secret, true) == 0);
	memcpy(header, additional, front_size);
	bytes_put_be16(header + front_size, (uint16_t)(metadata_size + SPOOL_TAG_SIZE));
	FUZZ_REQUIRE(message_seal(cipher, &message, bytes + 2, metadata_size,
				  header + front_size + 2) == 0);
	put(fd, header, sizeof(header), 0);
	bytes += 2 + metadata_size;
	size -= 2 + metadata_size;
	message.additional_size++;
	for (size_t done = 0, step; done < size; done += step) {
		uint64_t at = header_segment_at(message.number++);

		step = size - done < SPOOL_SEGMENT_SIZE ? size - done
							: SPOOL_SEGMENT_SIZE;
		additional[front_size] = done + step == size;
		FUZZ_REQUIRE(
			message_seal(cipher, &message, bytes + done, step, segment) == 0);
		put(fd, segment, step + SPOOL_TAG_SIZE, (off_t)at);
	}
	read_file(fd, bytes, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	int fd;

	if (size == 0)
		return 0;
	if (bytes[0] == 'n')
		read_name(bytes + 1, size - 1);
	if (bytes[0] == 'm')
		read_metadata(bytes + 1, size - 1);
	if (bytes[0] != 'h' && bytes[0] != 'o')
		return 0;
	fd = memfd_create("object", MFD_CLOEXEC);
	FUZZ_REQUIRE(fd >= 0);
	if (bytes[0] == 'h')
		read_header(fd, bytes + 1, size - 1);
	else
		read_object(fd, bytes + 1, size - 1);
	close(fd);
	return 0;
}
