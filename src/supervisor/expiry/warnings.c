#include "supervisor/expiry/warnings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/base/utc.h"

#define LOOK_MS	       60000
#define SAVE_EVERY_MS  1000 /* from one scribe's beginning to the next one's */
#define SAVE_AGAIN_MS  60000
#define DAY_SECONDS    ((time_t)24 * 60 * 60)
#define SEEN_ALIKE_MAX 4		 /* of one name, with different ends */
#define SEEN_LATELY    DAY_SECONDS	 /* a certificate counts as in use so long */
#define SEEN_STEP      (DAY_SECONDS / 4) /* how precise the file is */
#define ALERT_PAUSE_MS 3600000		 /* between two alerts of what peers have shown */
#define LEAP_SECONDS   3600		 /* a clock that went back by less didn't leap */

static size_t count_alike(const struct warning_list *list, enum warning_owner owner,
			  const char *name, size_t *ret_oldest)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct warning *item = &list->items[i];

		if (item->owner != owner || strcmp(item->name, name) != 0)
			continue;
		if (count++ == 0 || item->seen < list->items[*ret_oldest].seen)
			*ret_oldest = i;
	}
	return count;
}

static void adopt_end(struct warnings *warnings, const struct tls_end *end)
{
	static const char *const kinds[] = { [TLS_END_CERTIFICATE] = "the certificate",
					     [TLS_END_CA] = "the CA",
					     [TLS_END_CRL] = "the CRL of" };
	struct warning_list *list = &warnings->list;
	struct warning *item;
	char name[1024];

	snprintf(name, sizeof(name), "%s: %s %s", end->path, kinds[end->kind],
		 end->subject);
	item = warning_list_find(list, WARNING_OWN, name, end->until);
	if (!item) {
		size_t oldest = 0;
		bool renewed = count_alike(list, WARNING_OWN, name, &oldest) > 0;

		item = warning_list_add(list, WARNING_OWN, name, end->until);
		if (!item)
			return;
		warnings->is_news = true;
		item->renewed = renewed;
		if (end->until < time(NULL)) /* a fault of the settings has told of it */
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

static bool is_gone(const struct config *config, const struct warning *item)
{
	switch (item->owner) {
	case WARNING_MODALITY:
		return settings_find_modality(config, item->name) == NOWHERE;
	case WARNING_DESTINATION:
		return settings_find_destination(config, item->name) == NOWHERE;
	default:
		return !item->in_force;
	}
}

void warnings_adopt(struct warnings *warnings, const struct settings *settings)
{
	const struct config *config = settings->config;

	for (size_t i = 0; i < warnings->list.count; i++)
		warnings->list.items[i].in_force = false;
	for (size_t i = 0; i < config->listen_count; i++)
		adopt_context(warnings, settings->servers[i]);
	for (size_t i = 0; i < config->destination_count; i++)
		adopt_context(warnings, settings->clients[i]);
	for (size_t i = warnings->list.count; i > 0; i--) {
		if (is_gone(config, &warnings->list.items[i - 1])) {
			warning_list_drop(&warnings->list, i - 1);
			warnings->is_unsaved = true;
		}
	}
}

void warnings_saw(struct warnings *warnings, enum warning_owner owner, const char *name,
		  time_t until)
{
	struct warning_list *list = &warnings->list;
	struct warning *item = warning_list_find(list, owner, name, until);
	time_t now = time(NULL);
	size_t oldest = 0;

	if (!item) {
		if (count_alike(list, owner, name, &oldest) >= SEEN_ALIKE_MAX)
			warning_list_drop(list, oldest);
		warnings->is_news = warnings->is_unsaved = true;
		item = warning_list_add(list, owner, name, until);
	}
	if (!item)
		return;
	if (now - item->seen > SEEN_STEP)
		warnings->is_unsaved = true;
	item->seen = now;
}

/* Several devices of one entry may each have a certificate, but a replaced one is in use
 * no longer. */
static bool is_in_use(const struct warnings *warnings, const struct warning *item,
		      time_t now)
{
	if (item->owner == WARNING_OWN || now - item->seen < SEEN_LATELY)
		return true;
	for (size_t i = 0; i < warnings->list.count; i++) {
		const struct warning *other = &warnings->list.items[i];

		if (other->owner == item->owner && other->seen > item->seen &&
		    strcmp(other->name, item->name) == 0)
			return false;
	}
	return true;
}

static void describe_end(const struct warning *item, time_t now, char *ret, size_t size)
{
	static const char *const whose[] = {
		[WARNING_OWN] = "",
		[WARNING_MODALITY] = "the certificate last shown by modality ",
		[WARNING_DESTINATION] = "the certificate last shown by destination ",
	};
	long long days = (long long)((item->until - now + DAY_SECONDS - 1) / DAY_SECONDS);
	bool is_crl = item->owner == WARNING_OWN && item->kind == TLS_END_CRL;
	char date[UTC_TEXT_SIZE], when[80];

	utc_date_minutes(item->until, date);
	if (item->until < now)
		snprintf(when, sizeof(when), "ended on %s UTC", date);
	else
		snprintf(when, sizeof(when), "ends on %s UTC, in %lld day%s", date, days,
			 days == 1 ? "" : "s");
	snprintf(ret, size, "%s%.130s %.48s; %s", whose[item->owner], item->name, when,
		 is_crl				   ? "fetch the new one from the CA"
		 : item->owner == WARNING_OWN	   ? "renew it"
		 : item->owner == WARNING_MODALITY ? "renew it there"
						   : "have it renewed there");
}

static void raise_alert(const struct auditing *auditing, struct warning *item, int stage,
			time_t now)
{
	bool is_crl = item->owner == WARNING_OWN && item->kind == TLS_END_CRL;
	char text[sizeof(((struct audit_record *)0)->detail)];

	describe_end(item, now, text, sizeof(text));
	log_warning("%s", text);
	auditing_tell(auditing, AUDIT_ALERT, AUDIT_RAISED,
		      is_crl ? REASON_TLS_CRL_STALE : REASON_TLS_EXPIRED, text);
	item->told = stage;
}

static int stage_at(const struct warning *item, time_t now)
{
	return tls_end_stage(item->kind, item->begins, item->until, item->renewed, now);
}

/* The clock may have been ahead for a while. Stages that passed then are still to come,
 * and are better told twice than not at all; nothing was seen later than now. */
static void forget_the_future(struct warnings *warnings, struct warning *item, time_t now)
{
	int stage = stage_at(item, now + LEAP_SECONDS);

	if (item->seen > now + LEAP_SECONDS) {
		item->seen = now;
		warnings->is_unsaved = true;
	}
	if (item->told == WARNING_NOT_TOLD || (stage >= 0 && stage <= item->told))
		return;
	item->told = WARNING_NOT_TOLD;
	warnings->is_unsaved = true;
}

/* Of a peer's certificates, whatever their dates: each alert of one puts off all. */
static bool is_paused(const struct warnings *warnings, const struct warning *item)
{
	for (size_t i = 0; i < warnings->list.count; i++) {
		const struct warning *other = &warnings->list.items[i];

		if (other->owner == item->owner && strcmp(other->name, item->name) == 0 &&
		    clock_ms() < other->pause_ms)
			return true;
	}
	return false;
}

static void look_at_all(struct warnings *warnings, const struct auditing *auditing)
{
	time_t now = time(NULL);

	for (size_t i = 0; i < warnings->list.count; i++) {
		struct warning *item = &warnings->list.items[i];
		int stage = stage_at(item, now);

		forget_the_future(warnings, item, now);
		if (stage < 0 || stage >= item->told || !is_in_use(warnings, item, now))
			continue;
		if (item->owner != WARNING_OWN) {
			if (is_paused(warnings, item))
				continue;
			item->pause_ms = clock_ms() + ALERT_PAUSE_MS;
		}
		raise_alert(auditing, item, stage, now);
		warnings->is_unsaved = true;
	}
}

static void start_scribe(struct warnings *warnings)
{
	warnings->save_ms = clock_ms() + SAVE_AGAIN_MS;
	if (helper_start(warnings->scribe) != 0)
		return;
	warnings->is_writing = true;
	warnings->is_unsaved = false;
}

static void look_at_scribe(struct warnings *warnings)
{
	if (!warnings->is_writing || warnings->scribe->pid != 0)
		return;
	warnings->is_writing = false;
	if (warnings->scribe->status == 0)
		warnings->save_ms = warnings->scribe->started_ms + SAVE_EVERY_MS;
	else
		warnings->is_unsaved = true;
}

void warnings_maintain(struct warnings *warnings, const struct auditing *auditing)
{
	if (warnings->is_news || clock_ms() >= warnings->look_ms) {
		warnings->is_news = false;
		warnings->look_ms = clock_ms() + LOOK_MS;
		look_at_all(warnings, auditing);
	}
	look_at_scribe(warnings);
	if (warnings->is_unsaved && !warnings->is_writing &&
	    clock_ms() >= warnings->save_ms)
		start_scribe(warnings);
}

int warnings_begin(struct warnings *warnings, const struct settings *settings)
{
	const char *log = settings->config->audit.file.path;
	const char *end = strrchr(log, '.');
	int stem =
		end && strcmp(end, ".jsonl") == 0 ? (int)(end - log) : (int)strlen(log);

	if (asprintf(&warnings->path, "%.*s.told", stem, log) < 0) {
		warnings->path = NULL;
		return -1;
	}
	warning_list_read(&warnings->list, warnings->path);
	warnings_adopt(warnings, settings);
	return 0;
}

static bool scribe_ends(struct warnings *warnings)
{
	if (helper_wait(warnings->scribe))
		return true;
	log_warning("%s could not be written in time: warnings may come twice",
		    warnings->path);
	return false;
}

void warnings_save_last(struct warnings *warnings)
{
	look_at_scribe(warnings);
	/* A scribe that is still writing began with less than is known now. */
	if ((!warnings->is_unsaved && !warnings->is_writing) || !scribe_ends(warnings))
		return;
	start_scribe(warnings);
	(void)!scribe_ends(warnings); /* it logs a failure itself */
}

void warnings_free(struct warnings *warnings)
{
	while (warnings->list.count > 0)
		warning_list_drop(&warnings->list, warnings->list.count - 1);
	free(warnings->list.items);
	free(warnings->path);
}
