#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "table.h"

/* Everything here is the kernel's ABI, linux/landlock.h of 6.12. */
#define CREATE_RULESET_VERSION 1U
#define RULE_PATH_BENEATH      1

#define FS_EXECUTE     (1ULL << 0)
#define FS_WRITE_FILE  (1ULL << 1)
#define FS_READ_FILE   (1ULL << 2)
#define FS_READ_DIR    (1ULL << 3)
#define FS_REMOVE_DIR  (1ULL << 4)
#define FS_REMOVE_FILE (1ULL << 5)
#define FS_MAKE_REG    (1ULL << 8)
#define FS_ALL_OF_1    ((1ULL << 13) - 1)
#define FS_REFER       (1ULL << 13) /* ABI 2: a file goes from one folder to another */
#define FS_TRUNCATE    (1ULL << 14) /* ABI 3 */
#define FS_IOCTL_DEV   (1ULL << 15) /* ABI 5 */
#define NET_BIND_TCP   (1ULL << 0)  /* ABI 4 */
#define NET_CONNECT    (1ULL << 1)
#define SCOPE_ABSTRACT (1ULL << 0) /* ABI 6: sockets without a file */
#define SCOPE_SIGNAL   (1ULL << 1)

struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

int landlock_abi(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
}

bool landlock_holds(enum sandbox_role role)
{
	return table_kind(role) != TABLE_INHERITED;
}

static uint64_t files_of(int abi)
{
	return FS_ALL_OF_1 | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
	       (abi >= 5 ? FS_IOCTL_DEV : 0);
}

static bool connects(enum sandbox_role role)
{
	return role == SANDBOX_DIALLER || table_kind(role) == TABLE_OPEN;
}

static uint64_t rights_of(enum sandbox_use use, bool is_folder)
{
	uint64_t read = FS_READ_FILE | (is_folder ? FS_READ_DIR : 0);

	switch (use) {
	case SANDBOX_READ:
		return read;
	case SANDBOX_CHANGE:
		return read | FS_WRITE_FILE | FS_TRUNCATE |
		       (is_folder ? FS_MAKE_REG | FS_REMOVE_FILE : 0);
	case SANDBOX_REMOVE:
		return is_folder ? FS_REMOVE_FILE : 0;
	}
	return 0;
}

MUST_USE static int add_rights(int ruleset, const char *path, uint64_t rights)
{
	struct path_beneath rule = { .allowed = rights };
	int result;

	rule.parent = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -1;
	result =
		(int)syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent);
	return result;
}

MUST_USE static int add_path(int ruleset, const struct sandbox_path *path, int abi)
{
	struct stat status;
	uint64_t rights;

	if (stat(path->path, &status) != 0)
		return 0;
	rights = rights_of(path->use, S_ISDIR(status.st_mode)) & files_of(abi);
	return rights == 0 ? 0 : add_rights(ruleset, path->path, rights);
}

MUST_USE static int add_paths(int ruleset, const struct sandbox_path *paths, size_t count,
			      int abi)
{
	for (size_t i = 0; i < count; i++)
		if (add_path(ruleset, &paths[i], abi) != 0)
			return -1;
	if (sandbox_is_widened())
		return add_rights(ruleset, "/", files_of(abi));
	return 0;
}

int landlock_enter(enum sandbox_role role, const struct sandbox_path *paths, size_t count)
{
	int abi = landlock_abi(), fd, result;
	struct ruleset ruleset = { .fs = files_of(abi) };
	size_t size = abi >= 6 ? sizeof(ruleset) : abi >= 4 ? 16 : 8;

	if (!landlock_holds(role) || abi < 1)
		return 0;
	if (abi >= 4 && !connects(role))
		ruleset.net = NET_BIND_TCP | NET_CONNECT;
	if (abi >= 6)
		ruleset.scoped = SCOPE_SIGNAL |
				 (table_kind(role) == TABLE_OPEN ? 0 : SCOPE_ABSTRACT);
	fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
	if (fd < 0)
		return -1;
	result = add_paths(fd, paths, count, abi);
	if (result == 0)
		result = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
	return result;
}
