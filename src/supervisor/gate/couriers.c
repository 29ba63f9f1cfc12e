#include "supervisor/gate/gate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/log.h"
#include "cathgate/keeper/unwrapper.h"

#define COURIERS_FACTOR 2

/* The courier's end of each. False where one can't be had now. */
MUST_USE static bool open_channels(struct gate *gate, const char *destination,
				   const char *id, int ret[FORKER_COURIER_DESCRIPTORS])
{
	const struct spooling *spooling = gate->spooling;

	ret[FORKER_COURIER_AUDITOR] =
		audit_courier_open(gate->auditing->helper->channel, id, destination);
	ret[FORKER_COURIER_KEEPER] =
		unwrapper_open(spooling->keeper->channel, destination);
	ret[FORKER_COURIER_SPOOLER] =
		spooler_open_courier(spooling->spooler->channel, destination);
	return ret[FORKER_COURIER_AUDITOR] >= 0 && ret[FORKER_COURIER_KEEPER] >= 0 &&
	       ret[FORKER_COURIER_SPOOLER] >= 0;
}

static void close_channels(const int channels[FORKER_COURIER_DESCRIPTORS])
{
	for (int i = 0; i < FORKER_COURIER_DESCRIPTORS; i++)
		if (channels[i] >= 0)
			close(channels[i]);
}

MUST_USE static int fork_courier(struct gate *gate, const struct forker_order *order,
				 int channels[FORKER_COURIER_DESCRIPTORS])
{
	struct place *place;
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	channels[FORKER_COURIER_NOTICES] = pair[1];
	place = places_add_courier(&gate->couriers, pair[0], order->destination,
				   order->id);
	if (!place) {
		close(pair[0]);
		return -1;
	}
	place->auditor = gate->auditing->helper->generation;
	place->spooler = gate->spooling->spooler->generation;
	place->edition = gate->edition;
	pid = forking_fork(gate->forking, order, channels, FORKER_COURIER_DESCRIPTORS);
	if (pid > 0)
		place->pid = pid;
	else
		claim_forget(gate, place);
	return pid > 0 ? 0 : -1;
}

/* A spooler that has been taken over could ask for any number. One in order keeps within
 * the destination's couriers, but hears that one has ended before it is reaped here. The
 * couriers of the spooler before don't count: they end what they have in hand. */
static bool has_enough(const struct gate *gate, size_t destination)
{
	const struct place *place = gate->couriers.first;
	unsigned alive = 0;

	for (; place; place = place->next)
		alive += place->destination == destination &&
			 place->spooler == gate->spooling->spooler->generation;
	return alive >=
	       COURIERS_FACTOR *
		       gate->settings->config->destinations[destination].couriers;
}

void courier_start(struct gate *gate, const char *destination)
{
	struct forker_order order = { .is_courier = true };
	int channels[FORKER_COURIER_DESCRIPTORS] = { -1, -1, -1, -1 };
	uint8_t id[8];

	order.destination =
		settings_find_destination(gate->settings->config, destination);
	if (gate->is_closed || order.destination == NOWHERE ||
	    !forking_listens(gate->forking) || !gate->auditing->helper->is_ready ||
	    !gate->spooling->keeper->is_ready || !gate->spooling->spooler->is_ready)
		return;
	if (has_enough(gate, order.destination)) {
		log_debug("%s has all its couriers", destination);
		return;
	}
	if (getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id))
		return;
	digest_hex(id, sizeof(id), order.id);
	if (open_channels(gate, destination, order.id, channels) &&
	    fork_courier(gate, &order, channels) != 0)
		log_error("no process for a courier to %s: %s", destination,
			  strerror(errno));
	close_channels(channels);
}

static enum claim end_misbehaved(struct gate *gate, struct place *place)
{
	log_bug("courier %s: its process said what it can't by right: ended", place->id);
	place_kill(place, gate->auditing, REASON_INTERNAL);
	claim_forget(gate, place);
	return CLAIM_NONE;
}

enum claim courier_hear(struct gate *gate, struct place *place,
			struct association_notice *ret)
{
	const struct config *config = gate->settings->config;
	ssize_t size = recv(place->channel, ret, sizeof(*ret), MSG_DONTWAIT);
	bool is_due = place->is_sighting_due;

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return CLAIM_NONE;
	if (size <= 0) {
		claim_forget(gate, place);
		return CLAIM_NONE;
	}
	if (size != (ssize_t)sizeof(*ret))
		return end_misbehaved(gate, place);
	switch (ret->kind) {
	case ASSOCIATION_ASKS_CONNECTION:
		if (!dialling_ask(gate, place, ret->number))
			return end_misbehaved(gate, place);
		return CLAIM_NONE;
	case ASSOCIATION_SAW_DESTINATION:
		place->is_sighting_due = false;
		if (!is_due || place->destination == NOWHERE)
			return CLAIM_NONE;
		snprintf(ret->destination, sizeof(ret->destination), "%s",
			 config->destinations[place->destination].name);
		return CLAIM_SAW_DESTINATION;
	default:
		return end_misbehaved(gate, place);
	}
}
