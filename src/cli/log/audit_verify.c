/* `cathgate audit verify`: whether the audit log is as it was written. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cathgate/audit/log_reader.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/log_source.h"
#include "cli/kit/options.h"
#include "verify_print.h"

#define ROTATIONS_MAX 10

struct request {
	const char *config;
	char **files;
	size_t file_count;
	struct options_texts keys, notes;
	bool as_json, is_quiet;
};

static const struct options_row rows[] = {
	OPTIONS_ROW("key", "PUB", OPTIONS_TEXTS, struct request, keys),
	OPTIONS_ROW("checkpoint", "FILE", OPTIONS_TEXTS, struct request, notes),
	OPTIONS_ROW("json", NULL, OPTIONS_FLAG, struct request, as_json),
	OPTIONS_ROW("quiet", NULL, OPTIONS_FLAG, struct request, is_quiet),
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct request, config),
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

/* The log's files by their names, as they were listed before any was opened. */
struct listed {
	char **files;
	size_t count;
};

static void listed_free(struct listed *listed)
{
	log_reader_files_free(listed->files, listed->count);
	*listed = (struct listed){ .count = 0 };
}

/* 1 where a file was renamed since it was listed. */
static int add_default(struct verify_set *set, const char *path, struct listed *ret)
{
	if (log_reader_files(path, &ret->files, &ret->count)) {
		log_source_complain(path);
		return -1;
	}
	int result = ret->count > 0 ? 0 : -1;
	if (result)
		complain("%s: there is no log yet", path);
	for (size_t i = 0; i < ret->count && result == 0; i++)
		result = verify_set_add_file(set, ret->files[i]);
	return result;
}

static int gather(const struct request *request, const char *path, struct verify_set *set,
		  struct listed *ret)
{
	for (size_t i = 0; i < request->keys.count; i++) {
		if (verify_set_add_key(set, request->keys.items[i]))
			return -1;
	}
	for (size_t i = 0; i < request->notes.count; i++) {
		if (verify_set_add_note(set, request->notes.items[i], false))
			return -1;
	}
	for (size_t i = 0; i < request->file_count; i++) {
		int result = verify_set_add_file(set, request->files[i]);
		if (result > 0) {
			errno = ENOENT;
			log_source_complain(request->files[i]);
		}
		if (result)
			return -1;
	}
	int result = request->file_count == 0 ? add_default(set, path, ret) : 0;
	return result ? result : verify_set_complete(set);
}

/* Gathers again where the log was rotated meanwhile: then names stand for other files. */
static int gather_still(const struct request *request, const char *path,
			struct verify_set *set)
{
	for (int i = 0; i < ROTATIONS_MAX; i++) {
		struct listed listed = { .count = 0 };
		int result = gather(request, path, set, &listed);
		bool is_current =
			result == 0 && verify_set_is_current(set) &&
			(!listed.files ||
			 log_reader_files_stay(path, listed.files, listed.count));
		listed_free(&listed);
		if (result < 0)
			return -1;
		if (is_current)
			return 0;
		verify_set_close(set);
	}
	complain("the log's files change faster than they can be opened");
	return -1;
}

static int verify_log(const struct request *request, const char *path)
{
	struct verify_set set = { .count = 0 };
	int status = CLI_USAGE;
	if (gather_still(request, path, &set))
		goto out;
	struct verify_bar bar = verify_bar_start(&set);
	if (request->is_quiet)
		bar.shown = -1;
	int result = verify_set_run(&set, verify_bar_move, &bar);
	verify_bar_end(&bar);
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
	struct request request = { .config = NULL };
	struct rlimit limit;
	char *path = NULL;
	int status = options_read(&options, argc, argv, &request);
	if (status >= 0)
		return status;
	request.files = argv + optind;
	request.file_count = (size_t)(argc - optind);
	/* All files are open at once, so that a rotation exchanges none of them. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (request.file_count == 0 && !(path = log_source_default(request.config)))
		return CLI_USAGE;
	status = verify_log(&request, path);
	free(path);
	return status;
}
