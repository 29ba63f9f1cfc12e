#include "tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/audit/members.h"
#include "cathgate/audit/record.h"
#include "cathgate/audit/summed.h"
#include "cathgate/base/reason.h"

static const struct family families[] = {
	{ "cathgate_associations_total", SERIES_COUNTER,
	  "Associations by outcome: accepted, refused, released, aborted." },
	{ "cathgate_instances_total", SERIES_COUNTER,
	  "Instances by outcome and modality." },
	{ "cathgate_deliveries_total", SERIES_COUNTER,
	  "What came of objects in the spool, by destination and outcome." },
	{ "cathgate_received_bytes_total", SERIES_COUNTER,
	  "Bytes of the data sets that came, by modality." },
	{ "cathgate_refusals_total", SERIES_COUNTER,
	  "Associations and instances that were refused, by reason." },
	{ "cathgate_modality_refusals_total", SERIES_COUNTER,
	  "Refusals of a modality that is known by its entry or by its address, for what "
	  "is neither a destination's fault nor the gateway's." },
	{ "cathgate_handshakes_total", SERIES_COUNTER,
	  "TLS handshakes by outcome: done, or the reason why one failed." },
	{ "cathgate_destination_failures_total", SERIES_COUNTER,
	  "What failed or stayed unconfirmed because of a destination, by reason." },
	{ "cathgate_destination_response_seconds", SERIES_HISTOGRAM,
	  "From the last byte to a destination until its response." },
	{ "cathgate_reloads_total", SERIES_COUNTER, "Reloads by outcome." },
	{ "cathgate_alerts_total", SERIES_COUNTER,
	  "Alerts in the audit log, by reason." },
};

static const char *const instance_outcomes[] = { "forwarded", "refused", "failed",
						 "unconfirmed", "spooled" };
static const char *const delivery_outcomes[] = { "forwarded", "failed",	  "unconfirmed",
						 "dead",      "given-up", "dropped" };
static const char *const association_outcomes[] = { "accepted", "refused", "released",
						    "aborted" };

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool is_handshake(const char *reason)
{
	return begins(reason, "tls-") || strcmp(reason, "not-tls") == 0 ||
	       strcmp(reason, "handshake-timeout") == 0;
}

static void put_cut(char *ret, size_t size, const char *value)
{
	snprintf(ret, size, "%s", value);
}

#define PUT(field, value) put_cut(field, sizeof(field), value)

static struct tally_destination *destination_of(struct tally *tally, const char *name)
{
	struct tally_destination *ret;

	for (size_t i = 0; i < tally->destination_count; i++)
		if (strcmp(tally->destinations[i].name, name) == 0)
			return &tally->destinations[i];
	if (!name[0] || tally->destination_count == TALLY_DESTINATIONS)
		return NULL;
	ret = &tally->destinations[tally->destination_count++];
	*ret = (struct tally_destination){ 0 };
	PUT(ret->name, name);
	return ret;
}

const struct tally_destination *tally_find(const struct tally *tally, const char *name)
{
	for (size_t i = 0; i < tally->destination_count; i++)
		if (strcmp(tally->destinations[i].name, name) == 0)
			return &tally->destinations[i];
	return NULL;
}

static double stands_for(const json_t *line)
{
	return (double)summed_count(members_text(line, "association"),
				    members_text(line, "detail"));
}

static bool is_delivery(const json_t *line)
{
	return strcmp(members_text(line, "event"), "delivery") == 0;
}

/* Whether the line says something of its destination now. What became of an object in the
 * spool without a try may repeat the reason of the last. */
static bool is_of_destination(const json_t *line)
{
	static const char *const of_tries[] = { "forwarded", "failed", "unconfirmed",
						"dead" };
	const char *outcome = members_text(line, "outcome");
	bool is_of_try = false;

	for (size_t i = 0; i < COUNT(of_tries); i++)
		is_of_try |= strcmp(outcome, of_tries[i]) == 0;
	return !is_delivery(line) || is_of_try;
}

static void note_destination(struct tally *tally, const json_t *line, bool counts)
{
	const char *outcome = members_text(line, "outcome");
	const char *reason = members_text(line, "reason");
	struct tally_destination *destination =
		destination_of(tally, members_text(line, "destination"));

	if (!destination || !is_of_destination(line))
		return;
	if (strcmp(outcome, "forwarded") == 0) {
		PUT(destination->last_success, members_text(line, "time"));
		destination->has_failed_last = false;
	}
	if (!begins(reason, "destination-"))
		return;
	if (!destination->has_failed_last)
		PUT(destination->fails_since, members_text(line, "time"));
	destination->has_failed_last = strcmp(outcome, "forwarded") != 0;
	happening_note(&destination->last_failure, line);
	if (counts)
		series_add(tally->counters, "cathgate_destination_failures_total",
			   stands_for(line), "destination", destination->name, "reason",
			   reason, NULL);
}

