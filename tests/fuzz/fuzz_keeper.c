/*
 * The keeper's whole process, over what its supervisor and associations say to it: grants
 * with the requests on their channels, keys from files and from a predecessor, and any
 * other message. Both ends have said all before it runs.
 *
 * It signs at most once a channel, with a key that the channel is for, and only what that
 * side of a handshake signs; whatever else is asked closes the channel and is told; and
 * it keeps no descriptor.
 */
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/descriptors.h"
#include "fuzz.h"
#include "keeper/internal.h"
#include "patch.h"

#define STEPS_MAX    48
#define CHANNELS_MAX 16
#define FILES	     3 /* the last has the input's bytes */
#define PATH_SIZE    32
#define NOWHERE_FD   (-1)

static const uint16_t schemes[] = { 0x0403, 0x0804, 0x0401, 0x0806 };

static struct {
	struct signer_key_id id;
	unsigned char *der;
	int der_size, file;
} keys[FILES];

static struct {
	int channels[CHANNELS_MAX];
	struct keeper_grant grants[CHANNELS_MAX];
	bool may_sign[CHANNELS_MAX], has_asked[CHANNELS_MAX];
	size_t count, given;
	int control, gifts[STEPS_MAX];
	bool is_serving;
} world;

static int make_file(void)
{
	int file = memfd_create("key", MFD_CLOEXEC);

	FUZZ_REQUIRE(file >= 0 && fchmod(file, 0600) == 0);
	return file;
}

static void make_key(size_t i, EVP_PKEY *key)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	BIO *text = BIO_new(BIO_s_mem());
	char *pem;
	long size;

	FUZZ_REQUIRE(info && signer_key_id(key, &keys[i].id) == 0);
	keys[i].der_size = i2d_PKCS8_PRIV_KEY_INFO(info, &keys[i].der);
	FUZZ_REQUIRE(PEM_write_bio_PKCS8_PRIV_KEY_INFO(text, info) == 1);
	size = BIO_get_mem_data(text, &pem);
	keys[i].file = make_file();
	FUZZ_REQUIRE(write(keys[i].file, pem, (size_t)size) == size);
	BIO_free(text);
	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_PKEY_free(key);
}

static void begin(void)
{
	if (keys[0].der)
		return;
	make_key(0, EVP_EC_gen("P-256"));
	make_key(1, EVP_RSA_gen(1024)); /* small, so that it is quick */
	keys[2].file = make_file();
}

static size_t take(struct patch_input *input, void *ret, size_t room)
{
	size_t size = patch_byte(input);

	if (size > input->left)
		size = input->left;
	if (size > room)
		size = room;
	memcpy(ret, input->at, size);
	input->at += size;
	input->left -= size;
	return size;
}

/* `fd` is the message's own and closed here. */
static void tell(const struct message *message, size_t size, int fd)
{
	FUZZ_REQUIRE(descriptors_send(world.control, message, size, &fd, fd >= 0,
				      MSG_DONTWAIT) == 0);
	if (fd >= 0)
		close(fd);
}

static void tell_head(enum message_kind kind, size_t key, int fd)
{
	struct message message = { .kind = kind, .key = keys[key].id };

	tell(&message, MESSAGE_HEAD_SIZE, fd);
}

/* Returns our end. */
static int make_channel(int *ret_other)
{
	int pair[2];

	FUZZ_REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	*ret_other = pair[1];
	return pair[0];
}

static void grant(struct patch_input *input, uint8_t how)
{
	struct message message = { .kind = MESSAGE_GRANT };
	struct keeper_grant *given = &world.grants[world.count];
	int other;

	if (world.count == CHANNELS_MAX)
		return;
	*given = (struct keeper_grant){
		.association = "0123456789abcdef",
		.side = how & 8 ? SIGNER_CLIENT : SIGNER_SERVER,
		.keys = { keys[how >> 4 & 1].id },
		.key_count = 1,
	};
	patch_apply(input, given, sizeof(*given));
	memcpy(message.bytes, given, sizeof(*given));
	world.channels[world.count] = make_channel(&other);
	tell(&message, MESSAGE_HEAD_SIZE + sizeof(*given), other);
	world.count++;
}

/* What the side signs: CertificateVerify, or ServerKeyExchange with x25519. */
static size_t compose(uint8_t how, uint8_t *ret)
{
	if (how & 32) {
		memset(ret, 7, 64 + 4 + 32);
		memcpy(ret + 64, "\x03\x00\x1d\x20", 4);
		return 64 + 4 + 32;
	}
	memset(ret, ' ', 64);
	memcpy(ret + 64,
	       how & 8 ? "TLS 1.3, client CertificateVerify"
		       : "TLS 1.3, server CertificateVerify",
	       34);
	memset(ret + 98, 9, 32);
	return 98 + 32;
}

static bool is_granted(const struct keeper_grant *given, const struct signer_key_id *key)
{
	if (given->side != SIGNER_SERVER && given->side != SIGNER_CLIENT)
		return false;
	for (size_t i = 0; i < given->key_count && i < CONFIG_PAIRS_MAX; i++)
		if (memcmp(&given->keys[i], key, sizeof(*key)) == 0)
			return true;
	return false;
}

