/* `cathgate audit tail`: the log's last lines as a person reads them. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/visible.h"
#include "cli/kit/cli.h"
#include "line_filter.h"
#include "cli/kit/log_source.h"
#include "cli/kit/shown.h"
#include "tail_row.h"

#define LINES_USUAL 10
#define LINES_MAX   1000000

struct tail {
	const char *config, *path;
	char *default_path;
	bool follows, as_json, wants_all;
	size_t lines;
	struct line_filter filter;
	struct tail_style style;
};

static void print_usage(FILE *to)
{
	fputs("usage: cathgate audit tail [-f] [-n N|all] [--event WORD] [--modality "
	      "NAME]\n"
	      "           [--outcome WORD] [--json] [--utc] [--config FILE] [FILE]\n"
	      "The last lines of the audit log, 10 unless -n says otherwise; -f goes on "
	      "as\n"
	      "they come. More: man cathgate-audit-tail\n",
	      to);
}

static int read_count(struct tail *tail, const char *text)
{
	char *end;
	unsigned long count = strtoul(text, &end, 10);
	tail->wants_all = strcmp(text, "all") == 0;
	if (!tail->wants_all &&
	    (text[0] < '0' || text[0] > '9' || *end || count > LINES_MAX)) {
		fprintf(stderr, "cathgate: -n %s: write a number up to %d, or \"all\"\n",
			text, LINES_MAX);
		return -1;
	}
	tail->lines = count;
	return 0;
}

static int read_option(struct tail *tail, int option)
{
	switch (option) {
	case 'f':
		tail->follows = true;
		return 0;
	case 'n':
		return read_count(tail, optarg);
	case 'e':
		return line_filter_add(&tail->filter, LINE_FILTER_EVENT, optarg);
	case 'm':
		return line_filter_add(&tail->filter, LINE_FILTER_MODALITY, optarg);
	case 'o':
		return line_filter_add(&tail->filter, LINE_FILTER_OUTCOME, optarg);
	case 'j':
		tail->as_json = true;
		return 0;
	case 'u':
		tail->style.utc = true;
		return 0;
	case 'c':
		tail->config = optarg;
		return 0;
	default:
		print_usage(stderr);
		return -1;
	}
}

/* Returns -1 to go on, else the exit status. */
static int read_arguments(struct tail *tail, int argc, char **argv)
{
	static const struct option options[] = {
		{ "follow", no_argument, NULL, 'f' },
		{ "lines", required_argument, NULL, 'n' },
		{ "event", required_argument, NULL, 'e' },
		{ "modality", required_argument, NULL, 'm' },
		{ "outcome", required_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "utc", no_argument, NULL, 'u' },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	for (int option;
	     (option = getopt_long(argc, argv, "fn:", options, NULL)) != -1;) {
		if (option == 'h') {
			print_usage(stdout);
			return CLI_GOOD;
		}
		if (read_option(tail, option))
			return CLI_USAGE;
	}
	if (optind + 1 < argc) {
		fprintf(stderr, "cathgate: name one FILE: the live log, whose rotated "
				"files are found beside it\n");
		return CLI_USAGE;
	}
	tail->path = argv[optind];
	if (!tail->path)
		tail->path = tail->default_path = log_source_default(tail->config);
	return tail->path ? -1 : CLI_USAGE;
}

#define ROTATIONS_MAX 10

/* Where the first line to be shown stands. */
struct start {
	const char *file; /* NULL: nowhere yet */
	uint64_t seq;
	off_t offset;
};

struct search {
	const struct tail *tail;
	const char *file;
	size_t wanted; /* lines that are still to be found */
	struct start first, behind;
};

static bool look_at(void *context, const struct log_reader_line *line, off_t offset)
{
	struct search *search = context;
	if (!search->behind.file)
		search->behind = (struct start){ search->file, line->seq + 1,
						 offset + (off_t)line->size + 1 };
	if (search->wanted > 0 && line_filter_fits(&search->tail->filter, line)) {
		search->first = (struct start){ search->file, line->seq, offset };
		search->wanted--;
	}
	return search->wanted > 0;
}

/* Files are looked through from the newest's end on, until enough lines are found. */
static int find_start(const struct tail *tail, char **files, size_t count,
		      struct start *ret)
{
	struct search search = { .tail = tail, .wanted = tail->lines };
	while (count-- > 0 && (search.wanted > 0 || !search.behind.file)) {
		search.file = files[count];
		/* One that isn't there was rotated or removed meanwhile. */
		if (log_reader_backwards(files[count], look_at, &search) &&
		    errno != ENOENT) {
			log_source_complain(files[count]);
			return -1;
		}
	}
	*ret = search.first.file ? search.first : search.behind;
	return 0;
}

/* 1 when the log was rotated meanwhile; -1 after saying why. */
static int try_to_open(const struct tail *tail, struct log_reader **ret)
{
	char **files;
	size_t count;
	struct start start = { .file = NULL };
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
	if (result == 0 && !tail->wants_all) {
		result = find_start(tail, files, count, &start);
		if (result == 0 && !log_reader_files_stay(tail->path, files, count))
			result = 1;
	}
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

/* -1 after saying why. */
static int open_log(const struct tail *tail, struct log_reader **ret)
{
	int result = 1;
	for (int i = 0; i < ROTATIONS_MAX && result > 0; i++)
		result = try_to_open(tail, ret);
	if (result > 0)
		fputs("cathgate: the log's files change faster than they can be opened\n",
		      stderr);
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

static void print_line(const struct tail *tail, const struct log_reader_line *line)
{
	if (!line_filter_fits(&tail->filter, line))
		return;
	if (tail->as_json)
		print_raw(line);
	else
		tail_row_print(stdout, line, &tail->style);
}

/* Until there may be more; false when nobody reads our output any more. */
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

static int print_lines(const struct tail *tail, struct log_reader *reader)
{
	struct log_reader_line line;
	if (!tail->as_json)
		tail_row_head(stdout);
	for (;;) {
		switch (log_reader_next(reader, &line)) {
		case LOG_READER_LINE:
			print_line(tail, &line);
			break;
		case LOG_READER_GAP:
			fflush(stdout);
			fputs("cathgate: what follows here is not the next line: lines "
			      "are missing, were taken back, or a new chain begins\n",
			      stderr);
			break;
		case LOG_READER_FAILED:
			log_source_complain(tail->path);
			return CLI_USAGE;
		case LOG_READER_END:
			if (fflush(stdout) || ferror(stdout)) {
				fprintf(stderr, "cathgate: can't write: %s\n",
					strerror(errno));
				return CLI_USAGE;
			}
			if (!tail->follows || !wait_for_more(reader))
				return CLI_GOOD;
			break;
		}
	}
}

int audit_tail_main(int argc, char **argv)
{
	static char name[] = "cathgate audit tail";
	struct tail tail = { .lines = LINES_USUAL };
	struct log_reader *reader = NULL;
	argv[0] = name;
	tail.style.colour = shown_in_colour(stdout);
	int status = read_arguments(&tail, argc, argv);
	if (status < 0)
		status =
			open_log(&tail, &reader) ? CLI_USAGE : print_lines(&tail, reader);
	log_reader_close(reader);
	line_filter_free(&tail.filter);
	free(tail.default_path);
	return status;
}
