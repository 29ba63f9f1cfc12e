#include "log_carry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/staging_tree.h"
#include "log_links.h"

#define DEPTH_MAX   16
#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), of_end = strlen(end);

	return length >= of_end && strcmp(text + length - of_end, end) == 0;
}

/* audit.jsonl, audit-FIRSTSEQ.jsonl, and the note of each. proof_log has shown that the
 * backup's log goes on from them, so they need not be in it once more. */
static bool is_of_log(const char *log, const char *name)
{
	const char *base = durable_base(log);
	size_t stem = strlen(base) - (ends_with(base, ".jsonl") ? strlen(".jsonl") : 0);
	const char *rest = name + stem;

	if (strcmp(name, base) == 0)
		return true;
	return strncmp(name, base, stem) == 0 &&
	       ((rest[0] == '-' &&
		 (ends_with(rest, ".jsonl") || ends_with(rest, ".checkpoint"))) ||
		strcmp(rest, ".checkpoint") == 0);
}

static int complain_kept(const char *path, const char *why)
{
	complain("%s %s, so it can't go along into the restored log's folder: move it "
		 "away, or restore all else with --without-log",
		 path, why);
	return -1;
}

static int carry_folder(int from, int to, const char *path, const char *log,
			unsigned depth);

static int carry_below(int from, int to, const char *name, const char *path,
		       unsigned depth)
{
	int below = depth < DEPTH_MAX ? openat(from, name, OPEN_FOLDER) : -1, made;
	struct durable_owner owner;
	struct stat status;
	int result;

	if (below < 0 || fstat(below, &status) < 0) {
		if (below >= 0)
			close(below);
		return complain_kept(path, "can't be opened");
	}
	owner = (struct durable_owner){ status.st_uid, status.st_gid,
					status.st_mode & 0777 };
	made = durable_folder_at(to, name, &owner);
	if (made < 0 && errno == EEXIST)
		made = openat(to, name, OPEN_FOLDER);
	result = made >= 0 ? carry_folder(below, made, path, NULL, depth + 1)
			   : complain_file(path);
	if (made >= 0)
		close(made);
	close(below);
	return result;
}

static int carry_one(int from, int to, const char *name, const char *path, unsigned depth)
{
	struct stat status, there;

	if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return complain_file(path);
	if (S_ISDIR(status.st_mode))
		return carry_below(from, to, name, path, depth);
	if (fstatat(to, name, &there, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (!S_ISREG(status.st_mode))
		return complain_kept(path, "is neither a plain file nor a folder");
	if (log_links_link(from, to, name) < 0)
		return complain_kept(path, errno == EXDEV ? "is on another file system"
							  : strerror(errno));
	return 0;
}

/* `log` NULL: below the log's own folder, where no file is the log's. */
static int carry_folder(int from, int to, const char *path, const char *log,
			unsigned depth)
{
	DIR *stream = staging_tree_list(from);
	const struct dirent *entry;
	int result = stream ? 0 : complain_file(path);

	while (result == 0 && (entry = readdir(stream))) {
		const char *name = entry->d_name;

		if (!log_links_is_passing(name) && !(log && is_of_log(log, name)))
			result = carry_one(from, to, name,
					   keep_format("%s/%s", path, name), depth);
	}
	if (stream)
		closedir(stream);
	return result;
}

/* An earlier version's backup has some. */
static int forget_positions(int folder, const char *log)
{
	DIR *stream = staging_tree_list(folder);
	const struct dirent *entry;
	int result = stream ? 0 : -1;

	while (result == 0 && (entry = readdir(stream)))
		if (log_links_is_position(log, entry->d_name))
			result = unlinkat(folder, entry->d_name, 0);
	if (stream)
		closedir(stream);
	return result;
}

int log_carry(const struct staged *staged)
{
	const char *log = staged->manifest.log;
	const char *folder = keep_copy(log, (size_t)(durable_base(log) - log) - 1);
	int to = openat(staged->log.folder, CONTENTS_LOG, OPEN_FOLDER);
	int from = open(folder, OPEN_FOLDER), error = errno;
	int result = to >= 0 && forget_positions(to, log) == 0
			     ? 0
			     : complain_file(staged->log.path);

	if (result == 0 && from >= 0)
		result = carry_folder(from, to, folder, log, 0);
	else if (result == 0 && error != ENOENT) {
		errno = error;
		result = complain_file(folder);
	}
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return result;
}
