/* `cathgate audit verify`: whether the audit log is as it was written. */
#include <unistd.h>

#include "cli/kit/cli.h"
#include "cli/kit/options.h"
#include "cli/kit/progress.h"
#include "verify_open.h"
#include "verify_print.h"

struct request {
	struct verify_sources sources;
	bool as_json, is_quiet;
};

static const struct options_row rows[] = {
	OPTIONS_ROW("key", "PUB", OPTIONS_TEXTS, struct request, sources.keys),
	OPTIONS_ROW("checkpoint", "FILE", OPTIONS_TEXTS, struct request, sources.notes),
	OPTIONS_ROW("json", NULL, OPTIONS_FLAG, struct request, as_json),
	OPTIONS_ROW("quiet", NULL, OPTIONS_FLAG, struct request, is_quiet),
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct request, sources.config),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate audit verify",
	.behind = "[FILE…]",
	.about = "Says whether the audit log is as it was written, and else which line "
		 "is the first\nthat is not. More: man cathgate-audit-verify\n",
	.rows = rows,
	.most = SIZE_MAX,
};

static int verify_log(const struct request *request)
{
	struct verify_set set = { .count = 0 };
	int status = CLI_USAGE;
	if (verify_open(&set, &request->sources))
		goto out;
	struct progress bar = progress_start(verify_set_bytes(&set));
	if (request->is_quiet)
		bar.shown = -1;
	int result = verify_set_run(&set, progress_move, &bar);
	progress_end(&bar);
	if (result)
		goto out;
	status = set.fault.kind			  ? CLI_WRONG
		 : verify_print_lacking(&set) > 0 ? CLI_USAGE
						  : CLI_GOOD;
	if (request->as_json)
		verify_print_json(&set, status == CLI_GOOD);
	else if (!request->is_quiet && status != CLI_USAGE)
		verify_print_text(&set);
out:
	verify_set_close(&set);
	return status;
}

int audit_verify_main(int argc, char **argv)
{
	struct request request = { .as_json = false };
	int status = options_read(&options, argc, argv, &request);
	if (status >= 0)
		return status;
	request.sources.files = argv + optind;
	request.sources.file_count = (size_t)(argc - optind);
	return verify_log(&request);
}
