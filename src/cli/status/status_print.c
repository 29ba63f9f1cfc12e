#include "status_print.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cathgate/base/utc.h"
#include "cathgate/observer/observer.h"

#include "cli/kit/shown.h"
#include "cli/kit/spool_shown.h"
#include "cli/kit/when.h"

#define WIDTH		  80
#define DAYS_WORTH_A_LINE 30
#define ENDS_SHOWN	  5
#define STAYS_SECONDS	  86400 /* what is over is shown for so long */

#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"

/* --watch prints again and again: texts are freed with their view. */
struct said {
	struct said *next;
	char *text;
};

struct view {
	FILE *to;
	bool in_colour;
	int64_t now;
	struct said *said;
};

/* A text that lasts as long as the view. */
__attribute__((format(printf, 2, 3))) static const char *say(struct view *view,
							     const char *format, ...)
{
	struct said *said = calloc(1, sizeof(*said));
	va_list arguments;

	if (!said)
		return "?";
	va_start(arguments, format);
	if (vasprintf(&said->text, format, arguments) < 0)
		said->text = NULL;
	va_end(arguments);
	said->next = view->said;
	view->said = said;
	return said->text ? said->text : "?";
}

static void forget_said(struct view *view)
{
	while (view->said) {
		struct said *next = view->said->next;

		free(view->said->text);
		free(view->said);
		view->said = next;
	}
}

const char *status_text(const json_t *object, const char *member)
{
	const char *value = json_string_value(json_object_get(object, member));

	return value ? value : "-";
}

const char *status_plural(json_int_t count)
{
	return count == 1 ? "" : "s";
}

static const char *when(struct view *view, const json_t *object, const char *member)
{
	char text[WHEN_SIZE];

	when_text(status_text(object, member), view->now, text);
	return say(view, "%s", text);
}

static const char *coloured(struct view *view, const char *colour, const char *text)
{
	if (!view->in_colour || !colour[0])
		return text;
	return say(view, "%s%s%s", colour, text, SHOWN_PLAIN);
}

static void print_state(struct view *view, const json_t *status)
{
	const char *state = status_text(status, "state");
	bool serves = strcmp(state, "serving") == 0;
	char up[WHEN_SIZE];

	when_lasting(json_integer_value(json_object_get(status, "uptime_seconds")), up);
	shown_text(view->to, status_text(status, "node"));
	fputs(", cathgated ", view->to);
	shown_text(view->to, status_text(status, "version"));
	fprintf(view->to, ", is %s; up %s\n",
		serves ? coloured(view, GREEN, "serving")
		       : coloured(view, RED, "not serving"),
		up);
}

static void print_problems(struct view *view, const json_t *status)
{
	const json_t *list = json_object_get(status, "problems"), *item;
	size_t i;

	if (json_array_size(list) > 0)
		fputs("\nTo be seen to\n", view->to);
	json_array_foreach(list, i, item)
	{
		bool bad = strcmp(status_text(item, "level"), "critical") == 0;
		const char *since = when(view, item, "time");

		shown_wrapped(view->to,
			      say(view, "  %s  ",
				  bad ? coloured(view, RED, "CRITICAL")
				      : coloured(view, YELLOW, "warning ")),
			      say(view, "%s%s%s", status_text(item, "text"),
				  since[0] ? "; " : "", since),
			      WIDTH);
	}
}

/* A cell that is too wide for its column has a line of its own. */
static void put_cell(struct view *view, const char *text, size_t width, size_t column)
{
	size_t shown = shown_text(view->to, text);

	if (shown >= width)
		fprintf(view->to, "\n%*s", (int)(column + width), "");
	else
		fprintf(view->to, "%*s", (int)(width - shown), "");
}

static void print_association(struct view *view, const json_t *item)
{
	char since[WHEN_SIZE];

	when_short(status_text(item, "since"), view->now, since);
	fputs("  ", view->to);
	put_cell(view, status_text(item, "modality"), 16, 2);
	put_cell(view, status_text(item, "ae_title"), 17, 18);
	put_cell(view, status_text(item, "peer"), 23, 35);
	fprintf(view->to, "%-7s%6lld %7.1f\n", since,
		(long long)json_integer_value(json_object_get(item, "instances")),
		json_real_value(json_object_get(item, "megabytes_per_second")));
}

