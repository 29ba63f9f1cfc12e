/*
 * What the supervisor makes of associations that ask for connections, two of them, one to
 * a destination with TLS, and of a dialler that may say anything; with reloads, diallers
 * that end, and a keeper that comes and goes.
 *
 * An association gets one answer at most to each request, and a socket only from the
 * dialler's answer to its own; and the supervisor keeps no descriptor.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/descriptors.h"
#include "fuzz.h"
#include "patch.h"
#include "supervisor/gate/gate.h"
#include "tls/internal.h"

enum { PACS, ARCHIVE, DESTINATIONS };

#define PLACES 2 /* the first goes to PACS, the second to ARCHIVE */

static struct config_modality modalities[PLACES] = { { .name = "angio" },
						     { .name = "local" } };
static struct config_destination destinations[DESTINATIONS] = {
	{ .name = "pacs", .host = "pacs.test" },
	{ .name = "archive", .host = "archive.test", .tls = { .none = true } },
};
static struct config_listen listeners[] = { { .port = 1, .tls = { .none = true } } };
static struct config config = {
	.listen = listeners,
	.listen_count = 1,
	.modalities = modalities,
	.modality_count = PLACES,
	.destinations = destinations,
	.destination_count = DESTINATIONS,
};
static struct tls_context to_pacs;
static struct tls_context *servers[] = { NULL }, *clients[] = { &to_pacs, NULL };
static struct net_addresses addresses[DESTINATIONS];
static struct settings settings = {
	.config = &config, .servers = servers, .clients = clients, .addresses = addresses
};
static struct helper auditor = { .channel = -1 }, dialler, keeper;
static struct keeping keeping = { .helper = &keeper };
static struct auditing auditing = { .helper = &auditor };
static struct gate gate;

static struct {
	int far[PLACES], dialler, keeper; /* the other ends */
	unsigned asked[PLACES], answered[PLACES];
	struct dialler_request request; /* the last that the dialler heard */
} world;

void __wrap_log_bug(const char *format, ...);
void __wrap_log_bug(const char *format, ...)
{
	(void)format; /* it tells of a process that was taken over */
}

static int channel(int *ret_other)
{
	int pair[2];

	FUZZ_REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	*ret_other = pair[1];
	return pair[0];
}

static void come(unsigned number)
{
	struct sockaddr_storage peer = { .ss_family = AF_INET };
	struct place *place =
		places_add(&gate.places, channel(&world.far[number]), &peer,
			   number == 0 ? "0123456789abcdef" : "fedcba9876543210");

	FUZZ_REQUIRE(place != NULL);
	gate.places.handshaking--;
	gate.places.held++;
	place->state = PLACE_HELD;
	place->modality = place->destination = number;
}

static struct place *place_of(unsigned number)
{
	struct place *place = gate.places.first;

	while (place && place->id[0] != (number == 0 ? '0' : 'f'))
		place = place->next;
	return place;
}

static void start_dialler(void)
{
	if (dialler.channel >= 0)
		return;
	dialler.channel = channel(&world.dialler);
	dialler.generation++;
}

static void lose(struct helper *helper, int *other)
{
	helper_hang_up(helper);
	if (*other >= 0)
		close(*other);
	*other = -1;
}

static void start_keeper(void)
{
	if (keeper.is_ready)
		return;
	keeper.channel = channel(&world.keeper);
	keeper.is_ready = true;
}

static void ask(struct patch_input *input, unsigned number)
{
	struct association_notice notice = { .kind = ASSOCIATION_ASKS_CONNECTION };
	struct place *place = place_of(number);

	notice.number = patch_byte(input);
	patch_apply(input, &notice, sizeof(notice));
	if (!place || place->channel < 0 ||
	    send(world.far[number], &notice, sizeof(notice), MSG_DONTWAIT) < 0)
		return;
	world.asked[number] += notice.kind == ASSOCIATION_ASKS_CONNECTION;
	(void)claim_hear(&gate, place, &notice);
}

