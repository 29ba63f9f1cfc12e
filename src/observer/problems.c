#include "problems.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/reason.h"
#include "cathgate/base/utc.h"

#include "plain.h"
#include "problems_spool.h"

#define SILENT_US   10000000 /* a supervisor that tells nothing for so long is silent */
#define ALERT_STAYS 86400    /* seconds that an alert without an end is shown */
#define DAY	    86400.0

static const struct {
	const char *state, *text;
} states[] = {
	{ "silent", "does not answer its own observer: is it hung?" },
	{ "stopping", "is stopping" },
	{ "without-auditor", "lets nobody in: its auditor is being started" },
	{ "without-keeper", "lets nobody in: the keeper of its private keys is being "
			    "started, or lacks one (the log says which)" },
	{ "log-stuck", "acknowledges nothing: the audit log can't be written" },
	{ "starting", "is starting, and lets nobody in yet" },
};

const char *problems_state(const struct snapshot *snapshot)
{
	const struct observer_head *head = &snapshot->head;

	if (!snapshot->memory || clock_us() - snapshot->told_us > SILENT_US)
		return "silent";
	if (head->is_stopping)
		return "stopping";
	if (!head->is_auditor_ready)
		return "without-auditor";
	if (!head->is_keeper_ready)
		return "without-keeper";
	if (head->is_log_stuck)
		return "log-stuck";
	return head->is_ready ? "serving" : "starting";
}

enum level { CRITICAL, WARNING, LEVELS };

struct list {
	json_t *of[LEVELS];
	time_t now;
};

__attribute__((format(printf, 6, 0))) static void put_arguments(
	struct list *list, enum level level, const char *problem, const char *subject,
	const char *when, const char *format, va_list arguments)
{
	static const char *const levels[] = { "critical", "warning" };
	char *text = NULL;

	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	json_array_append_new(list->of[level],
			      json_pack("{s:s,s:s,s:o,s:o,s:o}", "problem", problem,
					"level", levels[level], "subject", plain(subject),
					"time", plain(when), "text",
					plain(text ? text : "")));
	free(text);
}

__attribute__((format(printf, 6, 7))) static void put(struct list *list, enum level level,
						      const char *problem,
						      const char *subject,
						      const char *when,
						      const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	put_arguments(list, level, problem, subject, when, format, arguments);
	va_end(arguments);
}

__attribute__((format(printf, 6, 7))) static void put_of_spool(
	void *list, bool is_critical, const char *problem, const char *subject,
	const char *when, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	put_arguments(list, is_critical ? CRITICAL : WARNING, problem, subject, when,
		      format, arguments);
	va_end(arguments);
}

static void put_state(struct list *list, const struct snapshot *snapshot)
{
	const char *state = problems_state(snapshot);
	/* These two pass by themselves; else a service manager says so. */
	bool passes = strcmp(state, "starting") == 0 || strcmp(state, "stopping") == 0;

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].state, state) == 0)
			put(list, passes ? WARNING : CRITICAL, "not-serving", state, "",
			    "the gateway %s", states[i].text);
}

static bool is_of_one_instance(const struct happening *failure)
{
	return strcmp(failure->reason, reason_name(REASON_DESTINATION_STATUS)) == 0 ||
	       strcmp(failure->reason, reason_name(REASON_DESTINATION_CONTEXT)) == 0;
}

static void put_destination(struct list *list, const struct tally_destination *known)
{
	if (known->has_failed_last)
		put(list, is_of_one_instance(&known->last_failure) ? WARNING : CRITICAL,
		    "destination-failing", known->name, known->fails_since,
		    "destination %s fails: %s: %s", known->name,
		    known->last_failure.reason, known->last_failure.detail);
}

static void put_destinations(struct list *list, const struct snapshot *snapshot,
			     const struct tally *tally)
{
	for (uint32_t i = 0; i < snapshot->head.destination_count; i++) {
		const struct tally_destination *known =
			tally_find(tally, snapshot->destinations[i].text);

		if (known)
			put_destination(list, known);
	}
}

const char *problems_owner(enum observer_owner owner)
{
	static const char *const owners[] = { "gateway", "modality", "destination" };

	return owners[owner];
}

static void put_end(struct list *list, const struct observer_end *end)
{
	/* The gateway's own have a name that says what they are. */
	static const char *const whose[] = { "", "the certificate of modality ",
					     "the certificate of destination " };
	double days = (double)(end->until - list->now) / DAY;
	double limit = end->is_crl ? OBSERVER_CRL_DAYS : OBSERVER_CERTIFICATE_DAYS;
	double bad = end->is_crl ? OBSERVER_CRL_BAD_DAYS : OBSERVER_CERTIFICATE_BAD_DAYS;
	enum level level = days < bad ? CRITICAL : WARNING;
	char ends[UTC_TEXT_SIZE], left[64];

	if (days >= limit)
		return;
	utc_date(end->until, ends);
	snprintf(left, sizeof(left), days < 0 ? "has ended" : "ends in %.0f days",
		 floor(days));
	put(list, level, end->is_crl ? "crl-ends" : "certificate-ends", end->name, "",
	    "%s%s %s (%s)", whose[end->owner], end->name, left, ends);
	json_object_set_new(
		json_array_get(list->of[level], json_array_size(list->of[level]) - 1),
		"owner", json_string(problems_owner(end->owner)));
}

