/*
 * What the supervisor makes of the words of its helpers, each of which may have been
 * taken over: forker, keeper, auditor, resolver, and the pipe in which dying processes
 * say what they called. (The dialler's: fuzz_dialling.c; associations': fuzz_claims.c.)
 */
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/address.h"
#include "cathgate/base/descriptors.h"
#include "fuzz.h"
#include "keeper/internal.h"
#include "patch.h"
#include "supervisor/helpers/forking.h"
#include "supervisor/helpers/keeping.h"
#include "supervisor/helpers/resolver.h"

#define DESTINATIONS 2
#define CHILD	     4711 /* the process of an association, as a good forker says */

static struct config_destination destinations[DESTINATIONS] = {
	{ .name = "pacs", .host = "pacs.test", .port = 104 },
	{ .name = "archive", .host = "archive.test", .port = 104 },
};
static const struct config config = { .destinations = destinations,
				      .destination_count = DESTINATIONS };
static struct net_addresses addresses[DESTINATIONS];
static struct settings settings = { .config = (struct config *)&config,
				    .addresses = addresses };

static const struct role role = { .context = "helper" };
static struct helper helper; /* whichever speaks */
static struct forking forking = { .helper = &helper };
static struct keeping keeping = { .helper = &helper };
static struct auditing auditing = { .helper = &helper, .state = -1 };
static struct resolver resolver = { .helper = &helper };
static struct sandbox_deaths deaths;
static int far; /* the helper's end */

static void begin(void)
{
	int pair[2];

	FUZZ_REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	helper = (struct helper){ .role = &role, .channel = pair[0], .is_ready = true };
	far = pair[1];
	for (size_t i = 0; i < KEEPING_RELEASED_MAX; i++)
		keeping.released[i] = -1;
	memset(addresses, 0, sizeof(addresses));
}

/* A good message that the input changes, or bytes of any length; with so many
 * descriptors. */
static void say(struct patch_input *input, void *good, size_t size)
{
	static const int sockets[] = { STDERR_FILENO, STDERR_FILENO };
	uint8_t how = patch_byte(input);
	size_t most = size;

	patch_apply(input, good, size);
	if (how & 4)
		size = (size_t)patch_byte(input) << 8 | patch_byte(input);
	if (size > most)
		size = most;
	FUZZ_REQUIRE(descriptors_send(far, good, size, sockets,
				      how & 3 ? (how & 3) - 1U : 0, MSG_DONTWAIT) == 0);
}

static void hear_forker(struct patch_input *input)
{
	struct forker_answer answer = { .pid = CHILD };
	struct forker_order order = { .listener = 0 };
	int descriptors[FORKER_DESCRIPTORS] = { 0 };
	uint8_t how = patch_byte(input);
	pid_t pid;

	if (how & 1)
		answer = (struct forker_answer){ .pid = FORKER_READY };
	helper.is_ready = !(how & 2);
	say(input, &answer, sizeof(answer));
	if (how & 4) {
		forking_hear(&forking);
		return;
	}
	pid = forking_fork(&forking, &order, descriptors, FORKER_DESCRIPTORS);
	FUZZ_REQUIRE(pid == -1 || (pid > 0 && pid == answer.pid));
}

/* An answer of the keeper with a public half and a warning. */
static size_t good_answer(enum message_kind kind, struct message *ret)
{
	static unsigned char *der;
	static int size;
	static const char warning[] = "\x01"
				      "is odd";

	if (!der) {
		EVP_PKEY *key = EVP_EC_gen("P-256");

		size = i2d_PUBKEY(key, &der);
		FUZZ_REQUIRE(size > 0);
		EVP_PKEY_free(key);
	}
	memset(ret, 0, sizeof(*ret));
	ret->kind = kind;
	ret->is_good = true;
	ret->key_size = (uint32_t)size;
	memcpy(ret->bytes, der, (size_t)size);
	memcpy(ret->bytes + size, warning, sizeof(warning));
	return MESSAGE_HEAD_SIZE + (size_t)size + sizeof(warning);
}

