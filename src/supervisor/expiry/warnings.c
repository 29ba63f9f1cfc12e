/*
 * What is near its end: our own certificates, CAs and CRLs, and the certificates that
 * modalities and destinations showed last. Each stage of each is told once, also across
 * restarts, in the log and as an alert.
 */
#include "supervisor/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

#define LOOK_MS	       60000
#define SCRIBE_MS      2000
#define DAY_SECONDS    ((time_t)24 * 60 * 60)
#define SEEN_ALIKE_MAX 4		 /* of one name, with different ends */
#define SEEN_LATELY    DAY_SECONDS	 /* another may have been shown since */
#define SEEN_STEP      (DAY_SECONDS / 4) /* the file need not be more precise */
#define ALERT_PAUSE_MS 3600000		 /* between two that others' words lead to */
#define LEAP_SECONDS   3600		 /* a clock that went back by less didn't leap */

struct warning *warnings_find(struct warnings *warnings, enum warnings_owner owner,
			      const char *name, time_t until)
{
	for (size_t i = 0; i < warnings->count; i++) {
		struct warning *item = &warnings->items[i];

		if (item->owner == owner && item->until == until &&
		    strcmp(item->name, name) == 0)
			return item;
	}
	return NULL;
}

struct warning *warnings_add(struct warnings *warnings, enum warnings_owner owner,
			     const char *name, time_t until)
{
	struct warning *items =
		reallocarray(warnings->items, warnings->count + 1, sizeof(*items));
	char *copy = strdup(name);

	if (items)
		warnings->items = items;
	if (!items || !copy) {
		log_error("no memory to watch the end of %s", name);
		free(copy);
		return NULL;
	}
	items[warnings->count] = (struct warning){
		.owner = owner, .name = copy, .until = until, .told = TOLD_NOTHING
	};
	warnings->is_news = true;
	if (owner != WARNINGS_OWN)
		warnings->is_unsaved = true;
	return &items[warnings->count++];
}

static void drop(struct warnings *warnings, size_t i)
{
	free(warnings->items[i].name);
	warnings->items[i] = warnings->items[--warnings->count];
	warnings->is_unsaved = true;
}

static bool has_sibling(const struct warnings *warnings, const char *name)
{
	for (size_t i = 0; i < warnings->count; i++)
		if (warnings->items[i].owner == WARNINGS_OWN &&
		    strcmp(warnings->items[i].name, name) == 0)
			return true;
	return false;
}

static void adopt_end(struct warnings *warnings, const struct tls_end *end)
{
	static const char *const kinds[] = { [TLS_END_CERTIFICATE] = "the certificate",
					     [TLS_END_CA] = "the CA",
					     [TLS_END_CRL] = "the CRL of" };
	struct warning *item;
	char name[1024];

	snprintf(name, sizeof(name), "%s: %s %s", end->path, kinds[end->kind],
		 end->subject);
	item = warnings_find(warnings, WARNINGS_OWN, name, end->until);
	if (!item) {
		bool renewed = has_sibling(warnings, name);

		item = warnings_add(warnings, WARNINGS_OWN, name, end->until);
		if (!item)
			return;
		item->renewed = renewed;
		if (end->until < time(NULL)) /* as the faults of the set say */
			item->told = 0;
	}
	item->in_force = true;
	item->kind = end->kind;
	item->begins = end->begins;
}

static void adopt_context(struct warnings *warnings, const struct tls_context *context)
{
	size_t count = 0;
	const struct tls_end *ends = context ? tls_context_ends(context, &count) : NULL;

	for (size_t i = 0; i < count; i++)
		adopt_end(warnings, &ends[i]);
}

static bool is_gone(const struct server *server, const struct warning *item)
{
	const struct config *config = server->setup.config;

	switch (item->owner) {
	case WARNINGS_MODALITY:
		return setup_find_modality(config, item->name) == NOWHERE;
	case WARNINGS_DESTINATION:
		return setup_find_destination(config, item->name) == NOWHERE;
	default:
		return !item->in_force;
	}
}