/* Those that have no end, and that nothing else here shows. */
bool problems_have_alert(const char *reason)
{
	enum reason number = reason_of_name(reason);

	return number == REASON_AUDIT_BROKEN || number == REASON_INTERNAL;
}

static void put_alert(struct list *list, const struct tally *tally)
{
	const struct happening *alert = &tally->last_alert;

	if (llabs((long long)(list->now - utc_seconds(alert->time))) <= ALERT_STAYS &&
	    problems_have_alert(alert->reason))
		put(list, WARNING, "alert", alert->reason, alert->time, "alert: %s: %s",
		    alert->reason, alert->detail);
}

static void put_refusal(struct list *list, const char *subject, const char *what,
			const struct observer_verdict *verdict)
{
	char when[UTC_TEXT_SIZE], more[64] = "";

	if (!verdict->is_refused)
		return;
	utc_text_seconds((time_t)verdict->began, when);
	if (verdict->error_count > 1)
		snprintf(more, sizeof(more),
			 "the first of %u errors: ", verdict->error_count);
	put(list, WARNING, "reload-refused", subject, when,
	    "%s refused, and what was in force stays: %s%s", what, more, verdict->text);
}

static void put_sandbox(struct list *list, const struct observer_head *head)
{
	if (head->lacks_landlock[0])
		put(list, WARNING, "sandbox-weak", "landlock", "",
		    "a process that is taken over could reach more files: %s",
		    head->lacks_landlock);
}

static void put_log(struct list *list, const struct snapshot *snapshot,
		    const struct tally *tally)
{
	if (snapshot->head.log_lacks_room)
		put(list, WARNING, "audit-short-of-room", "", "",
		    "the audit log's disk is nearly full: refusals are only counted");
	put_alert(list, tally);
	put_refusal(list, "", "the last reload was", &snapshot->head.verdict);
	put_refusal(list, "files", "files that have changed are", &snapshot->head.files);
}

static void put_recent(struct list *list, const struct recent *recent)
{
	static const struct {
		const char *problem, *text;
	} kinds[] = {
		[RECENT_REFUSED] = { "refused", "is refused again and again" },
		[RECENT_REFUSED_INSTANCES] = { "instances-refused",
					       "has instances refused again and again" },
		[RECENT_FAILED] = { "instances-failed", "had an instance fail" },
		[RECENT_UNCONFIRMED] = { "instances-unconfirmed",
					 "has an instance without an answer of the PACS, "
					 "which may hold it" },
		[RECENT_UNDELIVERED] = { "undelivered",
					 "has an object in the spool that the gateway "
					 "tries to deliver no more" },
	};
	const struct happening *last = &recent->last;
	char title[48] = "";

	if (!recent_holds(recent, list->now))
		return;
	if (last->calling_ae[0] && last->modality[0])
		snprintf(title, sizeof(title), " (AE title %s)", last->calling_ae);
	put(list, WARNING, kinds[recent->kind].problem, recent->who, last->time,
	    "%s%s %s: %s%s%s", recent->who, title, kinds[recent->kind].text, last->reason,
	    last->detail[0] ? ": " : "", last->detail);
}

static struct list begin(void)
{
	return (struct list){ .of = { json_array(), json_array() }, .now = time(NULL) };
}

/* The worst first. */
static json_t *finish(struct list *list)
{
	json_array_extend(list->of[CRITICAL], list->of[WARNING]);
	json_decref(list->of[WARNING]);
	return list->of[CRITICAL];
}

json_t *problems_of_destination(const struct tally_destination *destination)
{
	struct list list = begin();
	json_t *all, *ret;

	put_destination(&list, destination);
	all = finish(&list);
	ret = json_incref(json_array_get(all, 0));
	json_decref(all);
	return ret;
}

json_t *problems_list(const struct snapshot *snapshot, const struct tally *tally)
{
	struct list list = begin();

	put_state(&list, snapshot);
	put_destinations(&list, snapshot, tally);
	for (uint32_t i = 0; i < snapshot->head.end_count; i++)
		put_end(&list, &snapshot->ends[i]);
	problems_of_spool(snapshot, list.now, put_of_spool, &list);
	put_log(&list, snapshot, tally);
	put_sandbox(&list, &snapshot->head);
	for (size_t i = 0; i < tally->recents.count; i++)
		put_recent(&list, &tally->recents.items[i]);
	return finish(&list);
}