static void hear_keeper(struct patch_input *input)
{
	static struct message message;
	struct config_faults faults = { 0 };
	const struct config_file file = { .path = "/a.key", .place = { .file = "c" } };
	struct keeper_refusal refusal;
	EVP_PKEY *key = NULL;
	uint8_t how = patch_byte(input) % 4;
	static const enum message_kind kinds[] = { MESSAGE_LOADED, MESSAGE_TAKEN,
						   MESSAGE_SERVES, MESSAGE_REFUSED };
	size_t size = good_answer(kinds[how], &message);

	if (how == 3)
		size = MESSAGE_HEAD_SIZE + sizeof(refusal);
	say(input, &message, size);
	if (how == 0)
		FUZZ_REQUIRE((keeper_load(helper.channel, &file, &key, &faults) ==
			      KEEPER_YES) == (key != NULL));
	else if (how == 1)
		(void)!keeper_hand_over(helper.channel, helper.channel, &message.key);
	else if (how == 2)
		(void)!keeper_serve(helper.channel);
	else if (keeping_hear(&keeping, helper.channel, &refusal))
		FUZZ_REQUIRE(
			memchr(refusal.association, 0, sizeof(refusal.association)) &&
			memchr(refusal.why, 0, sizeof(refusal.why)));
	EVP_PKEY_free(key);
	config_faults_clear(&faults);
}

static void hear_auditor(struct patch_input *input)
{
	struct audit_figures figures = { 0 };

	memset(&figures, patch_byte(input), 1);
	say(input, &figures, sizeof(figures));
	(void)auditing_hear(&auditing, &figures);
	(void)auditing_waits_for_disk(&auditing);
}

static void hear_resolver(struct patch_input *input)
{
	struct {
		size_t destination;
		uint64_t last_of_round;
		struct net_addresses addresses;
	} answer = { 0 };
	char text[ADDRESS_TEXT_SIZE];

	answer.addresses.count = 1;
	answer.addresses.items[0].ss_family = AF_INET;
	say(input, &answer, sizeof(answer));
	resolver_hear(&resolver, &settings);
	for (size_t i = 0; i < DESTINATIONS; i++) {
		FUZZ_REQUIRE(addresses[i].count <= NET_ADDRESSES_MAX);
		for (size_t j = 0; j < addresses[i].count; j++)
			address_text(&addresses[i].items[j], text);
	}
}

/* Others have said something before the one that died did. */
static void hear_death(struct patch_input *input)
{
	struct sandbox_death death = { .pid = CHILD, .call = 59 };
	uint8_t bytes[255];
	size_t size = patch_byte(input);

	if (size > input->left)
		size = input->left;
	memcpy(bytes, input->at, size);
	input->at += size;
	input->left -= size;
	FUZZ_REQUIRE(sandbox_deaths_open(&deaths) == 0);
	(void)!write(deaths.write, bytes, size);
	(void)!write(deaths.write, &death, sizeof(death));
	FUZZ_REQUIRE(strcmp(sandbox_deaths_call(&deaths, CHILD), "execve") == 0);
	sandbox_deaths_close(&deaths);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static void (*const hear[])(struct patch_input *) = { hear_forker, hear_keeper,
							      hear_auditor, hear_resolver,
							      hear_death };
	struct patch_input input = { bytes, size };
	int before = dup(STDERR_FILENO), after;

	close(before);
	while (input.left > 0) {
		begin();
		hear[patch_byte(&input) % (sizeof(hear) / sizeof(hear[0]))](&input);
		helper_hang_up(&helper);
		close(far);
	}
	auditing_forget_state(&auditing);
	after = dup(STDERR_FILENO);
	close(after);
	FUZZ_REQUIRE(before == after);
	return 0;
}