/* Neither a destination's fault nor the gateway's, and of somebody who has proved a
 * certificate of our CAs, or has one that was good once. */
static bool is_of_a_peer(enum reason reason, bool *ret_is_proved)
{
	static const enum reason proved[] = { REASON_TLS_EXPIRED,
					      REASON_TLS_NOT_YET_VALID,
					      REASON_TLS_REVOKED, REASON_TLS_CRL_STALE,
					      REASON_TLS_CRL_MISSING };
	const struct reason_help *help = reason_help(reason);
	bool is_of_association = help && help->place == REASON_PLACE_ASSOCIATION;

	*ret_is_proved = is_of_association;
	for (size_t i = 0; i < COUNT(proved); i++)
		*ret_is_proved |= reason == proved[i];
	return is_of_association || (help && help->place == REASON_PLACE_TLS);
}

/* Scanners are refused as well: who isn't known stays without a word. */
static void note_refusal(struct tally *tally, const json_t *line, enum recent_kind kind,
			 bool counts)
{
	const char *modality = modalities_whose(&tally->modalities, line);
	const char *title = members_text(line, "calling_ae");
	const char *subject = members_text(line, "shown_subject");
	const char *reason = members_text(line, "reason");
	double count = stands_for(line);
	char who[sizeof(tally->recents.items->who)];
	bool is_proved;

	happening_note(&tally->last_refusal, line);
	if (!is_of_a_peer(reason_of_name(reason), &is_proved))
		return;
	if (modality[0])
		snprintf(who, sizeof(who), "modality %s", modality);
	else if (is_proved && title[0])
		snprintf(who, sizeof(who), "AE title %s", title);
	else if (is_proved && subject[0]) /* behind an address that several share */
		snprintf(who, sizeof(who), "certificate %s", subject);
	else
		return;
	PUT(tally->last_refusal.modality, modality);
	recents_add(&tally->recents, kind, who, &tally->last_refusal, count);
	if (counts && modality[0])
		series_add(tally->counters, "cathgate_modality_refusals_total", count,
			   "modality", modality, NULL);
}

/* Whatever it is known by. */
static void note_acceptance(struct tally *tally, const json_t *line)
{
	static const struct {
		const char *kind, *member;
	} known_by[] = { { "modality", "modality" },
			 { "AE title", "calling_ae" },
			 { "certificate", "subject" } };
	char who[sizeof(tally->recents.items->who)];

	for (size_t i = 0; i < COUNT(known_by); i++) {
		snprintf(who, sizeof(who), "%s %s", known_by[i].kind,
			 members_text(line, known_by[i].member));
		recents_forget(&tally->recents, RECENT_REFUSED, who);
	}
}

static void note_outcome(struct tally *tally, const json_t *line, bool counts)
{
	const char *outcome = members_text(line, "outcome");
	bool is_instance = strcmp(members_text(line, "event"), "instance") == 0;
	char who[sizeof(tally->recents.items->who)];
	struct happening what;

	happening_note(&what, line);
	modalities_take(&tally->modalities, line);
	snprintf(who, sizeof(who), "modality %s", members_text(line, "modality"));
	if (strcmp(outcome, "refused") == 0)
		note_refusal(tally, line,
			     is_instance ? RECENT_REFUSED_INSTANCES : RECENT_REFUSED,
			     counts);
	else if (strcmp(outcome, "accepted") == 0)
		note_acceptance(tally, line);
	else if (strcmp(outcome, "failed") == 0)
		recents_add(&tally->recents, RECENT_FAILED, who, &what, 1);
	else if (strcmp(outcome, "unconfirmed") == 0)
		recents_add(&tally->recents, RECENT_UNCONFIRMED, who, &what, 1);
}

/* Nobody tries any more what a modality was told is stored. */
static void note_delivery(struct tally *tally, const json_t *line)
{
	const char *outcome = members_text(line, "outcome");
	char who[sizeof(tally->recents.items->who)];
	struct happening what;

	if (strcmp(outcome, "dead") != 0 && strcmp(outcome, "given-up") != 0)
		return;
	happening_note(&what, line);
	snprintf(who, sizeof(who), "destination %s", members_text(line, "destination"));
	recents_add(&tally->recents, RECENT_UNDELIVERED, who, &what, 1);
}

