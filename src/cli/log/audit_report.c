/* `cathgate audit report`: per study, what came and what became of it. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/kit/cli.h"
#include "line_filter.h"
#include "cli/kit/moment.h"
#include "report_count.h"
#include "report_print.h"
#include "report_read.h"

enum form { FORM_TABLE, FORM_CSV, FORM_JSON };

struct request {
	const char *config, *since, *until;
	enum form form;
	struct report_view view;
	struct line_filter filter;
};

static void print_usage(FILE *to)
{
	fputs("usage: cathgate audit report [--study UID] [--modality NAME] [--since T] "
	      "[--until T]\n"
	      "           [--csv | --json] [--utc] [--config FILE] [FILE…]\n"
	      "What came of each study's instances. T: 2026-01-31, or "
	      "2026-01-31T12:00[:00][Z|+01:00].\n"
	      "More: man cathgate-audit-report\n",
	      to);
}

static int read_option(struct request *request, int option)
{
	switch (option) {
	case 's':
		request->view.study = optarg;
		if (optarg[0])
			return 0;
		fprintf(stderr, "cathgate: --study: write a Study Instance UID\n");
		return -1;
	case 'm':
		return line_filter_add(&request->filter, LINE_FILTER_MODALITY, optarg);
	case 'f':
		request->since = optarg;
		return 0;
	case 't':
		request->until = optarg;
		return 0;
	case 'v':
	case 'j':
		if (request->form == FORM_TABLE) {
			request->form = option == 'v' ? FORM_CSV : FORM_JSON;
			return 0;
		}
		fprintf(stderr, "cathgate: write --csv or --json once\n");
		return -1;
	case 'u':
		request->view.utc = true;
		return 0;
	case 'c':
		request->config = optarg;
		return 0;
	default:
		print_usage(stderr);
		return -1;
	}
}

/* Returns -1 to go on, else the exit status. */
static int read_arguments(struct request *request, int argc, char **argv)
{
	static const struct option options[] = {
		{ "study", required_argument, NULL, 's' },
		{ "modality", required_argument, NULL, 'm' },
		{ "since", required_argument, NULL, 'f' },
		{ "until", required_argument, NULL, 't' },
		{ "csv", no_argument, NULL, 'v' },
		{ "json", no_argument, NULL, 'j' },
		{ "utc", no_argument, NULL, 'u' },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 'h') {
			print_usage(stdout);
			return CLI_GOOD;
		}
		if (read_option(request, option))
			return CLI_USAGE;
	}
	/* The lines that count; the rest isn't parsed. */
	if (line_filter_add(&request->filter, LINE_FILTER_EVENT, "instance") ||
	    line_filter_add(&request->filter, LINE_FILTER_EVENT, "delivery"))
		return CLI_USAGE;
	return -1;
}

static int read_moment(const char *text, bool utc, enum moment_edge edge, int64_t *ret)
{
	if (!text || moment_parse(text, utc, edge, ret) == 0)
		return 0;
	fprintf(stderr,
		"cathgate: %s: no time; write as in 2026-01-31, 2026-01-31T12:00, or "
		"2026-01-31T12:00:00Z\n",
		text);
	return -1;
}

static void tell_doubts(const struct report_doubts *doubts)
{
	if (doubts->gaps > 0)
		fprintf(stderr,
			"cathgate: warning: in %" PRIu64
			" places lines are missing or written anew; `cathgate audit "
			"verify` says where\n",
			doubts->gaps);
	if (doubts->unreadable > 0)
		fprintf(stderr,
			"cathgate: warning: %" PRIu64
			" lines can't be read, and don't count; `cathgate audit verify` "
			"says where\n",
			doubts->unreadable);
}

static int print(const struct request *request, const struct report *report)
{
	int result = 0;
	if (request->form == FORM_CSV)
		report_print_csv(stdout, report, &request->view);
	else if (request->form == FORM_JSON)
		result = report_print_json(stdout, report, &request->view);
	else
		report_print_table(stdout, report, &request->view);
	if (result == 0 && fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fprintf(stderr, "cathgate: the report can't be written\n");
	return -1;
}

/* With --study something was asked for: that it is there, and whole. */
static int judge(const struct request *request, const struct report *report)
{
	if (!request->view.study)
		return CLI_GOOD;
	const struct report_study *study = report_find(report, request->view.study);
	if (report->studies[0].missing > 0)
		fprintf(stderr,
			"cathgate: of %" PRIu64
			" more missing instances nobody knows the study: see the report "
			"without --study\n",
			report->studies[0].missing);
	if (!study)
		fprintf(stderr, "cathgate: the log has no instance of that study\n");
	if (study && report->uncertain > 0)
		fprintf(stderr,
			"cathgate: of them, %" PRIu64 " refusals that were only counted, "
			"within a day of this study and "
			"from its modality, may be of it: nobody knows of which "
			"instances they are\n",
			report->uncertain);
	return study && study->missing == 0 && report->uncertain == 0 ? CLI_GOOD
								      : CLI_WRONG;
}

static int make_report(const struct request *request, struct report *report, char **files,
		       size_t file_count)
{
	struct log_source source;
	struct report_doubts doubts;
	bool utc = request->view.utc;
	if (report_open(report)) {
		fprintf(stderr, "cathgate: out of memory\n");
		return CLI_USAGE;
	}
	if (read_moment(request->since, utc, MOMENT_START, &report->since) ||
	    read_moment(request->until, utc, MOMENT_END, &report->until))
		return CLI_USAGE;
	if (report->since >= report->until) {
		fprintf(stderr, "cathgate: --since must come before --until\n");
		return CLI_USAGE;
	}
	report->study = request->view.study;
	if (log_source_open(&source, files, file_count, request->config, report->since))
		return CLI_USAGE;
	int result = report_read(&source, &request->filter, report, &doubts);
	log_source_close(&source);
	if (result)
		return CLI_USAGE;
	tell_doubts(&doubts);
	report_finish(report);
	return print(request, report) ? CLI_USAGE : judge(request, report);
}

int audit_report_main(int argc, char **argv)
{
	static char name[] = "cathgate audit report";
	struct request request = { .form = FORM_TABLE };
	struct report report = { .study_count = 0 };
	argv[0] = name;
	int status = read_arguments(&request, argc, argv);
	if (status < 0)
		status = make_report(&request, &report, argv + optind,
				     (size_t)(argc - optind));
	report_close(&report);
	line_filter_free(&request.filter);
	return status;
}
