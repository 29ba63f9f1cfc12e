#include "status_print.h"

#include <stdlib.h>
#include <string.h>

#include "cli/kit/shown.h"

#define DAYS_WORTH_A_LINE 30

static const char *text_of(const json_t *object, const char *member)
{
	const char *value = json_string_value(json_object_get(object, member));

	return value ? value : "-";
}

static void print_state(const json_t *status, FILE *to)
{
	static const struct {
		const char *state, *sentence;
	} states[] = {
		{ "serving", "is serving" },
		{ "starting", "is starting, and lets nobody in yet" },
		{ "stopping", "is stopping" },
		{ "without-auditor", "lets nobody in: its auditor is being started" },
		{ "log-stuck", "acknowledges nothing: the audit log can't be written" },
		{ "silent", "does not answer its own observer: is it hung?" },
	};
	const char *state = text_of(status, "state"), *sentence = state;
	json_int_t up = json_integer_value(json_object_get(status, "uptime_seconds"));

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].state, state) == 0)
			sentence = states[i].sentence;
	fprintf(to, "%s, cathgated %s, %s; up %lld d %lld h %lld min\n",
		text_of(status, "node"), text_of(status, "version"), sentence,
		(long long)up / 86400, (long long)up / 3600 % 24,
		(long long)up / 60 % 60);
}

static void print_associations(const json_t *status, FILE *to)
{
	const json_t *list = json_object_get(status, "associations"), *item;
	size_t i;

	fprintf(to, "\n%zu associations, %lld connections not authenticated yet\n",
		json_array_size(list),
		(long long)json_integer_value(
			json_object_get(status, "handshakes_open")));
	if (json_array_size(list) > 0)
		fprintf(to, "  %-16s %-16s %-20s %9s %8s  %s\n", "MODALITY", "AE TITLE",
			"SINCE", "INSTANCES", "MB/S", "FROM");
	json_array_foreach(list, i, item)
	{
		fputs("  ", to);
		shown_column(to, text_of(item, "modality"), 17);
		shown_column(to, text_of(item, "ae_title"), 17);
		fprintf(to, "%-20s %9lld %8.1f  ", text_of(item, "since"),
			(long long)json_integer_value(json_object_get(item, "instances")),
			json_real_value(json_object_get(item, "megabytes_per_second")));
		shown_text(to, text_of(item, "peer"));
		fputc('\n', to);
	}
}

static void print_event(const char *what, const json_t *event, FILE *to)
{
	if (!json_is_object(event))
		return;
	fprintf(to, "  %s %s: ", what, text_of(event, "time"));
	shown_text(to, json_is_string(json_object_get(event, "reason"))
			       ? text_of(event, "reason")
			       : text_of(event, "outcome"));
	fputs(": ", to);
	shown_text(to, text_of(event, "detail"));
	fputc('\n', to);
}

/* Each change on a line of its own. */
static void print_reload(const json_t *reload, FILE *to)
{
	const char *changes = text_of(reload, "detail");

	if (strcmp(text_of(reload, "outcome"), "done") != 0) {
		print_event("last reload", reload, to);
		return;
	}
	fprintf(to, "  last reload %s: done:\n", text_of(reload, "time"));
	while (*changes) {
		const char *end = strstr(changes, "; ");
		char *change =
			end ? strndup(changes, (size_t)(end - changes)) : strdup(changes);

		fputs("    ", to);
		shown_text(to, change ? change : "?");
		fputc('\n', to);
		free(change);
		changes = end ? end + 2 : "";
	}
}

static void print_destinations(const json_t *status, FILE *to)
{
	const json_t *list = json_object_get(status, "destinations"), *item;
	size_t i;

	fputs("\nDestinations\n", to);
	json_array_foreach(list, i, item)
	{
		fprintf(to, "  %s: %s; took its last instance %s\n",
			text_of(item, "name"), text_of(item, "health"),
			text_of(item, "last_success"));
		print_event("  last failure", json_object_get(item, "last_failure"), to);
	}
}

static void print_ends(const json_t *status, FILE *to)
{
	const json_t *list = json_object_get(status, "ends"), *item, *first = NULL;
	double least = 0;
	size_t i;

	fputs("\nCertificates and CRLs\n", to);
	json_array_foreach(list, i, item)
	{
		double days = json_real_value(json_object_get(item, "days"));

		if (!first || days < least) {
			first = item;
			least = days;
		}
		if (days > DAYS_WORTH_A_LINE)
			continue;
		fprintf(to, "  %s of the %s ", text_of(item, "of"),
			text_of(item, "owner"));
		shown_text(to, text_of(item, "name"));
		fprintf(to, days < 0 ? ": ended %s\n" : ": ends %s\n",
			text_of(item, "ends"));
	}
	if (first && least > DAYS_WORTH_A_LINE)
		fprintf(to, "  none ends within %d days; the first in %.0f\n",
			DAYS_WORTH_A_LINE, least);
}

static void print_audit(const json_t *status, FILE *to)
{
	const json_t *audit = json_object_get(status, "audit");

	fprintf(to, "\nAudit log %s, %s%s\n", text_of(audit, "file"),
		json_is_true(json_object_get(audit, "writable")) ? "written well"
								 : "NOT WRITTEN",
		json_is_true(json_object_get(audit, "short_of_room"))
			? ", SHORT OF ROOM: refusals are only counted"
			: "");
	fprintf(to, "  last line %lld, %s; last checkpoint %s\n",
		(long long)json_integer_value(json_object_get(audit, "sequence")),
		text_of(audit, "last_line"), text_of(audit, "last_checkpoint"));
	print_event("last alert", json_object_get(audit, "last_alert"), to);
	print_event("last refusal", json_object_get(audit, "last_refusal"), to);
	print_reload(json_object_get(status, "last_reload"), to);
}

void status_print(const json_t *status, FILE *to)
{
	print_state(status, to);
	print_associations(status, to);
	print_destinations(status, to);
	print_ends(status, to);
	print_audit(status, to);
}
