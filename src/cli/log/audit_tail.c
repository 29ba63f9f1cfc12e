/* `cathgate audit tail`: the log's last lines as a person reads them. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/visible.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/log_source.h"
#include "cli/kit/options.h"
#include "cli/kit/shown.h"
#include "line_filter.h"
#include "patient.h"
#include "tail_row.h"

#define LINES_USUAL    10
#define LINES_MAX      1000000
#define LINES_NOT_SAID (SIZE_MAX - 1)

struct tail {
	const char *config, *path, *patient_given;
	struct patient patient;
	struct period period;
	bool follows, as_json;
	size_t lines; /* SIZE_MAX: all; LINES_NOT_SAID */
	bool utc;
	struct line_filter filter;
	struct table table; /* of the rows, unless `as_json` */
};

static bool take_count(void *field, const char *value)
{
	char *end;
	unsigned long count = strtoul(value, &end, 10);
	bool wants_all = strcmp(value, "all") == 0;
	if (!wants_all &&
	    (value[0] < '0' || value[0] > '9' || *end || count > LINES_MAX)) {
		complain("-n %s: write a number up to %d, or \"all\"", value, LINES_MAX);
		return false;
	}
	*(size_t *)field = wants_all ? SIZE_MAX : count;
	return true;
}

static const struct options_row rows[] = {
	OPTIONS_ROW("follow", NULL, OPTIONS_FLAG, struct tail, follows, .letter = 'f'),
	OPTIONS_ROW("lines", "N|all", OPTIONS_OTHER, struct tail, lines, .letter = 'n',
		    .take = take_count),
	OPTIONS_ROW("event", "WORD", OPTIONS_TEXTS, struct tail,
		    filter.members[LINE_FILTER_EVENT], .judge = line_filter_judge_event),
	OPTIONS_ROW("modality", "NAME", OPTIONS_TEXTS, struct tail,
		    filter.members[LINE_FILTER_MODALITY],
		    .judge = line_filter_judge_modality),
	OPTIONS_ROW("outcome", "WORD", OPTIONS_TEXTS, struct tail,
		    filter.members[LINE_FILTER_OUTCOME],
		    .judge = line_filter_judge_outcome),
	OPTIONS_ROW("study", "UID", OPTIONS_TEXTS, struct tail,
		    filter.members[LINE_FILTER_STUDY]),
	OPTIONS_ROW("sop-instance", "UID", OPTIONS_TEXTS, struct tail,
		    filter.members[LINE_FILTER_INSTANCE]),
	OPTIONS_ROW("patient", "ID", OPTIONS_TEXT, struct tail, patient_given),
	PERIOD_ROWS(struct tail, period),
	OPTIONS_ROW("json", NULL, OPTIONS_FLAG, struct tail, as_json),
	OPTIONS_ROW("utc", NULL, OPTIONS_FLAG, struct tail, utc),
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct tail, config),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate audit tail",
	.behind = "[FILE]",
	.about = "The last lines of the audit log, 10 unless -n or --since says "
		 "otherwise; -f goes on as they come. " PERIOD_FORMS
		 "More: man cathgate-audit-tail\n",
	.rows = rows,
	.most = 1,
	.hint = "Name one FILE: the live log, whose rotated files are found beside it",
};

#define ROTATIONS_MAX 10

/* Where the first line to be shown stands. */
struct tail_start {
	const char *file; /* NULL: nowhere yet */
	uint64_t seq;
	off_t offset;
};

/* The file's first line. False: it has none, or is gone. */
static bool find_first_line(const char *file, struct tail_start *ret)
{
	struct log_reader *reader = log_reader_open_file(file);
	struct log_reader_line line;
	bool result = reader && log_reader_next(reader, &line) == LOG_READER_LINE;
	if (result)
		*ret = (struct tail_start){ file, line.seq, 0 };
	log_reader_close(reader);
	return result;
}

struct search {
	const struct tail *tail;
	const char *file;
	size_t wanted; /* lines that are still to be found */
	struct tail_start first, behind;
};

static bool note_start(void *context, const struct log_reader_line *line, off_t offset)
{
	struct search *search = context;
	if (!search->behind.file)
		search->behind = (struct tail_start){ search->file, line->seq + 1,
						      offset + (off_t)line->size + 1 };
	if (search->wanted > 0 && line_filter_fits(&search->tail->filter, line)) {
		search->first = (struct tail_start){ search->file, line->seq, offset };
		search->wanted--;
	}
	return search->wanted > 0;
}

/* Files are looked through from the newest's end on, until enough lines are found. */
static int find_start(const struct tail *tail, char **files, size_t count,
		      struct tail_start *ret)
{
	struct search search = { .tail = tail, .wanted = tail->lines };
	while (count-- > 0 && (search.wanted > 0 || !search.behind.file)) {
		search.file = files[count];
		/* A file that isn't there was rotated or removed meanwhile. */
		if (log_reader_backwards(files[count], note_start, &search) &&
		    errno != ENOENT) {
			log_source_complain(files[count]);
			return -1;
		}
	}
	*ret = search.first.file ? search.first : search.behind;
	return 0;
}

