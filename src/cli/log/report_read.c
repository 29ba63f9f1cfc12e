#include "report_read.h"

#include <string.h>

#include "cli/kit/complain.h"

#define TRIES_MAX 3

struct pass {
	struct log_source *source;
	struct report *report;
	struct report_line_reader reader;
	struct report_doubts doubts;
	/* How many lines the pass saw, and a sum over them that others don't have. */
	uint64_t lines, sum;
};

static void note_line(struct pass *pass, const struct log_reader_line *line)
{
	uint64_t last = 0; /* of the line's hash */
	size_t size = line->size < sizeof(last) ? line->size : sizeof(last);
	memcpy(&last, line->text + line->size - size, size);
	pass->lines++;
	pass->sum = report_repeats_mix(pass->sum, line->seq ^ last);
}

/* LOG_READER_LINE with the next line that fits; LOG_READER_END behind so many lines. */
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

static int note_repeats(struct pass *pass, struct report_repeats *repeats,
			bool *ret_needs_all)
{
	struct report_line line;
	enum log_reader_result result = LOG_READER_END;
	while (!*ret_needs_all &&
	       (result = next_line(pass, UINT64_MAX, &line)) == LOG_READER_LINE) {
		if (report_look(pass->report, repeats, &line, ret_needs_all))
			return complain_memory();
	}
	return *ret_needs_all || result == LOG_READER_END ? 0 : -1;
}

static int count_lines(struct pass *pass, uint64_t lines)
{
	struct report_line line;
	enum log_reader_result result;
	while ((result = next_line(pass, lines, &line)) == LOG_READER_LINE) {
		if (report_take(pass->report, &line))
			return complain_memory();
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
		return complain_memory();
	int result = note_repeats(&first, &repeats, &needs_all);
	if (result == 0 && !needs_all) {
		report->repeats = &repeats;
		result = log_source_rewind(source) ? -1
						   : count_lines(&second, first.lines);
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

/* In one pass, which remembers every instance. */
static int read_once(struct log_source *source, const struct line_filter *filter,
		     struct report *report, struct report_doubts *ret)
{
	struct pass pass = begin_pass(source, filter, report);
	int result = count_lines(&pass, UINT64_MAX);
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
			return complain_memory();
	}
	return result > COUNTED ? read_once(source, filter, report, ret) : result;
}
