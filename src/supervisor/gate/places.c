#include "supervisor/gate/places.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"

#define PARTING_MAX_MS	 90000
#define SPOOLER_AGAIN_MS 1000

MUST_USE static struct place *add(struct places *places, int channel, const char *id)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return NULL;
	place->channel = channel;
	place->began_us = clock_us();
	place->since = time(NULL);
	place->listener = place->modality = place->destination = NOWHERE;
	memcpy(place->id, id, sizeof(place->id));
	place->previous = places->last;
	if (places->last)
		places->last->next = place;
	else
		places->first = place;
	places->last = place;
	return place;
}

struct place *places_add(struct places *places, int channel,
			 const struct sockaddr_storage *peer, const char *id)
{
	struct place *place = add(places, channel, id);

	if (!place)
		return NULL;
	place->address = visitors_address(peer);
	(void)!address_of_socket(peer, &place->host); /* all listeners are IP sockets */
	address_text(peer, place->peer);
	places->handshaking++;
	return place;
}

struct place *places_add_courier(struct places *places, int channel, size_t destination,
				 const char *id)
{
	struct place *place = add(places, channel, id);

	if (!place)
		return NULL;
	place->is_courier = true;
	place->state = PLACE_COURIER;
	place->destination = destination;
	return place;
}

void places_remove(struct places *places, struct place *place)
{
	if (place->previous)
		place->previous->next = place->next;
	else
		places->first = place->next;
	if (place->next)
		place->next->previous = place->previous;
	else
		places->last = place->previous;
	free(place);
}

struct place *places_find(const struct places *places, pid_t pid)
{
	struct place *place = places->first;

	while (place && place->pid != pid)
		place = place->next;
	return place;
}

struct place *places_find_id(const struct places *places, const char *id)
{
	struct place *place = places->first;

	while (place && strcmp(place->id, id) != 0)
		place = place->next;
	return place;
}

unsigned places_held(const struct places *places, size_t modality,
		     const struct address *address)
{
	unsigned count = 0;

	for (const struct place *p = places->first; p; p = p->next)
		count += p->state == PLACE_HELD &&
			 (modality == NOWHERE || p->modality == modality) &&
			 (!address || address_equal(&p->address, address));
	return count;
}

void place_say(const struct place *place, const struct association_notice *notice)
{
	if (place->channel >= 0 && send(place->channel, notice, sizeof(*notice),
					MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("association %s: %s", place->id, strerror(errno));
}

void places_say(const struct places *places, enum association_notice_kind kind)
{
	struct association_notice notice = { .kind = kind };

	for (const struct place *p = places->first; p; p = p->next)
		place_say(p, &notice);
}

void place_kill(struct place *place, const struct auditing *auditing, enum reason reason)
{
	if (place->pid <= 0)
		return;
	if (auditing->helper->channel >= 0)
		audit_channel_ending(auditing->helper->channel, place->id, reason, NULL);
	place->is_killed = true;
	kill(place->pid, SIGKILL);
}

void places_kill(struct places *places, const struct auditing *auditing,
		 enum reason reason)
{
	for (struct place *p = places->first; p; p = p->next)
		place_kill(p, auditing, reason);
}

/* Before it parts, a process waits for the auditor's answer, and then for the modality to
 * take its last PDU. */
void places_kill_late(struct places *places, const struct auditing *auditing)
{
	int64_t long_ago_ms = clock_ms() - PARTING_MAX_MS;

	for (struct place *p = places->first; p; p = p->next)
		if (p->state == PLACE_GIVEN_UP && p->given_up_ms < long_ago_ms)
			place_kill(p, auditing, REASON_INTERNAL);
}

/* The other end of a new channel; -1 when the auditor is busy. */
static int renew_channel(const struct place *place, int auditor,
			 const struct config *config)
{
	if (!place->is_courier)
		return audit_channel_renew(auditor, place->id, place->peer);
	return audit_courier_open(auditor, place->id,
				  config->destinations[place->destination].name);
}

void places_renew_auditor(struct places *places, const struct auditing *auditing,
			  const struct config *config)
{
	const struct association_notice notice = { .kind = ASSOCIATION_AUDITOR };
	const struct helper *auditor = auditing->helper;

	for (struct place *p = places->first; p; p = p->next) {
		int channel;

		if (p->channel < 0 || p->auditor == auditor->generation)
			continue;
		if (p->is_courier && p->destination == NOWHERE)
			continue; /* there is nothing that the auditor could be told of */
		channel = renew_channel(p, auditor->channel, config);
		if (channel < 0)
			return; /* the auditor is busy: the rest get theirs later */
		/* A process that doesn't listen now gets another a tick later. */
		if (descriptors_send(p->channel, &notice, sizeof(notice), &channel, 1,
				     MSG_DONTWAIT) == 0)
			p->auditor = auditor->generation;
		close(channel);
	}
}

void place_bring_spooler(struct place *place, const struct spooling *spooling,
			 const struct config *config)
{
	const struct association_notice notice = { .kind = ASSOCIATION_SPOOLER };
	const struct helper *spooler = spooling->spooler;
	const struct config_modality *entry;
	int channel;

	if (place->channel < 0 || place->modality == NOWHERE ||
	    place->destination == NOWHERE || !spooler->is_ready ||
	    place->spooler == spooler->generation)
		return;
	entry = &config->modalities[place->modality];
	/* One that was forked with other settings goes on as it began. */
	if (entry->spool == CONFIG_SPOOL_OFF && !place->is_of_old)
		return;
	channel = spooler_open_association(spooler->channel, place->id, entry->name,
					   config->destinations[place->destination].name);
	if (channel < 0)
		return;
	if (descriptors_send(place->channel, &notice, sizeof(notice), &channel, 1,
			     MSG_DONTWAIT) == 0) {
		place->spooler = spooler->generation;
		place->spooler_ms = clock_ms();
	}
	close(channel);
}

/* One that asks while another is on its way to it would drop the one for the other. */
void place_wants_spooler(struct place *place)
{
	if (clock_ms() - place->spooler_ms >= SPOOLER_AGAIN_MS)
		place->spooler = 0;
}

void places_bring_spooler(struct places *places, const struct spooling *spooling,
			  const struct config *config)
{
	for (struct place *p = places->first; p; p = p->next)
		if (p->state == PLACE_HELD)
			place_bring_spooler(p, spooling, config);
}

void places_revise(struct places *places, const struct config *before,
		   const struct config *now)
{
	for (struct place *p = places->first; p; p = p->next) {
		if (p->modality != NOWHERE)
			p->modality = settings_find_modality(
				now, before->modalities[p->modality].name);
		if (p->destination != NOWHERE)
			p->destination = settings_find_destination(
				now, before->destinations[p->destination].name);
		if (p->listener != NOWHERE)
			p->listener = settings_find_listen(now, before, p->listener);
	}
}
