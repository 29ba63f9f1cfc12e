#include "log_links.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/audit/log_reader.h"
#include "cathgate/base/durable.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/staging_tree.h"
#include "contents.h"

#define TRIES_MAX 10

static const char *folder_of(const char *path)
{
	return keep_copy(path, (size_t)(durable_base(path) - path) - 1);
}

bool log_links_is_passing(const char *name)
{
	size_t length = strlen(name);

	return name[0] == '.' || (length >= 5 && strcmp(name + length - 5, ".lock") == 0);
}

bool log_links_is_position(const char *log, const char *name)
{
	const char *base = durable_base(log);
	size_t length = strlen(base), stem = length;

	if (length > 6 && strcmp(base + length - 6, ".jsonl") == 0)
		stem -= 6;
	return strncmp(name, base, stem) == 0 &&
	       strncmp(name + stem, ".exported", strlen(".exported")) == 0;
}

off_t log_links_link(int from, int to, const char *name)
{
	struct stat status;

	if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(status.st_mode))
		return 0;
	if (linkat(from, name, to, name, 0) < 0)
		return errno == ENOENT ? 0 : -1;
	if (fstatat(to, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return S_ISREG(status.st_mode) ? status.st_size : unlinkat(to, name, 0);
}

static int link_all(const char *log, int from, int to, off_t *ret_size)
{
	DIR *stream = staging_tree_list(from);
	const struct dirent *entry;
	off_t size = 0, one = stream ? 0 : -1;

	while (one >= 0 && (entry = readdir(stream)))
		if (!log_links_is_passing(entry->d_name) &&
		    !log_links_is_position(log, entry->d_name)) {
			one = log_links_link(from, to, entry->d_name);
			size += one;
		}
	if (stream)
		closedir(stream);
	*ret_size = size;
	return one < 0 ? -1 : 0;
}

/* 1 when the log was rotated meanwhile. */
static int link_log(const struct hidden *hidden, const char *log, int from,
		    off_t *ret_size)
{
	struct durable_owner owner;
	struct stat status;
	char **files;
	size_t count;
	int to, result;

	if (fstat(from, &status) < 0 || log_reader_files(log, &files, &count) < 0)
		return -1;
	owner = (struct durable_owner){ status.st_uid, status.st_gid,
					status.st_mode & 0777 };
	to = durable_folder_at(hidden->folder, CONTENTS_LOG, &owner);
	result = to >= 0 ? link_all(log, from, to, ret_size) : -1;
	if (result == 0 && !log_reader_files_stay(log, files, count))
		result = 1;
	if (result != 0 && to >= 0)
		staging_tree_remove(hidden->folder, CONTENTS_LOG, to);
	if (to >= 0)
		close(to);
	log_reader_files_free(files, count);
	return result;
}

/* Links can't lead from one file system to another. */
static const char *place_for(const char *folder)
{
	const char *parent = keep_format("%s/..", folder);
	struct stat own, above;

	return stat(folder, &own) == 0 && stat(parent, &above) == 0 &&
			       own.st_dev == above.st_dev
		       ? folder_of(folder)
		       : folder;
}

int log_links_make(struct hidden *hidden, const char *log, off_t *ret_size)
{
	const char *folder = folder_of(log), *place = place_for(folder);
	int from = durable_open_folder(folder), result = 1;

	*hidden = HIDDEN_NONE;
	if (from < 0)
		return complain_file(folder);
	if (hidden_open(hidden, place[0] ? place : "/") < 0) {
		close(from);
		return -1;
	}
	for (int i = 0; result > 0 && i < TRIES_MAX; i++)
		result = link_log(hidden, log, from, ret_size);
	if (result > 0)
		complain("%s is rotated again and again; try again", log);
	else if (result < 0)
		complain_file(log);
	close(from);
	return result == 0 ? 0 : -1;
}
