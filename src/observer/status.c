#include "status.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/utc.h"

#include "plain.h"
#include "problems.h"

static json_t *moment(int64_t seconds)
{
	char ret[UTC_TEXT_SIZE];

	utc_text_seconds((time_t)seconds, ret);
	return plain(ret);
}

static json_t *associations(const struct snapshot *snapshot)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < snapshot->head.association_count; i++) {
		const struct observer_association *from = &snapshot->associations[i];

		json_array_append_new(
			list,
			json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:f}", "association",
				  plain(from->id), "modality", plain(from->modality),
				  "ae_title", plain(from->figures.calling_ae.text),
				  "peer", plain(from->peer), "destination",
				  plain(from->destination), "since", moment(from->since),
				  "instances", (json_int_t)from->figures.instances,
				  "bytes", (json_int_t)from->figures.bytes,
				  "megabytes_per_second", snapshot->rates[i] / 1e6));
	}
	return list;
}

static json_t *event_of(const struct happening *from, const char *detail)
{
	if (!from->time[0])
		return json_null();
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "time", plain(from->time),
			 "outcome", plain(from->outcome), "reason", plain(from->reason),
			 "detail", plain(detail), "modality", plain(from->modality),
			 "ae_title", plain(from->calling_ae), "peer", plain(from->peer));
}

static json_t *event(const struct happening *from)
{
	return event_of(from, from->detail);
}

static json_t *destinations(const struct snapshot *snapshot, const struct tally *tally)
{
	static const struct tally_destination unknown;
	json_t *list = json_array();

	for (uint32_t i = 0; i < snapshot->head.destination_count; i++) {
		const char *name = snapshot->destinations[i].text;
		const struct tally_destination *known = tally_find(tally, name);
		const char *health = "unknown";

		known = known ? known : &unknown;
		if (known->last_success[0] || known->last_failure.time[0])
			health = known->has_failed_last ? "failing" : "good";
		json_array_append_new(
			list,
			json_pack("{s:o,s:s,s:o,s:o}", "name", plain(name), "health",
				  health, "last_success", plain(known->last_success),
				  "last_failure", event(&known->last_failure)));
	}
	return list;
}

static json_t *ends(const struct snapshot *snapshot)
{
	json_t *list = json_array();
	time_t now = time(NULL);

	for (uint32_t i = 0; i < snapshot->head.end_count; i++) {
		const struct observer_end *from = &snapshot->ends[i];

		json_array_append_new(
			list, json_pack("{s:s,s:s,s:o,s:o,s:f}", "of",
					from->is_crl ? "crl" : "certificate", "owner",
					problems_owner(from->owner), "name",
					plain(from->name), "ends", moment(from->until),
					"days", (double)(from->until - now) / 86400));
	}
	return list;
}

static json_t *audit(const struct config *config, const struct snapshot *snapshot,
		     const struct tally *tally)
{
	const struct observer_head *head = &snapshot->head;
	json_t *sequence = tally->has_sequence ? json_integer((json_int_t)tally->sequence)
					       : json_null();

	return json_pack("{s:o,s:b,s:b,s:o,s:o,s:o,s:o,s:o}", "file",
			 plain(config->audit.file.path), "writable",
			 head->is_auditor_ready && !head->is_log_stuck, "short_of_room",
			 head->log_lacks_room, "sequence", sequence, "last_line",
			 plain(tally->last_line), "last_checkpoint",
			 plain(tally->last_checkpoint), "last_alert",
			 event(&tally->last_alert), "last_refusal",
			 event(&tally->last_refusal));
}

/* Null for "never". */
static json_t *known_moment(int64_t seconds)
{
	return seconds ? moment(seconds) : json_null();
}

static json_t *known_bytes(uint64_t bytes)
{
	return bytes == UINT64_MAX ? json_null() : json_integer((json_int_t)bytes);
}

static json_t *spool_of(const struct snapshot *snapshot,
			const struct spooler_figures *figures)
{
	struct pace_rate rate = paces_rate(&snapshot->paces, figures->destination);
	double left = pace_left(figures, &rate);

	return json_pack("{s:o,s:I,s:I,s:I,s:I,s:o,s:I,s:f,s:f,s:o,s:o,s:o}",
			 "destination", plain(figures->destination), "queued",
			 (json_int_t)figures->objects, "queued_bytes",
			 (json_int_t)figures->bytes, "held", (json_int_t)figures->held,
			 "dead", (json_int_t)figures->dead, "oldest",
			 known_moment(figures->oldest), "couriers",
			 (json_int_t)figures->couriers, "objects_per_second",
			 rate.objects, "megabytes_per_second", rate.bytes / 1e6,
			 "seconds_left", left < 0 ? json_null() : json_real(left),
			 "last_delivery", known_moment(figures->delivered), "next_try",
			 known_moment(figures->again));
}

static json_t *spool(const struct config *config, const struct snapshot *snapshot)
{
	const struct observer_spool *from = &snapshot->head.spool;
	json_t *list;

	if (!from->is_there)
		return json_null();
	list = json_array();
	for (uint32_t i = 0; i < snapshot->head.spool_count; i++)
		json_array_append_new(list, spool_of(snapshot, &snapshot->spool[i]));
	return json_pack("{s:o,s:b,s:b,s:I,s:I,s:o,s:I,s:o}", "directory",
			 plain(config->spool.directory.path), "ready",
			 from->missing_seconds == 0, "full", from->is_full, "used_bytes",
			 (json_int_t)from->used, "max_bytes", (json_int_t)from->most,
			 "free_bytes", known_bytes(from->room), "strange_files",
			 (json_int_t)from->strangers, "destinations", list);
}

static json_t *totals(const struct tally_totals *totals)
{
	return json_pack(
		"{s:I,s:I,s:I,s:I,s:I,s:I}", "refused", (json_int_t)totals->refused,
		"forwarded", (json_int_t)totals->forwarded, "failed",
		(json_int_t)totals->failed, "unconfirmed",
		(json_int_t)totals->unconfirmed, "spooled", (json_int_t)totals->spooled,
		"delivered", (json_int_t)totals->delivered);
}

static json_t *verdict(const struct observer_verdict *from)
{
	if (from->began_us == 0)
		return json_null();
	return json_pack("{s:I,s:s,s:I,s:o}", "began_us", (json_int_t)from->began_us,
			 "outcome", from->is_refused ? "refused" : "done", "errors",
			 (json_int_t)from->error_count, "detail", plain(from->text));
}

char *status_compose(const struct config *config, const struct snapshot *snapshot,
		     const struct tally *tally)
{
	const struct observer_head *head = &snapshot->head;
	json_int_t uptime = head->started ? (clock_us() - head->started_us) / 1000000 : 0;
	json_t *all = json_pack(
		"{s:s,s:o,s:I,s:s,s:o,s:I,s:i,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
		"version", CATHGATE_VERSION, "node", plain(config->gateway_name), "pid",
		(json_int_t)head->pid, "state", problems_state(snapshot), "started",
		moment(head->started), "uptime_seconds", uptime, "associations_open",
		(int)head->placed, "handshakes_open", (int)head->handshaking,
		"associations", associations(snapshot), "destinations",
		destinations(snapshot, tally), "spool", spool(config, snapshot), "ends",
		ends(snapshot), "audit", audit(config, snapshot, tally), "last_reload",
		event_of(&tally->last_reload, tally->last_changes), "reload_verdict",
		verdict(&head->verdict), "totals", totals(&tally->totals), "problems",
		problems_list(snapshot, tally));
	char *ret = all ? json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;

	json_decref(all);
	return ret;
}
