#include "cathgate/sandbox/sandbox.h"

#include <errno.h>
#include <libgen.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cathgate/base/log.h"
#include "landlock.h"
#include "program.h"
#include "table.h"
#include "trap.h"

#define LANDLOCK "Landlock"

/* What the process was let reach, as it stood then. */
struct place {
	char *path;
	bool is_there;
	dev_t device;
	ino_t inode;
};

static struct {
	struct place *places;
	size_t count;
} entered;

static struct place look_at(const char *path)
{
	struct stat status;
	struct place place = { .is_there = stat(path, &status) == 0 };

	if (place.is_there) {
		place.device = status.st_dev;
		place.inode = status.st_ino;
	}
	return place;
}

/* A process that was forked has entered its parent's sandbox already. */
static void forget_places(void)
{
	for (size_t i = 0; i < entered.count; i++)
		free(entered.places[i].path);
	free(entered.places);
	entered.count = 0;
}

MUST_USE static int note_places(const struct sandbox_path *paths, size_t count)
{
	forget_places();
	entered.places = calloc(count + 1, sizeof(*entered.places));
	if (!entered.places)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct place *place = &entered.places[i];

		*place = look_at(paths[i].path);
		place->path = strdup(paths[i].path);
		if (!place->path)
			return -1;
		entered.count++;
	}
	return 0;
}

bool sandbox_is_stale(void)
{
	for (size_t i = 0; i < entered.count; i++) {
		const struct place *was = &entered.places[i];
		struct place is = look_at(was->path);

		if (is.is_there != was->is_there || is.device != was->device ||
		    is.inode != was->inode)
			return true;
	}
	return false;
}

char *sandbox_folder_of(const char *path)
{
	char *real = realpath(path, NULL);
	char *copy = real ? real : strdup(path);
	char *folder = copy ? strdup(dirname(copy)) : NULL;

	free(copy);
	return folder;
}

/* The filter compares with the PID, which is known only now. */
MUST_USE static int load(const struct sandbox_program *program)
{
	size_t size = program->count * sizeof(*program->filter);
	struct sock_filter *filter = malloc(size);
	struct sock_fprog loaded = { .len = (unsigned short)program->count,
				     .filter = filter };
	int result;

	if (!filter)
		return -1;
	memcpy(filter, program->filter, size);
	for (size_t i = 0; i < program->count; i++)
		if (filter[i].code == (BPF_JMP | BPF_JEQ | BPF_K) &&
		    filter[i].k == TABLE_OWN_PID)
			filter[i].k = (uint32_t)getpid();
	result = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &loaded);
	free(filter); /* munmap and brk are in every list */
	return result;
}

/* With errno of a step that failed. */
static void tell_failure(enum sandbox_role role, const char *step)
{
	if (strcmp(step, LANDLOCK) == 0 && (errno == EPERM || errno == EACCES))
		log_error("the %s can't enter its sandbox: " LANDLOCK_FORBIDDEN,
			  table_role_name(role));
	else
		log_error("the %s can't enter its sandbox: %s: %s", table_role_name(role),
			  step, strerror(errno));
}

int sandbox_enter(const struct sandbox_program *program, const struct sandbox_path *paths,
		  size_t count)
{
	const char *step = "no new privileges";
	int result;

	if (!program)
		return 0;
	result = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (result == 0 && landlock_holds(program->role) && landlock_abi() >= 1) {
		step = LANDLOCK;
		result = note_places(paths, count);
		if (result == 0)
			result = landlock_enter(program->role, paths, count);
	}
	if (result == 0) {
		step = "seccomp";
		result = trap_install(table_role_name(program->role));
	}
	if (result == 0)
		result = load(program);
	if (result != 0)
		tell_failure(program->role, step);
	return result == 0 ? 0 : -1;
}