static void print_associations(struct view *view, const json_t *status)
{
	const json_t *list = json_object_get(status, "associations"), *item;
	json_int_t open = (json_int_t)json_array_size(list);
	json_int_t waiting =
		json_integer_value(json_object_get(status, "handshakes_open"));
	size_t i;

	fprintf(view->to, "\n%lld association%s open", (long long)open,
		status_plural(open));
	if (waiting > 0)
		fprintf(view->to, ", %lld connection%s not authenticated yet",
			(long long)waiting, status_plural(waiting));
	fputc('\n', view->to);
	if (open > 0)
		fprintf(view->to, "  %-16s%-17s%-23s%-7s%6s %7s\n", "MODALITY",
			"AE TITLE", "FROM", "SINCE", "STORED", "MB/S");
	json_array_foreach(list, i, item) print_association(view, item);
}

/* Who, from where, and why; as far as it is known. */
static const char *event_text(struct view *view, const json_t *event, bool detailed)
{
	static const char *const parts[][2] = { { "modality", "" },
						{ "ae_title", "AE title " },
						{ "peer", "from " } };
	const char *text = say(view, "%s: ", when(view, event, "time"));
	const char *reason = status_text(event, "reason");
	const char *detail = status_text(event, "detail");

	detailed &= strcmp(detail, "-") != 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (json_is_string(json_object_get(event, parts[i][0])))
			text = say(view, "%s%s%s%s", text, parts[i][1],
				   status_text(event, parts[i][0]), i == 2 ? ": " : ", ");
	return say(view, "%s%s%s%s", text, reason, detailed ? ": " : "",
		   detailed ? detail : "");
}

static bool is_in_problems(const json_t *status, const json_t *event)
{
	const json_t *list = json_object_get(status, "problems"), *item;
	const char *detail = status_text(event, "detail");
	size_t i;

	json_array_foreach(
		list, i, item) if (strstr(status_text(item, "text"), detail)) return true;
	return false;
}

static bool is_fresh(struct view *view, const json_t *event)
{
	int64_t at = utc_seconds(status_text(event, "time"));

	return json_is_object(event) && llabs(view->now - at) < STAYS_SECONDS;
}

/* A word that can be printed as it is, whoever answers. */
static const char *health_of(const json_t *destination)
{
	static const char *const words[] = { "good", "failing" };
	const char *told = status_text(destination, "health");

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(told, words[i]) == 0)
			return words[i];
	return "unknown";
}

/* While one fails, the problems say why. */
static void print_destinations(struct view *view, const json_t *status)
{
	const json_t *list = json_object_get(status, "destinations"), *item;
	size_t i;

	fputs("\nDestinations\n", view->to);
	json_array_foreach(list, i, item)
	{
		const char *health = health_of(item);
		const json_t *failure = json_object_get(item, "last_failure");
		const char *last = when(view, item, "last_success");
		bool fails = strcmp(health, "failing") == 0;

		fputs("  ", view->to);
		shown_text(view->to, status_text(item, "name"));
		fputs(": ", view->to);
		fprintf(view->to, "%s; %s%s\n",
			coloured(view,
				 fails		    ? RED
				 : health[0] == 'g' ? GREEN
						    : "",
				 health),
			last[0] ? "took its last instance " : "no instance taken yet",
			last);
		if (!fails && is_fresh(view, failure))
			shown_wrapped(view->to, "    before that it failed ",
				      event_text(view, failure, true), WIDTH);
	}
}

/* "modality angio: its certificate"; of the gateway's own the file's name, without its
 * folder, stands before what it is. */
static const char *end_whose(struct view *view, const json_t *end)
{
	const char *owner = status_text(end, "owner"), *name = status_text(end, "name");
	size_t file = strcspn(name, ":");

	if (strcmp(owner, "gateway") != 0)
		return say(view, "%s %s: its certificate", owner, name);
	while (file > 0 && name[file - 1] != '/')
		file--;
	return name + file;
}

static void print_end(struct view *view, const char *head, const json_t *end, double days)
{
	const char *left = days < 0   ? "ENDED"
			   : days < 1 ? "in less than a day"
				      : say(view, "in %.0f day%s", floor(days),
					    status_plural((json_int_t)days));
	bool is_crl = strcmp(status_text(end, "of"), "crl") == 0;
	int bad_days = is_crl ? OBSERVER_CRL_BAD_DAYS : OBSERVER_CERTIFICATE_BAD_DAYS;
	int soon_days = is_crl ? OBSERVER_CRL_DAYS : OBSERVER_CERTIFICATE_DAYS;
	const char *colour = days < bad_days ? RED : days < soon_days ? YELLOW : "";
	char date[UTC_TEXT_SIZE];

	utc_date(utc_seconds(status_text(end, "ends")), date);
	shown_wrapped(view->to, say(view, "  %s%s  ", head, coloured(view, colour, left)),
		      say(view, "%s (%s)", end_whose(view, end), date), WIDTH);
}