void warnings_adopt(struct server *server)
{
	const struct config *config = server->setup.config;
	struct warnings *warnings = server->warnings;

	for (size_t i = 0; i < warnings->count; i++)
		warnings->items[i].in_force = false;
	for (size_t i = 0; i < config->listen_count; i++)
		adopt_context(warnings, server->setup.servers[i]);
	for (size_t i = 0; i < config->destination_count; i++)
		adopt_context(warnings, server->setup.clients[i]);
	for (size_t i = warnings->count; i > 0; i--)
		if (is_gone(server, &warnings->items[i - 1]))
			drop(warnings, i - 1);
}

static size_t count_alike(const struct warnings *warnings, enum warnings_owner owner,
			  const char *name, size_t *ret_oldest)
{
	size_t count = 0;

	for (size_t i = 0; i < warnings->count; i++) {
		const struct warning *item = &warnings->items[i];

		if (item->owner != owner || strcmp(item->name, name) != 0)
			continue;
		if (count++ == 0 || item->seen < warnings->items[*ret_oldest].seen)
			*ret_oldest = i;
	}
	return count;
}

void warnings_saw(struct server *server, enum warnings_owner owner, const char *name,
		  time_t until)
{
	struct warnings *warnings = server->warnings;
	struct warning *item = warnings_find(warnings, owner, name, until);
	time_t now = time(NULL);
	size_t oldest = 0;

	if (!item) {
		if (count_alike(warnings, owner, name, &oldest) >= SEEN_ALIKE_MAX)
			drop(warnings, oldest);
		item = warnings_add(warnings, owner, name, until);
	}
	if (!item)
		return;
	if (now - item->seen > SEEN_STEP)
		warnings->is_unsaved = true;
	item->seen = now;
}

/* Several devices of one entry may have a certificate each; one that was replaced is no
 * longer anybody's. */
static bool is_in_use(const struct warnings *warnings, const struct warning *item,
		      time_t now)
{
	if (item->owner == WARNINGS_OWN || now - item->seen < SEEN_LATELY)
		return true;
	for (size_t i = 0; i < warnings->count; i++) {
		const struct warning *other = &warnings->items[i];

		if (other->owner == item->owner && other->seen > item->seen &&
		    strcmp(other->name, item->name) == 0)
			return false;
	}
	return true;
}