static void add_totals(struct tally_totals *totals, const char *outcome, double count)
{
	if (strcmp(outcome, "refused") == 0)
		totals->refused += (uint64_t)count;
	else if (strcmp(outcome, "forwarded") == 0)
		totals->forwarded += (uint64_t)count;
	else if (strcmp(outcome, "failed") == 0)
		totals->failed += (uint64_t)count;
	else if (strcmp(outcome, "unconfirmed") == 0)
		totals->unconfirmed += (uint64_t)count;
	else if (strcmp(outcome, "spooled") == 0)
		totals->spooled += (uint64_t)count;
}

static void count_association(struct tally *tally, const json_t *line)
{
	const char *outcome = members_text(line, "outcome");
	const char *reason = members_text(line, "reason");
	double count = stands_for(line);

	add_totals(&tally->totals, outcome, count);
	series_add(tally->counters, "cathgate_associations_total", count, "outcome",
		   outcome, "modality", members_text(line, "modality"), NULL);
	if (strcmp(outcome, "refused") == 0)
		series_add(tally->counters, "cathgate_refusals_total", count, "of",
			   "association", "reason", reason, NULL);
	if (strcmp(outcome, "refused") == 0 && is_handshake(reason))
		series_add(tally->counters, "cathgate_handshakes_total", count, "outcome",
			   reason, NULL);
}

static void count_response(struct tally *tally, const json_t *line)
{
	int64_t wait_ms = members_number(line, "wait_ms");

	if (wait_ms >= 0)
		series_time(tally->counters, "cathgate_destination_response_seconds",
			    wait_ms * 1000, "destination",
			    members_text(line, "destination"), NULL);
}

static void count_delivery(struct tally *tally, const json_t *line)
{
	const char *outcome = members_text(line, "outcome");

	tally->totals.delivered += strcmp(outcome, "forwarded") == 0;
	series_add(tally->counters, "cathgate_deliveries_total", 1, "destination",
		   members_text(line, "destination"), "outcome", outcome, NULL);
	count_response(tally, line);
}

static void count_instance(struct tally *tally, const json_t *line)
{
	const char *outcome = members_text(line, "outcome");
	const char *modality = members_text(line, "modality");
	int64_t bytes = members_number(line, "bytes");
	double count = stands_for(line);

	add_totals(&tally->totals, outcome, count);
	series_add(tally->counters, "cathgate_instances_total", count, "outcome", outcome,
		   "modality", modality, NULL);
	series_add(tally->counters, "cathgate_received_bytes_total",
		   bytes > 0 ? (double)bytes : 0, "modality", modality, NULL);
	if (strcmp(outcome, "refused") == 0)
		series_add(tally->counters, "cathgate_refusals_total", count, "of",
			   "instance", "reason", members_text(line, "reason"), NULL);
	count_response(tally, line);
}

static void count_line(struct tally *tally, const json_t *line)
{
	const char *event = members_text(line, "event");

	if (strcmp(event, "association") == 0)
		count_association(tally, line);
	else if (strcmp(event, "instance") == 0)
		count_instance(tally, line);
	else if (is_delivery(line))
		count_delivery(tally, line);
	else if (strcmp(event, "reload") == 0)
		series_add(tally->counters, "cathgate_reloads_total", 1, "outcome",
			   members_text(line, "outcome"), NULL);
	else if (strcmp(event, "alert") == 0)
		series_add(tally->counters, "cathgate_alerts_total", 1, "reason",
			   members_text(line, "reason"), NULL);
}

static void add_changes(char *changes, const char *detail, size_t length)
{
	const size_t mark = strlen(AUDIT_GOES_ON);
	size_t used = strlen(changes);

	if (used >= mark && strcmp(changes + used - mark, AUDIT_GOES_ON) == 0)
		return;
	if (used + 2 + length + mark >= TALLY_CHANGES_SIZE)
		strcpy(changes + used, AUDIT_GOES_ON); /* the log has the rest */
	else
		sprintf(changes + used, "%s%.*s", used > 0 ? "; " : "", (int)length,
			detail);
}

/* Returns whether it is the last line of its reload. */
static bool note_reload(struct tally *tally, const json_t *line)
{
	const char *detail = members_text(line, "detail");
	size_t length = strlen(detail), mark = strlen(AUDIT_GOES_ON);
	bool goes_on =
		length >= mark && strcmp(detail + length - mark, AUDIT_GOES_ON) == 0;

	happening_note(&tally->last_reload, line);
	if (!tally->reload_goes_on)
		tally->last_changes[0] = '\0';
	add_changes(tally->last_changes, detail, goes_on ? length - mark : length);
	tally->reload_goes_on = goes_on;
	return !goes_on;
}

