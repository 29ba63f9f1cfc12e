#include "supervisor/gate/gate.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"

#define AGAIN_MS 1000 /* to a process that doesn't listen */
/* A PACS that leaves after each instance is called for each. More than that, for long, is
 * no association's need, but could be a taken-over process's: such calls wait. */
#define CALLS_AT_ONCE 64
#define CALL_EVERY_MS 50

/* An association goes on to the destination that it was opened for. */
static bool has_way(const struct gate *gate, const struct place *place)
{
	if (place->is_courier)
		return place->destination != NOWHERE;
	return place->modality != NOWHERE && place->destination != NOWHERE &&
	       gate->settings->config->modalities[place->modality].destination ==
		       place->destination;
}

/* The process first hears which configuration the connection belongs to. False when it
 * can't be told now. */
MUST_USE static bool knows_settings(struct gate *gate, struct place *place)
{
	return place->edition == gate->edition || papers_bring(gate, place);
}

/* It is asked for anew in a later turn, of the dialler, too: no socket is kept. */
static void put_off(struct place *place, int64_t pause_ms)
{
	place->call.dialler = 0;
	place->call.again_ms = clock_ms() + pause_ms;
}

static void answer_call(struct place *place, const struct association_call *called,
			const int brought[ASSOCIATION_BROUGHT_COUNT])
{
	struct association_notice notice = { .kind = ASSOCIATION_CONNECTION,
					     .called = *called };
	int present[ASSOCIATION_BROUGHT_COUNT];
	size_t count = 0;

	for (unsigned i = 0; i < ASSOCIATION_BROUGHT_COUNT; i++) {
		if (brought[i] < 0)
			continue;
		notice.called.brings |= 1U << i;
		present[count++] = brought[i];
	}
	if (descriptors_send(place->channel, &notice, sizeof(notice), present, count,
			     MSG_DONTWAIT) == 0) {
		place->call = (struct place_call){ 0 };
		return;
	}
	log_debug("association %s: %s", place->id, strerror(errno));
	put_off(place, AGAIN_MS);
}

static void refuse_call(struct place *place, int error, size_t count)
{
	static const int nothing[] = { -1, -1 };

	answer_call(
		place,
		&(struct association_call){ .error = error, .count = (uint32_t)count },
		nothing);
}

/* To the dialler, or answered at once. What can't be done now is done in a later turn. */
static void pass_call_on(struct gate *gate, struct place *place)
{
	const struct net_addresses *addresses;
	struct dialler_request request = { .id = place->call.id,
					   .destination = place->destination };

	if (!knows_settings(gate, place))
		return;
	if (!has_way(gate, place)) {
		refuse_call(place, ECANCELED, 0);
		return;
	}
	addresses = &gate->settings->addresses[place->destination];
	if (place->call.number >= addresses->count) {
		refuse_call(place, ENXIO, addresses->count);
		return;
	}
	/* A PACS isn't called in vain while no keeper would sign for the handshake. */
	if (gate->settings->clients[place->destination] &&
	    !keeping_listens(gate->keeping))
		return;
	request.address = addresses->items[place->call.number];
	if (dialler_ask(gate->dialler, &request) == 0)
		place->call.dialler = gate->dialler->generation;
}

/* When the place may call once more. A place that has not called for a while may call so
 * often at once. */
static int64_t next_call_ms(struct place *place)
{
	int64_t earliest_ms = clock_ms() - CALLS_AT_ONCE * CALL_EVERY_MS;

	if (place->next_call_ms < earliest_ms)
		place->next_call_ms = earliest_ms;
	place->next_call_ms += CALL_EVERY_MS;
	return place->next_call_ms;
}

bool dialling_ask(struct gate *gate, struct place *place, uint32_t number)
{
	if (place->call.id != 0 || number >= NET_ADDRESSES_MAX)
		return false;
	place->call.id = ++gate->calls;
	place->call.number = number;
	place->call.again_ms = next_call_ms(place);
	if (clock_ms() >= place->call.again_ms)
		pass_call_on(gate, place);
	return true;
}

/* Whether the dialler that runs now has it. One that is gone answers nothing more. */
static bool is_with_dialler(const struct gate *gate, const struct place *place)
{
	return gate->dialler->channel >= 0 &&
	       place->call.dialler == gate->dialler->generation;
}

static void maintain_calls(struct gate *gate, const struct places *places)
{
	for (struct place *p = places->first; p; p = p->next)
		if (p->call.id != 0 && p->channel >= 0 && !is_with_dialler(gate, p) &&
		    clock_ms() >= p->call.again_ms)
			pass_call_on(gate, p);
}

void dialling_maintain(struct gate *gate)
{
	maintain_calls(gate, &gate->places);
	maintain_calls(gate, &gate->couriers);
}

/* The place that waits for the answer; NULL when it has gone, or nobody asked. */
static struct place *find_among(const struct places *places, uint64_t id)
{
	struct place *place = places->first;

	while (place && (place->call.id != id || place->channel < 0))
		place = place->next;
	return place;
}

static struct place *find_caller(const struct gate *gate, uint64_t id)
{
	struct place *place = id != 0 ? find_among(&gate->places, id) : NULL;

	return place || id == 0 ? place : find_among(&gate->couriers, id);
}

/* The socket goes with a channel to the keeper, where there is to be TLS. */
static void hand_over(struct gate *gate, struct place *place,
		      const struct dialler_answer *answer, int socket)
{
	const struct settings *settings = gate->settings;
	const struct tls_context *context = settings->clients[place->destination];
	const struct association_call called = {
		.error = (int32_t)answer->error,
		.count = (uint32_t)settings->addresses[place->destination].count,
		.address = answer->address,
	};
	int brought[] = { [ASSOCIATION_SOCKET] = socket, [ASSOCIATION_SIGNER] = -1 };

	if (socket >= 0 && context) {
		brought[ASSOCIATION_SIGNER] =
			keeping_open(gate->keeping, place->id, SIGNER_CLIENT, context);
		if (brought[ASSOCIATION_SIGNER] < 0) {
			put_off(place, errno == ENOTCONN ? 0 : AGAIN_MS);
			return;
		}
	}
	place->is_sighting_due = socket >= 0;
	answer_call(place, &called, brought);
	if (brought[ASSOCIATION_SIGNER] >= 0)
		close(brought[ASSOCIATION_SIGNER]);
}

void dialling_hear(struct gate *gate)
{
	struct dialler_answer answer;
	struct place *place;
	int socket;

	if (!dialler_hear(gate->dialler, &answer, &socket))
		return;
	place = find_caller(gate, answer.id);
	if (place && !knows_settings(gate, place))
		put_off(place, 0);
	else if (place && !has_way(gate, place))
		refuse_call(place, ECANCELED, 0);
	else if (place)
		hand_over(gate, place, &answer, socket);
	if (socket >= 0)
		close(socket);
}