static void describe(const struct warning *item, time_t now, char *ret, size_t size)
{
	static const char *const whose[] = {
		[WARNINGS_OWN] = "",
		[WARNINGS_MODALITY] = "the certificate last shown by modality ",
		[WARNINGS_DESTINATION] = "the certificate last shown by destination ",
	};
	long long days = (long long)((item->until - now + DAY_SECONDS - 1) / DAY_SECONDS);
	bool is_crl = item->owner == WARNINGS_OWN && item->kind == TLS_END_CRL;
	char date[sizeof("2026-01-31 12:00")] = "?", when[80];
	struct tm tm;

	if (gmtime_r(&item->until, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &tm);
	if (item->until < now)
		snprintf(when, sizeof(when), "ended on %s UTC", date);
	else
		snprintf(when, sizeof(when), "ends on %s UTC, in %lld day%s", date, days,
			 days == 1 ? "" : "s");
	snprintf(ret, size, "%s%.130s %.48s; %s", whose[item->owner], item->name, when,
		 is_crl				    ? "fetch the new one from the CA"
		 : item->owner == WARNINGS_OWN	    ? "renew it"
		 : item->owner == WARNINGS_MODALITY ? "renew it there"
						    : "have it renewed there");
}

static void raise_alert(struct server *server, struct warning *item, int stage,
			time_t now)
{
	bool is_crl = item->owner == WARNINGS_OWN && item->kind == TLS_END_CRL;
	char text[sizeof(((struct audit_record *)0)->detail)];

	describe(item, now, text, sizeof(text));
	log_warning("%s", text);
	auditor_tell(server, NULL, AUDIT_ALERT, AUDIT_RAISED,
		     is_crl ? REASON_TLS_CRL_STALE : REASON_TLS_EXPIRED, text);
	item->told = stage;
	server->warnings->is_unsaved = true;
}

static int stage_at(const struct warning *item, time_t now)
{
	return tls_end_stage(item->kind, item->begins, item->until, item->renewed, now);
}

/* The clock was ahead for a while: the stages that it passed are still to come, and
 * rather told twice than not at all. What was seen then was not seen later than now. */
static void forget_the_future(struct warnings *warnings, struct warning *item, time_t now)
{
	int stage = stage_at(item, now + LEAP_SECONDS);

	if (item->seen > now + LEAP_SECONDS) {
		item->seen = now;
		warnings->is_unsaved = true;
	}
	if (item->told == TOLD_NOTHING || (stage >= 0 && stage <= item->told))
		return;
	item->told = TOLD_NOTHING;
	warnings->is_unsaved = true;
}

static void look(struct server *server)
{
	struct warnings *warnings = server->warnings;
	time_t now = time(NULL);

	for (size_t i = 0; i < warnings->count; i++) {
		struct warning *item = &warnings->items[i];
		int stage = stage_at(item, now);

		forget_the_future(warnings, item, now);
		if (stage < 0 || stage >= item->told || !is_in_use(warnings, item, now))
			continue;
		if (item->owner != WARNINGS_OWN) {
			if (clock_ms() < item->pause_ms)
				continue;
			item->pause_ms = clock_ms() + ALERT_PAUSE_MS;
		}
		raise_alert(server, item, stage, now);
	}
}

void warnings_maintain(struct server *server)
{
	struct warnings *warnings = server->warnings;

	if (warnings->is_news || clock_ms() >= warnings->look_ms) {
		warnings->is_news = false;
		warnings->look_ms = clock_ms() + LOOK_MS;
		look(server);
	}
	if (warnings->is_unsaved && warnings->scribe == 0 &&
	    clock_ms() >= warnings->save_ms)
		told_write(server);
}

int warnings_begin(struct server *server)
{
	const char *log = server->setup.config->audit.file.path;
	const char *end = strrchr(log, '.');
	int stem =
		end && strcmp(end, ".jsonl") == 0 ? (int)(end - log) : (int)strlen(log);
	struct warnings *warnings = calloc(1, sizeof(*warnings));

	if (!warnings)
		return -1;
	server->warnings = warnings;
	if (asprintf(&warnings->path, "%.*s.told", stem, log) < 0) {
		warnings->path = NULL;
		return -1;
	}
	told_read(warnings);
	warnings->is_unsaved = false;
	warnings_adopt(server);
	return 0;
}

/* Whether none is left. */
static bool scribe_ends(struct server *server)
{
	struct warnings *warnings = server->warnings;

	if (warnings->scribe > 0 && !ends_within(server, warnings->scribe, SCRIBE_MS)) {
		log_warning("%s could not be written in time: warnings may come twice",
			    warnings->path);
		return false;
	}
	warnings->scribe = 0;
	return true;
}

/* One that is still writing began with less than is known now. */
static void write_last(struct server *server)
{
	struct warnings *warnings = server->warnings;

	if (!server->ever_ready || (!warnings->is_unsaved && warnings->scribe == 0) ||
	    !scribe_ends(server))
		return;
	told_write(server);
	scribe_ends(server);
}

void warnings_end(struct server *server)
{
	struct warnings *warnings = server->warnings;

	if (!warnings)
		return;
	write_last(server);
	for (size_t i = 0; i < warnings->count; i++)
		free(warnings->items[i].name);
	free(warnings->items);
	free(warnings->path);
	free(warnings);
	server->warnings = NULL;
}
