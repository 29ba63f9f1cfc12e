#include "credentials.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/kit/child.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/staging_tree.h"
#include "contents.h"

#define TOOL	       "/usr/bin/systemd-creds"
#define CREDENTIAL_MAX 65536
#define DROP_INS       CONTENTS_UNITS "/cathgated.service.d"
#define INSIDE	       "/" CONTENTS_SITE "/"
#define OPEN_FOLDER    (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

bool credentials_has(const char *name)
{
	return access(keep_format("/" CONTENTS_STORE "/%s", name), F_OK) == 0;
}

static int make_folder(int folder, const char *name)
{
	const struct durable_owner own = { (uid_t)-1, (gid_t)-1, 0700 };
	int made = durable_folder_at(folder, name, &own);

	if (made < 0 && errno == EEXIST)
		made = openat(folder, name, OPEN_FOLDER);
	if (made < 0)
		return complain_file(name);
	close(made);
	return 0;
}

static int decrypt(int folder, const char *name, const char *from)
{
	const char *command[] = {
		TOOL,
		"decrypt",
		keep_format("--name=%s", name),
		from,
		keep_format(CONTENTS_CREDENTIALS "/%s", name),
		NULL,
	};

	return child_run(&(struct child){
		       .command = command, .folder = folder, .in = -1, .out = -1 }) == 0
		       ? 0
		       : -1;
}

int credentials_take(int folder, const char *const *names)
{
	if (make_folder(folder, CONTENTS_CREDENTIALS) < 0)
		return -1;
	for (; *names; names++) {
		if (!credentials_has(*names) ||
		    decrypt(folder, *names,
			    keep_format("/" CONTENTS_STORE "/%s", *names)) == 0)
			continue;
		complain("/" CONTENTS_STORE "/%s can't be decrypted on this machine; "
			 "leave --with-credentials out, and keep that key elsewhere",
			 *names);
		return -1;
	}
	return 0;
}

static int encrypt(int folder, const char *name)
{
	const char *to = keep_format(CONTENTS_STORE "/%s", name);
	const char *command[] = {
		TOOL,
		"encrypt",
		keep_format("--name=%s", name),
		keep_format(CONTENTS_CREDENTIALS "/%s", name),
		to,
		NULL,
	};

	unlinkat(folder, to, 0); /* that of the machine which was backed up */
	if (child_run(&(struct child){
		    .command = command, .folder = folder, .in = -1, .out = -1 }) == 0)
		return 0;
	complain("systemd-creds can't encrypt the key %s for this machine", name);
	return -1;
}

static bool is_there(int folder, const char *path)
{
	return faccessat(folder, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Calls it for each name in a folder; nothing where there is no such folder. */
static int each_in(int folder, const char *path, int (*visit)(int folder, const char *))
{
	int list = openat(folder, path, OPEN_FOLDER), result = 0;
	DIR *stream = list >= 0 ? staging_tree_list(list) : NULL;
	const struct dirent *entry;

	while (result == 0 && stream && (entry = readdir(stream)))
		if (entry->d_name[0] != '.')
			result = visit(folder, entry->d_name);
	if (stream)
		closedir(stream);
	if (list >= 0)
		close(list);
	return result;
}

static int open_stored(int folder, const char *name)
{
	if (is_there(folder, keep_format(CONTENTS_CREDENTIALS "/%s", name)) ||
	    decrypt(folder, name, keep_format(CONTENTS_STORE "/%s", name)) == 0)
		return 0;
	complain("the key %s is encrypted for another machine, and the backup has no "
		 "other copy of it (cathgate backup --with-credentials): with "
		 "--unchecked all else is restored; then make a new key and certificate",
		 name);
	return -1;
}

/* The path comes from the backup. What is staged is all that there is for it: no ".." and
 * no link leads to this machine's own files, which the gateway's user may not read. */
static int read_staged(int folder, const char *path, char **ret, size_t *ret_size)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));

	return durable_read_fd(fd, CREDENTIAL_MAX, ret, ret_size);
}

/* LoadCredential=NAME:/etc/cathgate/FILE, from a drop-in: that file, staged. */
static int load_one(int folder, const char *setting)
{
	const struct durable_owner own = { (uid_t)-1, (gid_t)-1, 0600 };
	const char *path = strchr(setting, ':');
	const char *name = path ? keep_copy(setting, (size_t)(path - setting)) : "";
	const char *to = keep_format(CONTENTS_CREDENTIALS "/%s", name);
	char *bytes;
	size_t size;
	int result;

	if (!path || strncmp(path + 1, INSIDE, strlen(INSIDE)) != 0 ||
	    strchr(name, '/') || is_there(folder, to) ||
	    read_staged(folder, path + 2, &bytes, &size) < 0)
		return 0; /* the check says what is missing */
	result = durable_create_at(folder, to, bytes, size, &own);
	explicit_bzero(bytes, size);
	free(bytes);
	return result < 0 ? complain_file(to) : 0;
}

static int load_from(int folder, const char *name)
{
	static const char key[] = "LoadCredential=";
	char *text, *at, *line;
	size_t size;
	int result = 0;

	if (durable_read_at(folder, keep_format(DROP_INS "/%s", name), CREDENTIAL_MAX,
			    &text, &size) < 0)
		return 0;
	at = text;
	while (result == 0 && (line = strsep(&at, "\n")))
		if (strncmp(line, key, strlen(key)) == 0)
			result = load_one(folder, line + strlen(key));
	free(text);
	return result;
}

static const struct daemon_user *reader;

static int give(int folder, const char *name)
{
	const struct durable_owner owner = daemon_user_key(reader);
	const char *path = keep_format(CONTENTS_CREDENTIALS "/%s", name);

	return durable_settle_at(folder, path, &owner) < 0 ? complain_file(path) : 0;
}

int credentials_stage(int folder, const struct daemon_user *user)
{
	const struct durable_owner owner = { (uid_t)-1, user->gid, 0710 };
	bool came = is_there(folder, CONTENTS_CREDENTIALS);

	reader = user;
	if (!came && !is_there(folder, CONTENTS_STORE) && !is_there(folder, DROP_INS))
		return 0;
	if (make_folder(folder, CONTENTS_CREDENTIALS) < 0 ||
	    (came && !is_there(folder, CONTENTS_STORE) &&
	     make_folder(folder, CONTENTS_STORE) < 0) ||
	    each_in(folder, CONTENTS_CREDENTIALS, encrypt) < 0 ||
	    each_in(folder, CONTENTS_STORE, open_stored) < 0 ||
	    each_in(folder, DROP_INS, load_from) < 0 ||
	    each_in(folder, CONTENTS_CREDENTIALS, give) < 0)
		return -1;
	return durable_settle_at(folder, CONTENTS_CREDENTIALS, &owner) < 0
		       ? complain_file(CONTENTS_CREDENTIALS)
		       : 0;
}
