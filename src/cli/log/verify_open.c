#include "verify_open.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "cathgate/audit/log_reader.h"
#include "cli/kit/complain.h"
#include "cli/kit/log_source.h"

#define ROTATIONS_MAX 10

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

static int gather(const struct verify_sources *sources, const char *path,
		  struct verify_set *set, struct listed *ret)
{
	for (size_t i = 0; i < sources->keys.count; i++) {
		if (verify_set_add_key(set, sources->keys.items[i]))
			return -1;
	}
	for (size_t i = 0; i < sources->notes.count; i++) {
		if (verify_set_add_note(set, sources->notes.items[i], false))
			return -1;
	}
	for (size_t i = 0; i < sources->file_count; i++) {
		int result = verify_set_add_file(set, sources->files[i]);
		if (result > 0) {
			errno = ENOENT;
			log_source_complain(sources->files[i]);
		}
		if (result)
			return -1;
	}
	int result = sources->file_count == 0 ? add_default(set, path, ret) : 0;
	return result ? result : verify_set_complete(set);
}

/* Gathers again where the log was rotated meanwhile: then names stand for other files. */
static int gather_still(struct verify_set *set, const struct verify_sources *sources,
			const char *path)
{
	for (int i = 0; i < ROTATIONS_MAX; i++) {
		struct listed listed = { .count = 0 };
		int result = gather(sources, path, set, &listed);
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

int verify_open(struct verify_set *set, const struct verify_sources *sources)
{
	struct rlimit limit;
	char *path = NULL;
	/* All files are open at once, so that a rotation exchanges none of them. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (sources->file_count == 0 && !(path = log_source_default(sources->config)))
		return -1;
	int result = gather_still(set, sources, path);
	free(path);
	return result;
}
