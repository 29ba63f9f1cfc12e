#include "supervisor/gate/gate.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/policy/policy.h"

/* An equal part of a limit that so many share: never 0, which would be no limit. */
static int64_t part_of(int64_t all, unsigned count)
{
	int64_t part = all / (count ? count : 1);

	return all == 0 ? 0 : part > 0 ? part : 1;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* An entry that is gone has no limits. */
static const struct config_modality *entry_of(const struct gate *gate,
					      const struct place *place)
{
	static const struct config_modality none;

	return place->modality == NOWHERE
		       ? &none
		       : &gate->settings->config->modalities[place->modality];
}

/* The smaller of its shares counts: of its entry's limit, or of its address's. */
static struct association_pace pace_of(const struct gate *gate, const struct place *place)
{
	const struct config_limits *limits = &gate->settings->config->limits;
	const struct config_modality *entry = entry_of(gate, place);
	unsigned of_entry = places_held(&gate->places, place->modality, NULL);
	unsigned of_address = places_held(&gate->places, NOWHERE, &place->address);

	return (struct association_pace){
		.bytes_per_second = smaller(
			part_of(entry->max_bytes_per_second, of_entry),
			part_of(limits->max_bytes_per_address_per_second, of_address)),
		.instances_per_minute = smaller(
			part_of(entry->max_instances_per_minute, of_entry),
			part_of(limits->instances_per_address_per_minute, of_address)),
	};
}

static void say_pace(const struct gate *gate, const struct place *place)
{
	struct association_notice notice = { .kind = ASSOCIATION_PACE,
					     .pace = pace_of(gate, place) };

	place_say(place, &notice);
}

void paces_say(struct gate *gate)
{
	for (const struct place *p = gate->places.first; p; p = p->next)
		if (p->state == PLACE_HELD)
			say_pace(gate, p);
}

/* Tells those that share something with a place that was given or returned. */
static void share_paces_anew(struct gate *gate, const struct place *place)
{
	const struct config_limits *limits = &gate->settings->config->limits;
	const struct config_modality *entry = entry_of(gate, place);
	bool by_address = limits->max_bytes_per_address_per_second != 0 ||
			  limits->instances_per_address_per_minute != 0;
	bool by_entry =
		entry->max_bytes_per_second != 0 || entry->max_instances_per_minute != 0;

	if (!by_address && !by_entry)
		return;
	for (const struct place *p = gate->places.first; p; p = p->next)
		if (p->state == PLACE_HELD &&
		    ((by_entry && p->modality == place->modality) ||
		     (by_address && address_equal(&p->address, &place->address))))
			say_pace(gate, p);
}

void claim_return(struct gate *gate, struct place *place)
{
	enum place_state was = place->state;

	if (was == PLACE_GIVEN_UP)
		return;
	place->state = PLACE_GIVEN_UP;
	place->given_up_ms = clock_ms();
	place->call = (struct place_call){ 0 };
	if (was == PLACE_HANDSHAKING)
		gate->places.handshaking--;
	if (was != PLACE_HELD)
		return;
	gate->places.held--;
	share_paces_anew(gate, place);
}

/* Whether entry and address may have one more place in this minute; counts it. */
static bool is_in_time(struct gate *gate, const struct place *place)
{
	const struct config_limits *limits = &gate->settings->config->limits;
	int64_t now_ms = clock_ms();
	struct rate *of_entry = &gate->modality_rates[place->modality];
	struct rate *of_address =
		visitors_places(&gate->visitors, &place->address, now_ms);
	struct rate_limit entry =
		rate_limit_of(entry_of(gate, place)->max_handshakes_per_minute);
	struct rate_limit address =
		rate_limit_of(limits->handshakes_per_address_per_minute);

	if (!rate_has_room(of_entry, entry, now_ms) ||
	    !rate_has_room(of_address, address, now_ms))
		return false;
	rate_count(of_entry, entry, 1, now_ms);
	rate_count(of_address, address, 1, now_ms);
	return true;
}

/* PS3.8 table 9-21, source 3: 1 is temporary congestion, 2 a local limit; 0: none. */
static uint32_t rejection_for(struct gate *gate, const struct place *place)
{
	const struct config *config = gate->settings->config;
	const struct config_modality *entry = &config->modalities[place->modality];

	if (!is_in_time(gate, place))
		return 1;
	if (gate->places.held >= config->limits.max_associations ||
	    places_held(&gate->places, place->modality, NULL) >=
		    entry->max_associations ||
	    places_held(&gate->places, NOWHERE, &place->address) >=
		    config->limits.max_associations_per_address)
		return 2;
	return 0;
}

/* Certificate and AE titles are the process's own word, and the process may have been
 * taken over before it proved any. The supervisor saw the address and the listener. */
static bool can_be_its_entry(const struct gate *gate, const struct place *place)
{
	const struct config_modality *entry = entry_of(gate, place);

	return policy_allows_address(entry, &place->host) &&
	       entry->certificate.none == place->came_plain;
}

static bool is_destined(const struct gate *gate, const struct place *place)
{
	return place->destination == entry_of(gate, place)->destination;
}

/* Why the process gets no place; REASON_NONE when it does. */
static enum reason judge_claim(struct gate *gate, struct place *place,
			       uint32_t *ret_rejection_reason)
{
	*ret_rejection_reason = 1;
	if (gate->is_closed)
		return REASON_GATEWAY_STOPPING;
	/* A process that came before a reload is judged by the new settings, too. */
	if (place->modality == NOWHERE || !can_be_its_entry(gate, place) ||
	    !is_destined(gate, place) ||
	    (place->edition != gate->edition && !papers_bring(gate, place)))
		return REASON_REVOKED_WHILE_OPEN;
	if (crash_holds_modality(gate, place->modality))
		return REASON_INTERNAL;
	*ret_rejection_reason = rejection_for(gate, place);
	return *ret_rejection_reason == 0 ? REASON_NONE : REASON_LIMIT_ASSOCIATIONS;
}

/* Whether a process can have come to ask for that. Of one that came before a reload only
 * the order is known: what it asks for may have been right. */
static bool asks_by_right(const struct gate *gate, const struct place *place)
{
	if (place->state != PLACE_AUTHENTICATED && !place->came_plain)
		return false;
	return place->edition != gate->edition ||
	       (place->modality != NOWHERE && can_be_its_entry(gate, place) &&
		is_destined(gate, place));
}

static void remove_place(struct gate *gate, struct place *place)
{
	places_remove(place->is_courier ? &gate->couriers : &gate->places, place);
}

void claim_forget(struct gate *gate, struct place *place)
{
	claim_return(gate, place);
	close(place->channel);
	place->channel = -1;
	if (place->pid == 0)
		remove_place(gate, place);
}

/* Counts what a process without a place has worked in vain. */
static void charge_work(struct gate *gate, const struct place *place,
			const struct rusage *usage)
{
	const struct timeval *user = &usage->ru_utime, *system = &usage->ru_stime;

	if (!place->was_held)
		visitors_worked(&gate->visitors,
				(double)(user->tv_sec + system->tv_sec) * 1e3 +
					(double)(user->tv_usec + system->tv_usec) / 1e3,
				clock_ms());
}

/* The auditor holds back the last lines until it hears this. */
static void tell_how(const struct gate *gate, const struct place *place, const char *how)
{
	int auditor = gate->auditing->helper->channel;
	char detail[128];

	snprintf(detail, sizeof(detail), "its process %s", how);
	if (auditor >= 0)
		audit_channel_ending(auditor, place->id, REASON_INTERNAL, detail);
}

bool claim_reaped(struct gate *gate, pid_t pid, int status, const char *how,
		  const struct rusage *usage)
{
	struct place *place = places_find(&gate->places, pid);

	if (!place)
		place = places_find(&gate->couriers, pid);
	if (!place)
		return false;
	if (how[0] && !place->is_killed)
		tell_how(gate, place, how);
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		crash_note(gate, place, WTERMSIG(status));
	place->pid = 0;
	if (!place->is_courier)
		charge_work(gate, place, usage);
	if (place->channel < 0)
		remove_place(gate, place);
	return true;
}

static enum claim end_misbehaved(struct gate *gate, struct place *place)
{
	log_bug("association %s: its process said what it can't by right: ended",
		place->id);
	place_kill(place, gate->auditing, REASON_INTERNAL);
	claim_forget(gate, place);
	return CLAIM_NONE;
}

static bool names_end(const struct association_notice *notice)
{
	return memchr(notice->modality, 0, sizeof(notice->modality)) &&
	       memchr(notice->destination, 0, sizeof(notice->destination));
}

static enum claim hear_claim(struct gate *gate, struct place *place,
			     const struct association_notice *notice)
{
	const struct config *config = gate->settings->config;
	struct association_notice answer = { .kind = ASSOCIATION_GRANTED };

	place->modality = settings_find_modality(config, notice->modality);
	place->destination = settings_find_destination(config, notice->destination);
	if (!asks_by_right(gate, place))
		return end_misbehaved(gate, place);
	answer.reason = judge_claim(gate, place, &answer.rejection_reason);
	if (answer.reason != REASON_NONE) {
		answer.kind = ASSOCIATION_DENIED;
		claim_return(gate, place);
		place_say(place, &answer);
		return CLAIM_FIGURES;
	}
	if (place->state == PLACE_HANDSHAKING) /* on a plain listener */
		gate->places.handshaking--;
	gate->places.held++;
	place->state = PLACE_HELD;
	place->was_held = true;
	visitors_placed(&gate->visitors, &place->address, &place->visit, clock_ms());
	answer.pace = pace_of(gate, place);
	place_bring_spooler(place, gate->spooling, gate->settings->config);
	place_say(place, &answer);
	share_paces_anew(gate, place);
	return CLAIM_PLACE;
}

void claim_refused(struct gate *gate, const struct keeper_refusal *refusal)
{
	struct place *place = places_find_id(&gate->places, refusal->association);
	char detail[256];

	snprintf(detail, sizeof(detail),
		 "the keeper of the private keys refused association %s %s: its process "
		 "is ended (refusal %u since the start)",
		 refusal->association, refusal->why, gate->keeping->refusals);
	log_bug("%s", detail);
	auditing_tell(gate->auditing, AUDIT_ALERT, AUDIT_RAISED, REASON_INTERNAL, detail);
	if (!place)
		place = places_find_id(&gate->couriers, refusal->association);
	if (!place)
		return;
	place_kill(place, gate->auditing, REASON_INTERNAL);
	claim_return(gate, place);
}

/* Once for each connection, of the destination that it was to. */
static bool has_seen(const struct gate *gate, struct place *place,
		     const struct association_notice *notice)
{
	const struct config *config = gate->settings->config;
	bool is_due = place->is_sighting_due;

	place->is_sighting_due = false;
	return is_due && place->destination != NOWHERE &&
	       strcmp(notice->destination,
		      config->destinations[place->destination].name) == 0;
}

static enum claim hear_notice(struct gate *gate, struct place *place,
			      const struct association_notice *notice)
{
	enum place_state state = place->state;

	if (state == PLACE_GIVEN_UP)
		return CLAIM_FIGURES; /* said before the place was taken away */
	if (notice->kind == ASSOCIATION_ASKS_PLACE && state != PLACE_HELD)
		return hear_claim(gate, place, notice);
	if (notice->kind == ASSOCIATION_AUTHENTICATED && state == PLACE_HANDSHAKING) {
		place->state = PLACE_AUTHENTICATED;
		gate->places.handshaking--;
		return CLAIM_AUTHENTICATED;
	}
	if (state != PLACE_HELD)
		return end_misbehaved(gate, place);
	switch (notice->kind) {
	case ASSOCIATION_RETURNS_PLACE:
		claim_return(gate, place);
		return CLAIM_FIGURES;
	case ASSOCIATION_ASKS_CONNECTION:
		if (!dialling_ask(gate, place, notice->number))
			return end_misbehaved(gate, place);
		return CLAIM_FIGURES;
	case ASSOCIATION_ASKS_SPOOLER:
		place_wants_spooler(place);
		return CLAIM_FIGURES;
	case ASSOCIATION_TELLS_FIGURES:
		return CLAIM_FIGURES;
	case ASSOCIATION_SAW_DESTINATION:
		return has_seen(gate, place, notice) ? CLAIM_SAW_DESTINATION
						     : CLAIM_FIGURES;
	default:
		return end_misbehaved(gate, place);
	}
}

enum claim claim_hear(struct gate *gate, struct place *place,
		      struct association_notice *ret)
{
	ssize_t size = recv(place->channel, ret, sizeof(*ret), MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return CLAIM_NONE;
	if (size <= 0) { /* reset, when it died with notices unread */
		claim_forget(gate, place);
		return CLAIM_NONE;
	}
	if (size != (ssize_t)sizeof(*ret) || !names_end(ret))
		return end_misbehaved(gate, place);
	return hear_notice(gate, place, ret);
}
