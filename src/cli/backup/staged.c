#include "staged.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "cli/kit/child.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/staging_tree.h"

#define ARCHIVE	    "archive"
#define DEPTH_MAX   16
#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int open_archive(int folder)
{
	int fd = openat(folder, ARCHIVE, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		unlinkat(folder, ARCHIVE, 0); /* no name is needed any more */
	else
		complain_file(ARCHIVE);
	return fd;
}

static int unseal(const char *file, int to, const char *passphrase,
		  const struct pki_key *key)
{
	int from = durable_open_regular(file);
	struct stat status;
	enum pki_unsealed result;

	if (from < 0 && errno == EINVAL) {
		complain("%s is no regular file; name one", file);
		return -1;
	}
	if (from < 0)
		return complain_file(file);
	if (fstat(from, &status) < 0 || status.st_size > PKI_SEALED_MAX) {
		complain("%s is longer than any backup", file);
		close(from);
		return -1;
	}
	result = pki_unseal(from, to, passphrase, key);
	close(from);
	if (result == PKI_UNSEALED)
		return 0;
	if (result == PKI_UNSEALED_NO_FORM)
		complain("%s is no backup of cathgate, or its end is missing; fetch it "
			 "again from where it is kept",
			 file);
	else if (result == PKI_UNSEALED_FAILED)
		complain("%s can't be unpacked beside /etc/cathgate: %s", file,
			 strerror(errno));
	else
		complain("%s doesn't open: it was sealed for another %s, or it was "
			 "changed since",
			 file, key ? "key" : "passphrase");
	return -1;
}

static int unpack(int archive, int folder, const char *what)
{
	const char *command[] = { "/usr/bin/tar",
				  "--extract",
				  "--gzip",
				  "--file=-",
				  "--preserve-permissions",
				  "--same-owner",
				  "--anchored",
				  what,
				  NULL };

	if (lseek(archive, 0, SEEK_SET) == 0 &&
	    child_run(&(struct child){
		    .command = command, .folder = folder, .in = archive, .out = -1 }) ==
		    0)
		return 0;
	complain("tar could not unpack it, so nothing was restored");
	return -1;
}

/* Root's own links within the gateway's folder, and masked units, may stay links. */
static bool may_be_link(const char *path)
{
	static const char *const above[] = { CONTENTS_SITE "/", CONTENTS_UNITS "/" };

	for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++)
		if (strncmp(path, above[i], strlen(above[i])) == 0)
			return true;
	return false;
}

static int judge_folder(int folder, const char *path, unsigned depth);

static int judge_entry(int folder, const char *name, const char *path, unsigned depth)
{
	struct stat status;
	int below, result;

	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return complain_file(path);
	if ((S_ISREG(status.st_mode) && (status.st_mode & (S_ISUID | S_ISGID)) == 0) ||
	    (S_ISLNK(status.st_mode) && may_be_link(path)))
		return 0;
	below = S_ISDIR(status.st_mode) && depth < DEPTH_MAX
			? openat(folder, name, OPEN_FOLDER)
			: -1;
	if (below < 0) {
		complain("the backup has %s, which is neither a plain file nor a folder, "
			 "where only these belong: nothing was restored",
			 path);
		return -1;
	}
	result = judge_folder(below, path, depth + 1);
	close(below);
	return result;
}

static int judge_folder(int folder, const char *path, unsigned depth)
{
	DIR *stream = staging_tree_list(folder);
	const struct dirent *entry;
	int result = stream ? 0 : -1;

	while (result == 0 && (entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = judge_entry(folder, entry->d_name,
					     keep_format("%s%s%s", path,
							 path[0] ? "/" : "",
							 entry->d_name),
					     depth);
	if (stream)
		closedir(stream);
	return result;
}

/* tar falls back to numbers where a name isn't known, which may be another's here. */
static int judge_group(const struct contents_manifest *manifest)
{
	if (manifest->group[0] == '\0' || getgrnam(manifest->group))
		return 0;
	complain("there is no group \"%s\" on this machine: install the package first",
		 manifest->group);
	return -1;
}

static int unpack_log(struct staged *staged, int archive)
{
	const char *log = staged->manifest.log;
	const char *folder = keep_copy(log, (size_t)(durable_base(log) - log) - 1);
	const char *base = durable_base(folder);
	const char *parent =
		base - 1 > folder ? keep_copy(folder, (size_t)(base - folder) - 1) : "/";

	return hidden_open(&staged->log, parent) == 0 &&
			       unpack(archive, staged->log.folder, CONTENTS_LOG) == 0 &&
			       judge_folder(staged->log.folder, "", 0) == 0
		       ? 0
		       : -1;
}

int staged_open(struct staged *staged, const char *file, const char *passphrase,
		const struct pki_key *key, bool with_log)
{
	int archive = -1, result = -1;

	*staged = (struct staged){ .etc = HIDDEN_NONE, .log = HIDDEN_NONE };
	if (hidden_open(&staged->etc, "/etc") < 0)
		return -1;
	archive = open_archive(staged->etc.folder);
	if (archive >= 0 && unseal(file, archive, passphrase, key) == 0 &&
	    unpack(archive, staged->etc.folder, "--exclude=" CONTENTS_LOG) == 0 &&
	    contents_read_manifest(staged->etc.folder, &staged->manifest) == 0 &&
	    judge_group(&staged->manifest) == 0 &&
	    judge_folder(staged->etc.folder, "", 0) == 0)
		result = with_log && staged->manifest.log[0] ? unpack_log(staged, archive)
							     : 0;
	if (archive >= 0)
		close(archive);
	return result;
}

void staged_close(struct staged *staged)
{
	hidden_close(&staged->log);
	hidden_close(&staged->etc);
}
