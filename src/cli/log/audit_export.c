/* `cathgate audit export`: lines for an auditor, with what proves them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/base/utc.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/daemon_user.h"
#include "cli/kit/gateway_config.h"
#include "cli/kit/keep.h"
#include "cli/kit/moment.h"
#include "cli/kit/options.h"
#include "cli/kit/progress.h"
#include "cli/kit/shown.h"
#include "export.h"
#include "patient.h"
#include "verify_open.h"
#include "verify_print.h"

#define KEY_MAX (64 * 1024)

struct request {
	const char *study, *patient_given, *output;
	bool utc;
	struct patient patient;
	struct period period;
	struct line_filter filter;
	struct verify_sources sources;
};

static const struct options_row rows[] = {
	OPTIONS_ROW("study", "UID", OPTIONS_TEXT, struct request, study),
	OPTIONS_ROW("patient", "ID", OPTIONS_TEXT, struct request, patient_given),
	PERIOD_ROWS(struct request, period),
	OPTIONS_ROW("key", "PUB", OPTIONS_TEXTS, struct request, sources.keys),
	OPTIONS_ROW("output", "FOLDER", OPTIONS_TEXT, struct request, output),
	OPTIONS_ROW("utc", NULL, OPTIONS_FLAG, struct request, utc),
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct request, sources.config),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate audit export",
	.behind = "[FILE…]",
	.about = "A folder for an auditor: the lines of a study, a patient or a time, "
		 "with "
		 "what proves them, and how to verify it without Cathgate. " PERIOD_FORMS
		 "More: man cathgate-audit-export\n",
	.rows = rows,
	.most = SIZE_MAX,
};

/* What the options say together. -1 after saying what is wrong. */
static int settle_options(struct request *request)
{
	if (!request->study && !request->patient_given && !request->period.since_text &&
	    !request->period.until_text) {
		complain("which lines? Name them by --study, --patient, --since or "
			 "--until");
		return -1;
	}
	if (period_read(&request->period, request->utc))
		return -1;
	if (request->patient_given &&
	    patient_find(request->patient_given, request->sources.config,
			 &request->patient,
			 &request->filter.members[LINE_FILTER_PATIENT]))
		return -1;
	if (request->study)
		request->filter.members[LINE_FILTER_STUDY] =
			(struct options_texts){ &request->study, 1 };
	if (request->period.since_text || request->period.until_text)
		request->filter.period = &request->period;
	return 0;
}

/* Without --key: the public half that lies beside the configuration's signing key. */
static int find_key(struct request *request)
{
	const char *config = request->sources.config;
	struct config_faults faults = { .count = 0 };
	char *path = NULL;
	if (request->sources.keys.count > 0)
		return 0;
	int result = config_audit_signing_key(config ? config : CATHGATE_CONFIG, &path,
					      &faults);
	if (result == 0) {
		const char **item = keep_bytes(sizeof(*item));
		*item = keep_format("%s.pub", path);
		request->sources.keys = (struct options_texts){ item, 1 };
		result = access(*item, R_OK);
		if (result)
			complain_file(*item);
	} else {
		gateway_config_complain(&faults);
	}
	if (result)
		complain("name the public key that verifies the log, --key PUB; without "
			 "one nothing can be proved");
	config_faults_clear(&faults);
	free(path);
	return result;
}

static int verify_log(const struct request *request, struct verify_set *set)
{
	if (verify_open(set, &request->sources))
		return CLI_USAGE;
	struct progress bar = progress_start(verify_set_bytes(set));
	int result = verify_set_run(set, progress_move, &bar);
	progress_end(&bar);
	if (result)
		return CLI_USAGE;
	if (!set->fault.kind)
		return CLI_GOOD;
	complain(
		"the log doesn't hold, so nothing of it is exported: %s: %s\n%s`cathgate "
		"audit verify` says more; files that hold can be exported by name",
		set->faulty, set->fault.why, verify_print_cure(set));
	return CLI_WRONG;
}

static int write_keys(const struct staging *staging, const struct options_texts *keys)
{
	const struct durable_owner owner = daemon_user_none(0600);
	int result = 0;
	for (size_t i = 0; i < keys->count && result == 0; i++) {
		char *text;
		size_t size;
		if (durable_read(keys->items[i], KEY_MAX, &text, &size))
			return complain_file(keys->items[i]);
		if (memmem(text, size, "PRIVATE", strlen("PRIVATE"))) {
			complain("%s holds a private key; name a file with the public "
				 "half alone",
				 keys->items[i]);
			free(text);
			return -1;
		}
		result = staging_write(staging, keep_format("key-%zu.pub", i + 1), text,
				       size, &owner);
		free(text);
	}
	return result;
}

