/* `cathgate audit report`: per study, what came and what became of it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/moment.h"
#include "cli/kit/options.h"
#include "line_filter.h"
#include "report_count.h"
#include "report_print.h"
#include "report_read.h"

struct request {
	const char *config, *since, *until;
	bool as_csv, as_json;
	struct report_view view;
	struct line_filter filter;
};

static const char *judge_study_uid(const char *value)
{
	return value[0] ? NULL : "is none; write a Study Instance UID";
}

static const struct options_row rows[] = {
	OPTIONS_ROW("study", "UID", OPTIONS_TEXT, struct request, view.study,
		    .judge = judge_study_uid),
	OPTIONS_ROW("modality", "NAME", OPTIONS_TEXTS, struct request,
		    filter.members[LINE_FILTER_MODALITY],
		    .judge = line_filter_judge_modality),
	OPTIONS_ROW("since", "T", OPTIONS_TEXT, struct request, since),
	OPTIONS_ROW("until", "T", OPTIONS_TEXT, struct request, until),
	OPTIONS_ROW("csv", NULL, OPTIONS_FLAG, struct request, as_csv,
		    .is_alternative = true),
	OPTIONS_ROW("json", NULL, OPTIONS_FLAG, struct request, as_json),
	OPTIONS_ROW("utc", NULL, OPTIONS_FLAG, struct request, view.utc),
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct request, config),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate audit report",
	.behind = "[FILE…]",
	.about = "What came of each study's instances. T: 2026-01-31, or "
		 "2026-01-31T12:00[:00][Z|+01:00].\nMore: man cathgate-audit-report\n",
	.rows = rows,
	.most = SIZE_MAX,
};

static int read_moment(const char *text, bool utc, enum moment_edge edge, int64_t *ret)
{
	if (!text || moment_parse(text, utc, edge, ret) == 0)
		return 0;
	complain("%s: no time; write as in 2026-01-31, 2026-01-31T12:00, or "
		 "2026-01-31T12:00:00Z",
		 text);
	return -1;
}

static void complain_doubts(const struct report_doubts *doubts)
{
	if (doubts->gaps > 0)
		complain("warning: in %" PRIu64 " places lines are missing or written "
			 "anew; `cathgate audit verify` says where",
			 doubts->gaps);
	if (doubts->unreadable > 0)
		complain("warning: %" PRIu64 " lines can't be read, and don't count; "
			 "`cathgate audit verify` says where",
			 doubts->unreadable);
}

static int print_report(const struct request *request, const struct report *report)
{
	int result = 0;
	if (request->as_csv)
		report_print_csv(stdout, report, &request->view);
	else if (request->as_json)
		result = report_print_json(stdout, report, &request->view);
	else
		result = report_print_table(stdout, report, &request->view);
	if (result == 0 && fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	complain("the report can't be written");
	return -1;
}

/* With --study it is asked whether that study is there, and whole. */
static int judge_study(const struct request *request, const struct report *report)
{
	if (!request->view.study)
		return CLI_GOOD;
	const struct report_study *study = report_find(report, request->view.study);
	if (report->studies[0].missing > 0)
		complain("of %" PRIu64 " more missing instances nobody knows the study: "
			 "see the report without --study",
			 report->studies[0].missing);
	if (!study)
		complain("the log has no instance of that study");
	if (study && report->uncertain > 0)
		complain("of them, %" PRIu64 " refusals that were only counted, within a "
			 "day of this study and from its modality, may be of it: nobody "
			 "knows of which instances they are",
			 report->uncertain);
	return study && study->missing == 0 && report->uncertain == 0 ? CLI_GOOD
								      : CLI_WRONG;
}

static int make_report(struct request *request, struct report *report, char **files,
		       size_t file_count)
{
	static const char *events[] = { "instance", "delivery" };
	struct log_source source;
	struct report_doubts doubts;
	bool utc = request->view.utc;
	if (request->as_csv && request->as_json) {
		complain("write --csv or --json, not both");
		return CLI_USAGE;
	}
	if (report_open(report)) {
		complain_memory();
		return CLI_USAGE;
	}
	/* Only these lines count. The rest isn't parsed. */
	request->filter.members[LINE_FILTER_EVENT] = (struct options_texts){ events, 2 };
	if (read_moment(request->since, utc, MOMENT_START, &report->since) ||
	    read_moment(request->until, utc, MOMENT_END, &report->until))
		return CLI_USAGE;
	if (report->since >= report->until) {
		complain("--since must come before --until");
		return CLI_USAGE;
	}
	report->study = request->view.study;
	if (log_source_open(&source, files, file_count, request->config, report->since))
		return CLI_USAGE;
	int result = report_read(&source, &request->filter, report, &doubts);
	log_source_close(&source);
	if (result)
		return CLI_USAGE;
	complain_doubts(&doubts);
	report_finish(report);
	return print_report(request, report) ? CLI_USAGE : judge_study(request, report);
}

int audit_report_main(int argc, char **argv)
{
	struct request request = { .config = NULL };
	struct report report = { .study_count = 0 };
	int status = options_read(&options, argc, argv, &request);
	if (status < 0)
		status = make_report(&request, &report, argv + optind,
				     (size_t)(argc - optind));
	report_close(&report);
	return status;
}
