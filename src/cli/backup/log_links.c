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

/* Locks and drafts are of no use elsewhere. */
static bool is_wanted(const char *name)
{
	size_t length = strlen(name);

	return name[0] != '.' && (length < 5 || strcmp(name + length - 5, ".lock") != 0);
}

/* The folder is the gateway's user's: a name may have become anything meanwhile. */
static int link_one(int from, int to, const char *name)
{
	struct stat status;

	if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(status.st_mode))
		return 0;
	if (linkat(from, name, to, name, 0) < 0)
		return errno == ENOENT ? 0 : -1;
	if (fstatat(to, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return S_ISREG(status.st_mode) ? 0 : unlinkat(to, name, 0);
}

static int link_all(int from, int to)
{
	DIR *stream = staging_tree_list(from);
	const struct dirent *entry;
	int result = stream ? 0 : -1;

	while (result == 0 && (entry = readdir(stream)))
		if (is_wanted(entry->d_name))
			result = link_one(from, to, entry->d_name);
	if (stream)
		closedir(stream);
	return result;
}

/* 1 when the log was rotated meanwhile. */
static int link_log(const struct hidden *hidden, const char *log, int from)
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
	result = to >= 0 ? link_all(from, to) : -1;
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

int log_links_make(struct hidden *hidden, const char *log)
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
		result = link_log(hidden, log, from);
	if (result > 0)
		complain("%s is rotated again and again; try again", log);
	else if (result < 0)
		complain_file(log);
	close(from);
	return result == 0 ? 0 : -1;
}