static void answer(struct patch_input *input, uint8_t how)
{
	struct dialler_answer said = { .error = how & 8 ? 111 : 0 };
	int sockets[] = { STDERR_FILENO, STDERR_FILENO };

	if (world.dialler < 0)
		return;
	while (recv(world.dialler, &world.request, sizeof(world.request), MSG_DONTWAIT) >
	       0)
		FUZZ_REQUIRE(world.request.destination < DESTINATIONS);
	said.id = world.request.id;
	said.address = world.request.address;
	patch_apply(input, &said, sizeof(said));
	if (descriptors_send(world.dialler, &said,
			     how & 128 ? sizeof(said) / 2 : sizeof(said), sockets,
			     how >> 4 & 3 ? (how >> 4 & 3) - 1U : 1, MSG_DONTWAIT) == 0)
		dialling_hear(&gate);
}

static void reload(struct patch_input *input)
{
	uint8_t how = patch_byte(input);

	papers_free(&gate);
	gate.edition++;
	modalities[0].destination = how & 1 ? ARCHIVE : PACS;
	for (size_t i = 0; i < DESTINATIONS; i++)
		addresses[i].count = (how >> 1) % (NET_ADDRESSES_MAX + 1);
	if (how & 128)
		for (struct place *p = gate.places.first; p; p = p->next)
			p->modality = p->destination = NOWHERE;
}

static void step(struct patch_input *input)
{
	uint8_t how = patch_byte(input);

	switch (how & 7) {
	case 0:
	case 1:
		ask(input, how & 1);
		break;
	case 2:
		answer(input, how);
		break;
	case 3:
		reload(input);
		break;
	case 4:
		lose(&dialler, &world.dialler);
		break;
	case 5:
		start_dialler();
		break;
	case 6:
		if (how & 8)
			start_keeper();
		else
			lose(&keeper, &world.keeper);
		break;
	default:
		dialling_maintain(&gate);
		break;
	}
	if (dialler.channel < 0)
		lose(&dialler, &world.dialler);
}

static void look_at(unsigned number)
{
	struct association_notice notice;
	int came[ASSOCIATION_PAPER_COUNT];
	size_t count;

	while (descriptors_receive(world.far[number], &notice, sizeof(notice), came,
				   ASSOCIATION_PAPER_COUNT, &count, MSG_DONTWAIT) > 0) {
		for (size_t i = 0; i < count; i++)
			close(came[i]);
		if (notice.kind != ASSOCIATION_CONNECTION)
			continue;
		FUZZ_REQUIRE(count == (size_t)__builtin_popcount(notice.called.brings));
		FUZZ_REQUIRE((notice.called.brings >> ASSOCIATION_SIGNER & 1) ==
			     (notice.called.brings != 0 && number == PACS));
		FUZZ_REQUIRE(count > 0 || notice.called.error != 0);
		FUZZ_REQUIRE(++world.answered[number] <= world.asked[number]);
	}
}

static void begin(void)
{
	memset(&gate, 0, sizeof(gate));
	memset(&world, 0, sizeof(world));
	gate.settings = &settings;
	gate.auditing = &auditing;
	gate.dialler = &dialler;
	gate.keeping = &keeping;
	if (!to_pacs.ssl_ctx)
		to_pacs.ssl_ctx = SSL_CTX_new(TLS_client_method());
	FUZZ_REQUIRE(to_pacs.ssl_ctx != NULL);
	dialler = keeper = (struct helper){ .channel = -1 };
	world.keeper = world.dialler = -1;
	for (unsigned i = 0; i < PLACES; i++) {
		modalities[i].destination = i;
		addresses[i].count = 2;
		come(i);
	}
	start_dialler();
	start_keeper();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct patch_input input = { bytes, size };
	int before = dup(STDERR_FILENO), after;

	close(before);
	begin();
	while (input.left > 0) {
		struct keeper_grant granted;

		step(&input);
		for (unsigned i = 0; i < PLACES; i++)
			look_at(i);
		while (world.keeper >= 0 &&
		       recv(world.keeper, &granted, sizeof(granted), MSG_DONTWAIT) > 0)
			continue;
	}
	while (gate.places.first) {
		gate.places.first->pid = 0;
		claim_forget(&gate, gate.places.first);
	}
	FUZZ_REQUIRE(gate.places.held + gate.places.handshaking == 0);
	papers_free(&gate);
	lose(&dialler, &world.dialler);
	lose(&keeper, &world.keeper);
	for (unsigned i = 0; i < PLACES; i++)
		close(world.far[i]);
	after = dup(STDERR_FILENO);
	close(after);
	FUZZ_REQUIRE(before == after);
	return 0;
}