static void ask(struct patch_input *input, uint8_t how)
{
	struct {
		struct signer_request request;
		uint8_t message[512];
	} asked = { .request = { .key = keys[how >> 4 & 1].id,
				 .scheme = schemes[how >> 6] } };
	size_t head = sizeof(asked.request), at = world.count - 1;
	size_t size = head + compose(how, asked.message);

	if (world.count == 0)
		return;
	patch_apply(input, &asked, size);
	size += take(input, (uint8_t *)&asked + size, sizeof(asked) - size);
	if (send(world.channels[at], &asked, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
	if (!world.has_asked[at])
		world.may_sign[at] = is_granted(&world.grants[at], &asked.request.key) &&
				     signer_shape_of(world.grants[at].side, asked.message,
						     size - head) != SIGNER_SHAPE_NONE;
	world.has_asked[at] = true;
}

static void load(struct patch_input *input, size_t which)
{
	struct message message = { .kind = MESSAGE_LOAD };
	uint8_t bytes[255];
	size_t size;

	which %= FILES;
	if (which == FILES - 1) {
		size = take(input, bytes, sizeof(bytes));
		FUZZ_REQUIRE(ftruncate(keys[which].file, 0) == 0 &&
			     pwrite(keys[which].file, bytes, size, 0) == (ssize_t)size);
	}
	size = (size_t)snprintf((char *)message.bytes, PATH_SIZE, "/proc/self/fd/%d",
				keys[which].file);
	tell(&message, MESSAGE_HEAD_SIZE + size, NOWHERE_FD);
}

static void hand_over(struct patch_input *input, uint8_t how)
{
	size_t which = how >> 3 & 1;
	uint8_t bytes[255];
	int other, own = make_channel(&other);

	if (how & 16)
		FUZZ_REQUIRE(send(own, keys[which].der, (size_t)keys[which].der_size, 0) >
			     0);
	else
		(void)!send(own, bytes, take(input, bytes, sizeof(bytes)), 0);
	close(own); /* it waits for no more */
	tell_head(MESSAGE_TAKE, how >> 5 & 1, other);
}

/* Any message but one that makes it read files of the machine. */
static void tell_any(struct patch_input *input, uint8_t how)
{
	struct message message = { .kind = MESSAGE_PING };
	size_t size = MESSAGE_HEAD_SIZE;
	int other = NOWHERE_FD;

	patch_apply(input, &message, size);
	size += take(input, message.bytes, sizeof(message.bytes));
	if (message.kind == MESSAGE_LOAD)
		message.kind = MESSAGE_GIVE;
	if (how & 16)
		size = how >> 5;
	if (how & 8)
		close(make_channel(&other));
	tell(&message, size, other);
}

static void step(struct patch_input *input)
{
	uint8_t how = patch_byte(input);
	int other;

	switch (how & 7) {
	case 0:
		grant(input, how);
		break;
	case 1:
	case 2:
		ask(input, how);
		break;
	case 3:
		load(input, how >> 3);
		break;
	case 4:
		hand_over(input, how);
		break;
	case 5:
		world.gifts[world.given++] = make_channel(&other);
		tell_head(MESSAGE_GIVE, how >> 3 & 1, other);
		break;
	case 6:
		tell_head(how & 8 ? MESSAGE_SERVE : MESSAGE_PING, 0, NOWHERE_FD);
		break;
	default:
		tell_any(input, how);
		break;
	}
}

/* Returns how many refusals it told. */
static size_t look_at_words(void)
{
	static struct message message;
	struct keeper_refusal refusal;
	size_t refusals = 0;
	ssize_t size;

	while ((size = recv(world.control, &message, sizeof(message), MSG_DONTWAIT)) >
	       0) {
		FUZZ_REQUIRE(size >= (ssize_t)MESSAGE_HEAD_SIZE);
		FUZZ_REQUIRE(message.kind >= MESSAGE_LOADED &&
			     message.kind <= MESSAGE_REFUSED);
		world.is_serving |= message.kind == MESSAGE_SERVES;
		if (message.kind == MESSAGE_LOADED || message.kind == MESSAGE_TAKEN)
			FUZZ_REQUIRE(!world.is_serving || !message.is_good);
		if (message.kind != MESSAGE_REFUSED)
			continue;
		FUZZ_REQUIRE(size == (ssize_t)(MESSAGE_HEAD_SIZE + sizeof(refusal)));
		memcpy(&refusal, message.bytes, sizeof(refusal));
		FUZZ_REQUIRE(refusal.why[0] &&
			     memchr(refusal.why, 0, sizeof(refusal.why)));
		refusals++;
	}
	return refusals;
}

static void look_at_channel(size_t i)
{
	uint8_t answer[SIGNER_SIGNATURE_MAX + 1];
	unsigned answers = 0;
	ssize_t size;

	while ((size = recv(world.channels[i], answer, sizeof(answer), MSG_DONTWAIT)) >
	       0) {
		FUZZ_REQUIRE(size <= SIGNER_SIGNATURE_MAX);
		answers++;
	}
	FUZZ_REQUIRE(answers <= (world.may_sign[i] ? 1 : 0));
	close(world.channels[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct patch_input input = { bytes, size };
	int keeper, before, after;

	begin();
	before = dup(STDERR_FILENO);
	close(before);
	memset(&world, 0, sizeof(world));
	world.control = make_channel(&keeper);
	for (size_t i = 0; input.left > 0 && i < STEPS_MAX; i++)
		step(&input);
	shutdown(world.control, SHUT_WR);
	for (size_t i = 0; i < world.count; i++)
		shutdown(world.channels[i], SHUT_WR);
	FUZZ_REQUIRE(keeper_run(keeper, NULL) == 0);
	FUZZ_REQUIRE(look_at_words() <= world.count);
	for (size_t i = 0; i < world.count; i++)
		look_at_channel(i);
	for (size_t i = 0; i < world.given; i++)
		close(world.gifts[i]);
	close(world.control);
	after = dup(STDERR_FILENO);
	close(after);
	FUZZ_REQUIRE(before == after);
	return 0;
}
