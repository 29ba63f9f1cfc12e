/* `cathgate audit verify`: whether the audit log is as it was written. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cathgate/audit/log_reader.h"
#include "cli/kit/cli.h"
#include "cli/kit/log_source.h"
#include "verify_print.h"

#define ROTATIONS_MAX 10

struct request {
	const char *config;
	char **files, **keys, **notes;
	size_t file_count, key_count, note_count;
	bool as_json, is_quiet;
};

static void print_usage(FILE *to)
{
	fputs("usage: cathgate audit verify [--key PUB] [--checkpoint FILE] [--json]\n"
	      "                             [--quiet] [--config FILE] [FILE…]\n"
	      "Says whether the audit log is as it was written, and else which line is "
	      "the first\nthat is not. More: man cathgate-audit-verify\n",
	      to);
}

/* Returns -1 to go on, else the exit status. */
static int read_arguments(struct request *request, int argc, char **argv)
{
	static const struct option options[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "checkpoint", required_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (option) {
		case 'k':
			request->keys[request->key_count++] = optarg;
			break;
		case 'p':
			request->notes[request->note_count++] = optarg;
			break;
		case 'j':
			request->as_json = true;
			break;
		case 'q':
			request->is_quiet = true;
			break;
		case 'c':
			request->config = optarg;
			break;
		case 'h':
			print_usage(stdout);
			return CLI_GOOD;
		default:
			print_usage(stderr);
			return CLI_USAGE;
		}
	}
	request->files = argv + optind;
	request->file_count = (size_t)(argc - optind);
	return -1;
}

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

/* 1: a file was renamed since it was listed. */
static int add_default(struct verify_set *set, const char *path, struct listed *ret)
{
	if (log_reader_files(path, &ret->files, &ret->count)) {
		log_source_complain(path);
		return -1;
	}
	int result = ret->count > 0 ? 0 : -1;
	if (result)
		fprintf(stderr, "cathgate: %s: there is no log yet\n", path);
	for (size_t i = 0; i < ret->count && result == 0; i++)
		result = verify_set_add_file(set, ret->files[i]);
	return result;
}

static int gather(const struct request *request, const char *path, struct verify_set *set,
		  struct listed *ret)
{
	for (size_t i = 0; i < request->key_count; i++) {
		if (verify_set_add_key(set, request->keys[i]))
			return -1;
	}
	for (size_t i = 0; i < request->note_count; i++) {
		if (verify_set_add_note(set, request->notes[i], false))
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

/* Again, where the log was rotated meanwhile: its names then stand for other files. */
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
	fputs("cathgate: the log's files change faster than they can be opened\n",
	      stderr);
	return -1;
}

static int verify(const struct request *request, const char *path)
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
	struct request request = { .keys = calloc((size_t)argc, sizeof(char *)),
				   .notes = calloc((size_t)argc, sizeof(char *)) };
	struct rlimit limit;
	char *path = NULL;
	int status = CLI_USAGE;
	if (!request.keys || !request.notes)
		goto out;
	status = read_arguments(&request, argc, argv);
	if (status >= 0)
		goto out;
	status = CLI_USAGE;
	/* All files are open at once, so that a rotation exchanges none of them. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (request.file_count == 0 && !(path = log_source_default(request.config)))
		goto out;
	status = verify(&request, path);
out:
	free(path);
	free(request.keys);
	free(request.notes);
	return status;
}