/* 1 when the log was rotated meanwhile; -1 after saying what is wrong. */
static int try_to_open(const struct tail *tail, struct log_reader **ret)
{
	char **files;
	size_t count;
	struct tail_start start = { .file = NULL };
	if (log_reader_files(tail->path, &files, &count)) {
		log_source_complain(tail->path);
		return -1;
	}
	int result = 0;
	if (count == 0 && !tail->follows) {
		errno = ENOENT;
		log_source_complain(tail->path);
		result = -1;
	}
	size_t skipped = log_source_skip(files, count, tail->period.since);
	if (result == 0 && tail->lines != SIZE_MAX)
		result = find_start(tail, files + skipped, count - skipped, &start);
	else if (result == 0 && skipped > 0 && !find_first_line(files[skipped], &start))
		result = 1;
	if (result == 0 && (start.file || tail->lines != SIZE_MAX) &&
	    !log_reader_files_stay(tail->path, files, count))
		result = 1;
	if (result == 0) {
		*ret = start.file ? log_reader_open_at(tail->path, start.seq, start.file,
						       start.offset)
				  : log_reader_open(tail->path, 0);
		if (!*ret)
			log_source_complain(tail->path);
		result = *ret ? 0 : -1;
	}
	log_reader_files_free(files, count);
	return result;
}

/* -1 after saying what is wrong. */
static int open_log(const struct tail *tail, struct log_reader **ret)
{
	int result = 1;
	for (int i = 0; i < ROTATIONS_MAX && result > 0; i++)
		result = try_to_open(tail, ret);
	if (result > 0)
		complain("the log's files change faster than they can be opened");
	return result == 0 ? 0 : -1;
}

/* A sound log holds no raw control character; no log may steer a terminal. */
static void print_raw(const struct log_reader_line *line)
{
	bool steers = false;
	size_t length;
	uint32_t number;
	for (size_t i = 0; i < line->size && !steers; i += length)
		steers = !visible_character(line->text + i, line->size - i, &length,
					    &number);
	if (steers && isatty(STDOUT_FILENO))
		shown_bytes_of(stdout, line->text, line->size);
	else
		fwrite(line->text, 1, line->size, stdout);
	putchar('\n');
}

/* -1 after saying that memory is short. */
static int print_tail_line(const struct tail *tail, const struct log_reader_line *line)
{
	if (!line_filter_fits(&tail->filter, line))
		return 0;
	if (!tail->as_json)
		return tail_row_print(&tail->table, line, tail->utc) ? complain_memory()
								     : 0;
	print_raw(line);
	return 0;
}

/* Waits until there may be more lines. False when the reader of our output is gone. */
static bool wait_for_more(const struct log_reader *reader)
{
	struct pollfd waits[] = {
		{ .fd = log_reader_descriptor(reader), .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};
	while (poll(waits, 2, -1) < 0) {
		if (errno != EINTR)
			return false;
	}
	return waits[1].revents == 0;
}

static int print_lines(struct tail *tail, struct log_reader *reader)
{
	struct log_reader_line line;
	if (!tail->as_json)
		tail_row_open(&tail->table, stdout);
	for (;;) {
		switch (log_reader_next(reader, &line)) {
		case LOG_READER_LINE:
			if (print_tail_line(tail, &line))
				return CLI_USAGE;
			break;
		case LOG_READER_GAP:
			complain("what follows here is not the next line: lines are "
				 "missing, were taken back, or a new chain begins");
			break;
		case LOG_READER_FAILED:
			log_source_complain(tail->path);
			return CLI_USAGE;
		case LOG_READER_END:
			if (fflush(stdout) || ferror(stdout)) {
				complain("can't write: %s", strerror(errno));
				return CLI_USAGE;
			}
			if (!tail->follows || !wait_for_more(reader))
				return CLI_GOOD;
			/* The window may have another size by now. */
			tail->table.terminal = shown_width(stdout);
			break;
		}
	}
}

/* What the options say together. -1 after saying what is wrong. */
static int settle_options(struct tail *tail)
{
	if (tail->follows && tail->period.until_text) {
		complain("write -f or --until, not both");
		return -1;
	}
	if (period_read(&tail->period, tail->utc) ||
	    (tail->patient_given &&
	     patient_find(tail->patient_given, tail->config, &tail->patient,
			  &tail->filter.members[LINE_FILTER_PATIENT])))
		return -1;
	if (tail->period.since_text || tail->period.until_text)
		tail->filter.period = &tail->period;
	if (tail->lines == LINES_NOT_SAID)
		tail->lines = tail->period.since_text ? SIZE_MAX : LINES_USUAL;
	return 0;
}

int audit_tail_main(int argc, char **argv)
{
	struct tail tail = { .lines = LINES_NOT_SAID };
	struct log_reader *reader = NULL;
	char *usual_path = NULL;
	int status = options_read(&options, argc, argv, &tail);
	if (status >= 0)
		return status;
	if (settle_options(&tail))
		return CLI_USAGE;
	tail.path = argv[optind];
	if (!tail.path)
		tail.path = usual_path = log_source_default(tail.config);
	status = !tail.path || open_log(&tail, &reader) ? CLI_USAGE
							: print_lines(&tail, reader);
	log_reader_close(reader);
	free(usual_path);
	return status;
}
