/*
 * What the supervisor makes of the notices of associations' processes, two of them, one
 * behind TLS and one by a plain listener. Places are counted right whatever they say, and
 * nobody holds one that can't be its own.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "patch.h"
#include "supervisor/gate/gate.h"

#define PROCESSES 2

static struct address_range lan;
static struct config_modality modalities[] = {
	{ .name = "angio",
	  .addresses = &lan,
	  .address_count = 1,
	  .max_associations = 1,
	  .max_handshakes_per_minute = 1000 },
	{ .name = "local",
	  .certificate = { .none = true },
	  .max_associations = 2,
	  .max_handshakes_per_minute = 1000,
	  .destination = 1 },
};
static struct config_destination destinations[] = {
	{ .name = "pacs", .host = "192.0.2.9", .tls = { .none = true } },
	{ .name = "archive", .host = "192.0.2.8", .tls = { .none = true } }
};
static struct config_listen listeners[] = {
	{ .address = "0.0.0.0" }, { .address = "127.0.0.1", .tls = { .none = true } }
};
static struct config config = {
	.listen = listeners,
	.listen_count = 2,
	.modalities = modalities,
	.modality_count = 2,
	.destinations = destinations,
	.destination_count = 2,
	.limits = { .max_associations = 10,
		    .max_associations_per_address = 10,
		    .handshakes_per_address_per_minute = 100000 },
};
static struct settings settings = { .config = &config };
static struct helper auditor = { .channel = -1 };
static struct helper dialler = { .channel = -1 };
static struct helper spooler = { .channel = -1 }, spool_keeper = { .channel = -1 };
static struct auditing auditing = { .helper = &auditor };
static struct spooling spooling = { .spooler = &spooler, .keeper = &spool_keeper };
static struct gate gate;

void __wrap_log_bug(const char *format, ...);
void __wrap_log_bug(const char *format, ...)
{
	(void)format; /* it tells of a process that was taken over */
}

static int come(const char *address, size_t listener)
{
	struct sockaddr_storage peer = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&peer;
	struct place *place;
	int pair[2];

	v4->sin_family = AF_INET;
	FUZZ_REQUIRE(inet_pton(AF_INET, address, &v4->sin_addr) == 1);
	FUZZ_REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	place = places_add(&gate.places, pair[0], &peer, "0123456789abcdef");
	FUZZ_REQUIRE(place != NULL);
	place->listener = listener;
	place->came_plain = listeners[listener].tls.none;
	return pair[1];
}

static void look_at_places(void)
{
	unsigned held = 0, handshaking = 0;

	for (const struct place *p = gate.places.first; p; p = p->next) {
		held += p->state == PLACE_HELD;
		handshaking += p->state == PLACE_HANDSHAKING;
		if (p->state != PLACE_HELD)
			continue;
		FUZZ_REQUIRE(p->modality < 2);
		FUZZ_REQUIRE(p->destination == modalities[p->modality].destination);
		FUZZ_REQUIRE(p->came_plain == modalities[p->modality].certificate.none);
		FUZZ_REQUIRE(places_held(&gate.places, p->modality, NULL) <=
			     modalities[p->modality].max_associations);
	}
	FUZZ_REQUIRE(held == gate.places.held);
	FUZZ_REQUIRE(handshaking == gate.places.handshaking);
}

static void read_answers(int channel)
{
	struct association_notice answer;

	while (recv(channel, &answer, sizeof(answer), MSG_DONTWAIT) > 0)
		continue;
}

static struct place *place_of(int number)
{
	struct place *place = gate.places.first;

	while (place && place->listener != (size_t)number)
		place = place->next;
	return place;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct tls_context *no_context[] = { NULL, NULL };
	struct net_addresses addresses[2] = { 0 };
	struct rate rates[2] = { 0 };
	struct patch_input input = { bytes, size };
	int channels[PROCESSES];

	memset(&gate, 0, sizeof(gate));
	FUZZ_REQUIRE(address_range_parse("192.0.2.0/24", &lan) == 0);
	settings.servers = settings.clients = no_context;
	settings.addresses = addresses;
	gate.settings = &settings;
	gate.auditing = &auditing;
	gate.spooling = &spooling;
	gate.dialler = &dialler;
	gate.modality_rates = rates;
	channels[0] = come("192.0.2.7", 0);
	channels[1] = come("127.0.0.1", 1);
	while (input.left > 0) {
		uint8_t how = patch_byte(&input);
		struct place *place = place_of(how & 1);
		struct association_notice notice = { .kind = how >> 1 & 15 };

		strcpy(notice.modality, how & 1 ? "local" : "angio");
		strcpy(notice.destination, how & 1 ? "archive" : "pacs");
		patch_apply(&input, &notice, sizeof(notice));
		gate.edition += (how & 32) != 0; /* a reload */
		if (!place || place->channel < 0)
			continue;
		FUZZ_REQUIRE(send(channels[how & 1], &notice,
				  how & 64 ? sizeof(notice) / 2 : sizeof(notice), 0) > 0);
		(void)claim_hear(&gate, place, &notice);
		look_at_places();
		read_answers(channels[how & 1]);
	}
	while (gate.places.first) {
		if (gate.places.first->channel >= 0)
			claim_forget(&gate, gate.places.first);
		else
			places_remove(&gate.places, gate.places.first);
	}
	FUZZ_REQUIRE(gate.places.held + gate.places.handshaking == 0);
	papers_free(&gate);
	close(channels[0]);
	close(channels[1]);
	return 0;
}
