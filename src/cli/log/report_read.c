#include "report_read.h"

#include <stdio.h>
#include <string.h>

#define TRIES_MAX  3
#define MULTIPLIER 0x9e3779b97f4a7c15

struct pass {
	struct log_source *source;
	struct report *report;
	struct report_line_reader reader;
	struct report_doubts doubts;
	/* Which lines it saw: how many, and a sum that others would not have. */
	uint64_t lines, sum;
};

static void note_line(struct pass *pass, const struct log_reader_line *line)
{
	uint64_t last = 0; /* of the line's hash */
	size_t size = line->size < sizeof(last) ? line->size : sizeof(last);
	memcpy(&last, line->text + line->size - size, size);
	pass->lines++;
	pass->sum = (pass->sum ^ line->seq ^ last) * MULTIPLIER;
	pass->sum ^= pass->sum >> 32;
}

/* The next line that fits, as LOG_READER_LINE; LOG_READER_END behind that many lines. */
static enum log_reader_result next_line(struct pass *pass, uint64_t lines,
					struct report_line *ret)
{
	struct log_reader_line line;
	while (pass->lines < lines) {
		enum log_reader_result result = log_source_next(pass->source, &line);
		if (result == LOG_READER_GAP)
			pass->doubts.gaps++;
		if (result == LOG_READER_END || result == LOG_READER_FAILED)
			return result;
		if (result != LOG_READER_LINE)
			continue;
		note_line(pass, &line);
		enum report_line_result read =
			report_line_read(&pass->reader, &line, ret);
		pass->doubts.unreadable += read == REPORT_LINE_UNREADABLE;
		if (read == REPORT_LINE_FITS)
			return LOG_READER_LINE;
	}
	return LOG_READER_END;
}

static struct pass begin_pass(struct log_source *source, const struct line_filter *filter,
			      struct report *report)
{
	return (struct pass){ .source = source,
			      .report = report,
			      .reader = { .filter = filter } };
}

static int out_of_memory(void)
{
	fprintf(stderr, "cathgate: out of memory\n");
	return -1;
}

static int look(struct pass *pass, struct report_repeats *repeats, bool *ret_needs_all)
{
	struct report_line line;
	enum log_reader_result result = LOG_READER_END;
	while (!*ret_needs_all &&
	       (result = next_line(pass, UINT64_MAX, &line)) == LOG_READER_LINE) {
		if (report_look(pass->report, repeats, &line, ret_needs_all))
			return out_of_memory();
	}
	return *ret_needs_all || result == LOG_READER_END ? 0 : -1;
}

static int count(struct pass *pass, uint64_t lines)
{
	struct report_line line;
	enum log_reader_result result;
	while ((result = next_line(pass, lines, &line)) == LOG_READER_LINE) {
		if (report_take(pass->report, &line))
			return out_of_memory();
	}
	return result == LOG_READER_END ? 0 : -1;
}

/* How two passes ended; a failure is -1. */
enum { COUNTED, LOG_CHANGED, NEEDS_ALL };

static int read_twice(struct log_source *source, const struct line_filter *filter,
		      struct report *report, struct report_doubts *ret)
{
	struct report_repeats repeats;
	struct pass first = begin_pass(source, filter, report);
	struct pass second = begin_pass(source, filter, report);
	bool needs_all = false;
	if (report_repeats_open(&repeats, report->study != NULL))
		return out_of_memory();
	int result = look(&first, &repeats, &needs_all);
	if (result == 0 && !needs_all) {
		report->repeats = &repeats;
		result = log_source_rewind(source) ? -1 : count(&second, first.lines);
		report->repeats = NULL;
	}
	if (result == 0)
		result = needs_all ? NEEDS_ALL
			 : first.lines != second.lines || first.sum != second.sum
				 ? LOG_CHANGED
				 : COUNTED;
	*ret = first.doubts;
	report_line_end(&first.reader);
	report_line_end(&second.reader);
	report_repeats_close(&repeats);
	return result;
}

/* Every instance is remembered. */
static int read_once(struct log_source *source, const struct line_filter *filter,
		     struct report *report, struct report_doubts *ret)
{
	struct pass pass = begin_pass(source, filter, report);
	int result = count(&pass, UINT64_MAX);
	*ret = pass.doubts;
	report_line_end(&pass.reader);
	return result;
}

int report_read(struct log_source *source, const struct line_filter *filter,
		struct report *report, struct report_doubts *ret)
{
	int result = LOG_CHANGED;
	for (int i = 0; i < TRIES_MAX && result == LOG_CHANGED; i++) {
		result = read_twice(source, filter, report, ret);
		if (result > COUNTED &&
		    (report_reopen(report) || log_source_rewind(source)))
			return out_of_memory();
	}
	return result > COUNTED ? read_once(source, filter, report, ret) : result;
}
