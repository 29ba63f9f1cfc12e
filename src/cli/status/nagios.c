#include "nagios.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cathgate/base/utc.h"
#include "cathgate/observer/observer.h"

#include "cli/kit/gateway_ask.h"

#include "status_print.h"

#define TEXT_MAX 1024 /* of a line that a monitor takes whole */

/* A bar begins the figures, and a line's end what is for people alone. */
static void put_text(FILE *to, const char *text)
{
	size_t size = strlen(text);

	for (size_t i = 0; i < size && i < TEXT_MAX; i++) {
		unsigned char byte = (unsigned char)text[i];

		fputc(byte < ' ' || byte == 0x7f ? ' ' : byte == '|' ? '/' : byte, to);
	}
	if (size > TEXT_MAX)
		fputs("...", to);
}

static int put_head(FILE *to, enum nagios_level level)
{
	static const char *const names[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

	fprintf(to, "CATHGATE %s - ", names[level]);
	return (int)level;
}

static enum nagios_level level_of(const json_t *problem)
{
	return strcmp(status_text(problem, "level"), "critical") == 0 ? NAGIOS_CRITICAL
								      : NAGIOS_WARNING;
}

static json_int_t number(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

static json_int_t count_failing(const json_t *destinations)
{
	const json_t *item;
	json_int_t count = 0;
	size_t i;

	json_array_foreach(destinations, i, item) count +=
		strcmp(status_text(item, "health"), "failing") == 0;
	return count;
}

/* The days left of the certificate, or CRL, that ends first; INFINITY for none. */
static double least_days(const json_t *ends, const char *of)
{
	const json_t *item;
	double least = INFINITY;
	size_t i;

	json_array_foreach(ends, i, item)
	{
		double days = json_number_value(json_object_get(item, "days"));

		if (strcmp(status_text(item, "of"), of) == 0 && days < least)
			least = days;
	}
	return least;
}

/* name=value[unit];warn;crit;min;max */
static void put_spool(const json_t *spool, FILE *to)
{
	const json_t *list = json_object_get(spool, "destinations"), *item;
	json_int_t queued = 0, bytes = 0, dead = 0;
	int64_t oldest = 0;
	size_t i;

	if (!json_is_object(spool))
		return;
	json_array_foreach(list, i, item)
	{
		int64_t came = utc_seconds(status_text(item, "oldest"));

		queued += number(item, "queued");
		bytes += number(item, "queued_bytes");
		dead += number(item, "dead");
		if (came > 0 && (oldest == 0 || came < oldest))
			oldest = came;
	}
	fprintf(to,
		" spool_queued=%lld;;;0; spool_bytes=%lldB;;;0; "
		"spool_oldest=%llds;%d;;0; "
		"spool_dead=%lld;;0;0;",
		(long long)queued, (long long)bytes,
		(long long)(oldest ? time(NULL) - oldest : 0), OBSERVER_SPOOL_SECONDS,
		(long long)dead);
}

static void put_figures(const json_t *status, FILE *to)
{
	static const char *const totals[] = { "forwarded", "failed",  "unconfirmed",
					      "refused",   "spooled", "delivered" };
	const json_t *ends = json_object_get(status, "ends");
	const json_t *audit = json_object_get(status, "audit");
	double days[] = { least_days(ends, "certificate"), least_days(ends, "crl") };

	fprintf(to, "|associations=%lld;;;0; handshakes=%lld;;;0; uptime=%llds;;;0;",
		(long long)number(status, "associations_open"),
		(long long)number(status, "handshakes_open"),
		(long long)number(status, "uptime_seconds"));
	for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++)
		fprintf(to, " %s=%lldc;;;0;", totals[i],
			(long long)number(json_object_get(status, "totals"), totals[i]));
	fprintf(to, " destinations_failing=%lld;;0;0;%zu",
		(long long)count_failing(json_object_get(status, "destinations")),
		json_array_size(json_object_get(status, "destinations")));
	put_spool(json_object_get(status, "spool"), to);
	if (isfinite(days[0]))
		fprintf(to, " certificate_days=%.2f;%d:;%d:;;", days[0],
			OBSERVER_CERTIFICATE_DAYS, OBSERVER_CERTIFICATE_BAD_DAYS);
	if (isfinite(days[1]))
		fprintf(to, " crl_days=%.2f;%d:;%d:;;", days[1], OBSERVER_CRL_DAYS,
			OBSERVER_CRL_BAD_DAYS);
	fprintf(to, " audit_writable=%d;;1:;0;1\n",
		json_is_true(json_object_get(audit, "writable")));
}

int nagios_print(const json_t *status, FILE *to)
{
	const json_t *problems = json_object_get(status, "problems"), *item;
	json_int_t open = number(status, "associations_open");
	enum nagios_level level = NAGIOS_OK;
	size_t i;

	json_array_foreach(problems, i, item) if (level_of(item) > level) level =
		level_of(item);
	if (!json_is_array(problems)) {
		put_head(to, NAGIOS_UNKNOWN);
		fputs("the gateway is of an earlier version: restart cathgated\n", to);
		return NAGIOS_UNKNOWN;
	}
	put_head(to, level);
	json_array_foreach(problems, i, item)
	{
		fputs(i > 0 ? "; " : "", to);
		put_text(to, status_text(item, "text"));
	}
	if (level == NAGIOS_OK)
		fprintf(to, "serving, %lld association%s open", (long long)open,
			status_plural(open));
	put_figures(status, to);
	return (int)level;
}

int nagios_print_silence(const char *path, int error, FILE *to)
{
	bool is_told = error == ENOENT || error == ECONNREFUSED || error == EAGAIN ||
		       error == ECONNRESET || error == EPIPE || error == ENOTDIR;
	int level = put_head(to, is_told ? NAGIOS_CRITICAL : NAGIOS_UNKNOWN);

	put_text(to, path);
	fprintf(to, ": %s: %s\n", strerror(error), gateway_cure(error, NULL));
	return level;
}
