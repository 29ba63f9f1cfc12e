#include "report_line.h"

#include <string.h>

#include "cathgate/audit/members.h"
#include "cathgate/audit/summed.h"
#include "cli/kit/moment.h"

#define SECOND INT64_C(1000000)

struct report_line report_line_of(const json_t *line)
{
	const char *association = members_text(line, "association");
	const char *detail = members_text(line, "detail");
	return (struct report_line){
		.event = members_text(line, "event"),
		.outcome = members_text(line, "outcome"),
		.reason = members_text(line, "reason"),
		.association = association,
		.modality = members_text(line, "modality"),
		.sop_instance = members_text(line, "sop_instance"),
		.study = members_text(line, "study"),
		.patient = members_text(line, "patient"),
		.moment = moment_of_line(line),
		.bytes = members_number(line, "bytes"),
		.total_ms = members_number(line, "total_ms"),
		.is_sum = summed_is(association, detail),
		.stands_for = summed_count(association, detail),
	};
}

/* Two digits up to `most`; -1 where there are others. */
static int two_digits(const char *at, int most)
{
	if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
		return -1;
	int number = 10 * (at[0] - '0') + (at[1] - '0');
	return number <= most ? number : -1;
}

/* As moment_parse, but quicker: the date is read once for all lines of one day that have
 * the writer's form. */
static int64_t moment_of(struct report_line_reader *reader, const char *time)
{
	static const char form[] = "0000-00-00T00:00:00.000000Z";
	const size_t date_size = sizeof(reader->date) - 1;
	int64_t moment;
	if (strlen(time) == sizeof(form) - 1 &&
	    memcmp(time, reader->date, date_size) == 0 && time[10] == 'T' &&
	    time[13] == ':' && time[16] == ':' && time[19] == '.' && time[26] == 'Z' &&
	    strspn(time + 20, "0123456789") == 6) {
		int hour = two_digits(time + 11, 23), minute = two_digits(time + 14, 59);
		int second = two_digits(time + 17, 60), fraction = 0;
		for (const char *at = time + 20; *at != 'Z'; at++)
			fraction = 10 * fraction + (*at - '0');
		if (hour >= 0 && minute >= 0 && second >= 0)
			return reader->day_began +
			       ((hour * 60 + minute) * 60 + second) * SECOND + fraction;
	}
	if (moment_parse(time, true, MOMENT_START, &moment))
		return MOMENT_NONE;
	memcpy(reader->date, time, date_size);
	reader->date[date_size] = '\0';
	if (moment_parse(reader->date, true, MOMENT_START, &reader->day_began))
		reader->date[0] = '\0';
	return moment;
}

static struct report_line line_of_scan(struct report_line_reader *reader)
{
	const struct line_scan *scan = &reader->scan;
	return (struct report_line){
		.event = scan->texts[LINE_SCAN_EVENT],
		.outcome = scan->texts[LINE_SCAN_OUTCOME],
		.reason = scan->texts[LINE_SCAN_REASON],
		.association = scan->texts[LINE_SCAN_ASSOCIATION],
		.modality = scan->texts[LINE_SCAN_MODALITY],
		.sop_instance = scan->texts[LINE_SCAN_SOP_INSTANCE],
		.study = scan->texts[LINE_SCAN_STUDY],
		.patient = scan->texts[LINE_SCAN_PATIENT],
		.moment = moment_of(reader, scan->texts[LINE_SCAN_TIME]),
		.bytes = scan->numbers[LINE_SCAN_BYTES - LINE_SCAN_TEXTS],
		.total_ms = scan->numbers[LINE_SCAN_TOTAL_MS - LINE_SCAN_TEXTS],
		.stands_for = 1,
	};
}

/* A value that fits where the line says nothing. */
static const char *or_first(const char *text, const struct options_texts *values)
{
	return text[0] || values->count == 0 ? text : values->items[0];
}

/* The spooler doesn't always know whose object it is: the instance's own lines tell. */
static bool may_fit_filter(const struct line_filter *filter,
			   const struct log_reader_line *line)
{
	static const char delivery[] = "\"event\":\"delivery\"";
	return line_filter_may_fit(filter, line) ||
	       memmem(line->text, line->size, delivery, sizeof(delivery) - 1);
}

static bool fits_filter(const struct line_filter *filter, const struct report_line *line)
{
	const struct options_texts *members = filter->members;
	bool is_delivery = strcmp(line->event, "delivery") == 0;
	const char *const texts[LINE_FILTER_MEMBERS] = {
		[LINE_FILTER_EVENT] = line->event,
		[LINE_FILTER_MODALITY] =
			is_delivery
				? or_first(line->modality, &members[LINE_FILTER_MODALITY])
				: line->modality,
		[LINE_FILTER_OUTCOME] = line->outcome,
		[LINE_FILTER_PATIENT] =
			is_delivery
				? or_first(line->patient, &members[LINE_FILTER_PATIENT])
				: line->patient,
		[LINE_FILTER_STUDY] = line->study,
		[LINE_FILTER_INSTANCE] = "",
	};
	return line_filter_fits_texts(filter, texts);
}

enum report_line_result report_line_read(struct report_line_reader *reader,
					 const struct log_reader_line *line,
					 struct report_line *ret)
{
	struct report_line read;
	json_decref(reader->parsed);
	reader->parsed = NULL;
	if (!may_fit_filter(reader->filter, line))
		return REPORT_LINE_OTHER;
	/* A line that bears no association may be a sum, as its detail says. */
	if (line_scan(&reader->scan, line->text, line->size) &&
	    reader->scan.texts[LINE_SCAN_ASSOCIATION][0]) {
		read = line_of_scan(reader);
	} else {
		reader->parsed = members_read(line->text, line->size);
		if (!reader->parsed)
			return REPORT_LINE_UNREADABLE;
		read = report_line_of(reader->parsed);
	}
	if (!fits_filter(reader->filter, &read))
		return REPORT_LINE_OTHER;
	*ret = read;
	return REPORT_LINE_FITS;
}

void report_line_end(struct report_line_reader *reader)
{
	json_decref(reader->parsed);
	line_scan_free(&reader->scan);
	*reader = (struct report_line_reader){ .filter = NULL };
}