static void put_asked(FILE *to, const char *name, const char *text)
{
	if (!text)
		return;
	fprintf(to, "%s=", name);
	shown_text(to, text);
	fputc('\n', to);
}

static void put_moment(FILE *to, const char *name, const char *given, int64_t moment)
{
	char text[MOMENT_SIZE];
	moment_write(moment, text);
	put_asked(to, name, given ? text : NULL);
}

/* What verify.sh counts on stands first. */
static int write_facts(const struct request *request, const struct export *export,
		       const struct verify_set *set)
{
	FILE *to = staging_create(export->staging, "bundle.txt");
	const struct patient *patient = &request->patient;
	if (!to)
		return -1;
	fprintf(to,
		"lines=%" PRIu64 "\nconsecutive=%s\nunproved=%" PRIu64
		"\ncheckpoints=%" PRIu64 "\n",
		export->proved_count, export->has_gaps ? "no" : "yes",
		export->unproved_count, export->checkpoint_count);
	put_moment(to, "made", "", (int64_t)time(NULL) * 1000000);
	put_asked(to, "study", request->study);
	/* Never the ID, which the auditor may not be allowed to know. */
	put_asked(to, "patient", patient->pseudonym[0] ? patient->pseudonym : NULL);
	put_moment(to, "since", request->period.since_text, request->period.since);
	put_moment(to, "until", request->period.until_text, request->period.until);
	for (size_t i = 0; i < set->key_count; i++)
		fprintf(to, "key=%s\n", verifying_key_name(set->keys[i]));
	return staging_finish(export->staging, "bundle.txt", to);
}

static int write_all(const struct request *request, const struct verify_set *set,
		     struct export *export)
{
	const struct durable_owner owner = daemon_user_none(0600);
	const struct staging *staging = export->staging;
	if (export_lines(export, set))
		return CLI_USAGE;
	if (export->proved_count + export->unproved_count == 0) {
		if (request->patient_given)
			patient_complain_none(&request->patient);
		complain(
			"the log has no line of what was asked for; nothing is exported");
		return CLI_WRONG;
	}
	return write_facts(request, export, set) ||
			       write_keys(staging, &request->sources.keys) ||
			       staging_write(staging, "README.txt", export_readme,
					     strlen(export_readme), &owner) ||
			       staging_write(staging, "verify.sh", export_verify,
					     strlen(export_verify), &owner)
		       ? CLI_USAGE
		       : CLI_GOOD;
}

static void print_done(const char *folder, const struct export *export)
{
	shown_text(stdout, folder);
	printf(": %" PRIu64 " lines, with what proves them.\n", export->proved_count);
	if (export->unproved_count > 0)
		printf("Nothing proves %" PRIu64
		       " more, in unproved.jsonl. In the live log, wait "
		       "for the next checkpoint\n(audit.checkpoint_seconds) and export "
		       "them "
		       "again; the last line of a rotated file is\nproved by the one "
		       "behind it: take a longer time.\n",
		       export->unproved_count);
	printf("Its README.txt tells how to verify it, beginning with: sh "
	       "verify.sh\nGive "
	       "the key's name to the auditor another way:\n");
}

static int export_log(const struct request *request, const struct verify_set *set)
{
	const struct durable_owner owner = daemon_user_none(0700);
	char now[UTC_TEXT_SIZE];
	struct staging staging;
	struct export export = { .filter = &request->filter, .staging = &staging };
	utc_text((int64_t)time(NULL) * 1000000, now);
	const char *folder = request->output
				     ? request->output
				     : keep_format("audit-export-%.10sT%.2s%.2s%.2sZ",
						   now, now + 11, now + 14, now + 17);
	if (staging_open(&staging, folder, &owner))
		return CLI_USAGE;
	int status = CLI_USAGE;
	if (staging.within)
		complain("%s is there already, and not empty; name another folder with "
			 "--output",
			 folder);
	else
		status = write_all(request, set, &export);
	if (status == CLI_GOOD && staging_commit(&staging, NULL))
		status = CLI_USAGE;
	staging_close(&staging);
	if (status != CLI_GOOD)
		return status;
	print_done(folder, &export);
	for (size_t i = 0; i < set->key_count; i++)
		printf("  %s\n", verifying_key_name(set->keys[i]));
	return CLI_GOOD;
}

int audit_export_main(int argc, char **argv)
{
	struct request request = { .study = NULL };
	struct verify_set set = { .count = 0 };
	int status = options_read(&options, argc, argv, &request);
	if (status >= 0)
		return status;
	request.sources.files = argv + optind;
	request.sources.file_count = (size_t)(argc - optind);
	if (settle_options(&request) || find_key(&request))
		return CLI_USAGE;
	status = verify_log(&request, &set);
	if (status == CLI_GOOD)
		status = export_log(&request, &set);
	verify_set_close(&set);
	return status;
}