static void print_ends(struct view *view, const json_t *status)
{
	const json_t *list = json_object_get(status, "ends"), *item, *first = NULL;
	double least = INFINITY;
	size_t i, soon = 0;

	fputs("\nCertificates and CRLs that end\n", view->to);
	json_array_foreach(list, i, item)
	{
		double days = json_number_value(json_object_get(item, "days"));

		if (days <= DAYS_WORTH_A_LINE) {
			if (++soon <= ENDS_SHOWN)
				print_end(view, "", item, days);
		} else if (days < least) {
			first = item;
			least = days;
		}
	}
	if (soon > ENDS_SHOWN)
		fprintf(view->to, "  and %zu more within %d days (--json has them)\n",
			soon - ENDS_SHOWN, DAYS_WORTH_A_LINE);
	if (first)
		print_end(view, "the next ", first, least);
}

/* What an operator's eye needs of it: the audit log and --json have each change. */
static void print_reload(struct view *view, const json_t *reload)
{
	const char *changes = status_text(reload, "detail"), *end = strstr(changes, "; ");
	size_t more = 0;

	/* One that was refused is a problem. */
	if (!json_is_object(reload) ||
	    strcmp(status_text(reload, "outcome"), "done") != 0)
		return;
	for (const char *at = end; at; at = strstr(at + 2, "; "))
		more++;
	shown_wrapped(view->to, "  last reload ",
		      say(view, "%s: %.*s%s", when(view, reload, "time"),
			  end ? (int)(end - changes) : (int)strlen(changes), changes,
			  more == 0 ? ""
				    : say(view, ", and %zu more change%s", more,
					  status_plural((json_int_t)more))),
		      WIDTH);
}

/* Whether the problems tell of it, or an end's line does. */
static bool is_told_elsewhere(const json_t *alert)
{
	static const char *const reasons[] = { "tls-expired", "tls-crl-stale",
					       "audit-broken", "internal" };

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(status_text(alert, "reason"), reasons[i]) == 0)
			return true;
	return false;
}

static void print_audit(struct view *view, const json_t *status)
{
	const json_t *audit = json_object_get(status, "audit");
	const json_t *alert = json_object_get(audit, "last_alert");
	const json_t *refusal = json_object_get(audit, "last_refusal");
	bool writable = json_is_true(json_object_get(audit, "writable"));
	bool holds = !writable || json_is_true(json_object_get(audit, "short_of_room"));
	const char *checkpoint = when(view, audit, "last_checkpoint");

	fputc('\n', view->to);
	shown_wrapped(
		view->to,
		say(view, "Audit log %s: ",
		    writable ? coloured(view, GREEN, "written well")
			     : coloured(view, RED, "NOT WRITTEN")),
		say(view, "last line %lld, %s; last checkpoint %s",
		    (long long)json_integer_value(json_object_get(audit, "sequence")),
		    when(view, audit, "last_line"), checkpoint[0] ? checkpoint : "never"),
		WIDTH);
	shown_wrapped(view->to, "  ", status_text(audit, "file"), WIDTH);
	if (is_fresh(view, alert) && !is_told_elsewhere(alert))
		shown_wrapped(view->to, holds ? "  last alert " : "  last alert (over) ",
			      event_text(view, alert, true), WIDTH);
	if (json_is_object(refusal))
		shown_wrapped(view->to, "  last refusal ",
			      event_text(view, refusal, !is_in_problems(status, refusal)),
			      WIDTH);
	print_reload(view, json_object_get(status, "last_reload"));
}

void status_print(const json_t *status, bool in_colour, FILE *to)
{
	struct view view = { .to = to, .in_colour = in_colour, .now = time(NULL) };

	print_state(&view, status);
	print_problems(&view, status);
	print_associations(&view, status);
	print_destinations(&view, status);
	spool_shown(status, view.now, in_colour, to);
	print_ends(&view, status);
	print_audit(&view, status);
	forget_said(&view);
}