/* A gateway that has started has read everything: reloads before that say nothing. */
static void forget_reload(struct tally *tally)
{
	tally->last_reload = (struct happening){ 0 };
	tally->last_changes[0] = '\0';
	tally->reload_goes_on = false;
}

void tally_take(struct tally *tally, const json_t *line, uint64_t sequence, bool counts)
{
	const char *event = members_text(line, "event");

	tally->sequence = sequence;
	tally->has_sequence = true;
	PUT(tally->last_line, members_text(line, "time"));
	if (strcmp(event, "checkpoint") == 0)
		PUT(tally->last_checkpoint, members_text(line, "time"));
	else if (strcmp(event, "start") == 0)
		forget_reload(tally);
	else if (strcmp(event, "reload") == 0)
		counts &= note_reload(tally, line);
	else if (strcmp(event, "alert") == 0)
		happening_note(&tally->last_alert, line);
	else if (strcmp(event, "association") == 0 || strcmp(event, "instance") == 0)
		note_outcome(tally, line, counts);
	else if (is_delivery(line))
		note_delivery(tally, line);
	note_destination(tally, line, counts);
	if (counts)
		count_line(tally, line);
}

void tally_modality(struct tally *tally, const char *name)
{
	struct modality *modality = modalities_get(&tally->modalities, name);

	if (!modality || modality->has_counters)
		return;
	modality->has_counters = true;
	for (size_t i = 0; i < COUNT(association_outcomes); i++)
		series_add(tally->counters, "cathgate_associations_total", 0, "outcome",
			   association_outcomes[i], "modality", name, NULL);
	for (size_t i = 0; i < COUNT(instance_outcomes); i++)
		series_add(tally->counters, "cathgate_instances_total", 0, "outcome",
			   instance_outcomes[i], "modality", name, NULL);
	series_add(tally->counters, "cathgate_received_bytes_total", 0, "modality", name,
		   NULL);
	series_add(tally->counters, "cathgate_modality_refusals_total", 0, "modality",
		   name, NULL);
}

void tally_handshakes(struct tally *tally, uint64_t done)
{
	series_set(tally->counters, "cathgate_handshakes_total", (double)done, "outcome",
		   "done", NULL);
}

void tally_destination(struct tally *tally, const char *name)
{
	static const struct histogram none;

	struct tally_destination *destination = destination_of(tally, name);

	if (!destination || destination->has_counters)
		return;
	destination->has_counters = true;
	for (enum reason i = REASON_NONE + 1; i < REASON_COUNT; i++)
		if (begins(reason_name(i), "destination-"))
			series_add(tally->counters, "cathgate_destination_failures_total",
				   0, "destination", name, "reason", reason_name(i),
				   NULL);
	for (size_t i = 0; i < COUNT(delivery_outcomes); i++)
		series_add(tally->counters, "cathgate_deliveries_total", 0, "destination",
			   name, "outcome", delivery_outcomes[i], NULL);
	series_put(tally->counters, "cathgate_destination_response_seconds", &none,
		   "destination", name, NULL);
}

void tally_names(struct tally *tally, const struct snapshot *snapshot)
{
	for (uint32_t i = 0; i < snapshot->head.modality_count; i++)
		tally_modality(tally, snapshot->modalities[i].text);
	for (uint32_t i = 0; i < snapshot->head.destination_count; i++)
		tally_destination(tally, snapshot->destinations[i].text);
}

/* Makes counters at 0, so that Prometheus sees their first increase, too. */
static void begin_at_nothing(struct series *counters)
{
	for (enum reason i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		series_add(counters, "cathgate_refusals_total", 0, "of", "association",
			   "reason", reason_name(i), NULL);
		series_add(counters, "cathgate_refusals_total", 0, "of", "instance",
			   "reason", reason_name(i), NULL);
		if (is_handshake(reason_name(i)))
			series_add(counters, "cathgate_handshakes_total", 0, "outcome",
				   reason_name(i), NULL);
	}
	series_add(counters, "cathgate_reloads_total", 0, "outcome", "done", NULL);
	series_add(counters, "cathgate_reloads_total", 0, "outcome", "refused", NULL);
	series_add(counters, "cathgate_alerts_total", 0, "reason",
		   reason_name(REASON_AUDIT_UNAVAILABLE), NULL);
}

int tally_open(struct tally *tally)
{
	*tally = (struct tally){ .counters = series_new(families, COUNT(families)) };
	if (!tally->counters)
		return -1;
	begin_at_nothing(tally->counters);
	return 0;
}

void tally_close(struct tally *tally)
{
	series_free(tally->counters);
	modalities_free(&tally->modalities);
	tally->counters = NULL;
}
