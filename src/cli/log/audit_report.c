/* `cathgate audit report`: per study, what came and what became of it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/options.h"
#include "cli/kit/period.h"
#include "line_filter.h"
#include "patient.h"
#include "report_count.h"
#include "report_print.h"
#include "report_read.h"

struct request {
	const char *config, *patient_given;
	struct patient patient;
	struct period period;
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
	OPTIONS_ROW("patient", "ID", OPTIONS_TEXT, struct request, patient_given),
	OPTIONS_ROW("modality", "NAME", OPTIONS_TEXTS, struct request,
		    filter.members[LINE_FILTER_MODALITY],
		    .judge = line_filter_judge_modality),
	PERIOD_ROWS(struct request, period),
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
	.about = "What came of each study's instances. " PERIOD_FORMS
		 "More: man cathgate-audit-report\n",
	.rows = rows,
	.most = SIZE_MAX,
};

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

/* With --study it is asked whether that study is there, and whole; with --patient,
 * whether the log has anything of that patient. */
static int judge_report(const struct request *request, const struct report *report)
{
	if (request->patient_given && report->total.received == 0) {
		patient_complain_none(&request->patient);
		return CLI_WRONG;
	}
	if (!request->view.study)
		return CLI_GOOD;
	const struct report_study *study = report_find(report, request->view.study);
	if (report->studies[0].missing > 0)
		complain("of %" PRIu64 " more missing instances nobody knows the study: "
			 "see the report without --study",
			 report->studies[0].missing);
	if (!study)
		complain("the log has no instance of that study");
	if (study && study->by_outcome[REPORT_SPOOLED] > 0)
		complain("%" PRIu64
			 " of its instances are in the spool: the PACS doesn't "
			 "have them yet",
			 study->by_outcome[REPORT_SPOOLED]);
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
	if (request->as_csv && request->as_json) {
		complain("write --csv or --json, not both");
		return CLI_USAGE;
	}
	if (request->patient_given && request->view.study) {
		complain("write --study or --patient, not both: a study is of one "
			 "patient");
		return CLI_USAGE;
	}
	if (request->patient_given &&
	    patient_find(request->patient_given, request->config, &request->patient,
			 &request->filter.members[LINE_FILTER_PATIENT]))
		return CLI_USAGE;
	if (report_open(report)) {
		complain_memory();
		return CLI_USAGE;
	}
	/* Only these lines count. The rest isn't parsed. */
	request->filter.members[LINE_FILTER_EVENT] = (struct options_texts){ events, 2 };
	if (period_read(&request->period, request->view.utc))
		return CLI_USAGE;
	report->since = request->period.since;
	report->until = request->period.until;
	report->study = request->view.study;
	if (log_source_open(&source, files, file_count, request->config, report->since))
		return CLI_USAGE;
	log_source_show_progress(&source, REPORT_PASSES);
	int result = report_read(&source, &request->filter, report, &doubts);
	log_source_close(&source);
	if (result)
		return CLI_USAGE;
	complain_doubts(&doubts);
	report_finish(report);
	return print_report(request, report) ? CLI_USAGE : judge_report(request, report);
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
