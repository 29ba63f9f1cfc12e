/* Preloaded into the gateway: what it would be without durability. With UNSYNCED_PAUSE_US
 * it only waits, so long, where it would sync. With UNSYNCED_ONLY, the name of a call, it
 * leaves out no other. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long pause_us;
static const char *only;

__attribute__((constructor)) static void begin(void)
{
	const char *wanted = getenv("UNSYNCED_PAUSE_US");

	only = getenv("UNSYNCED_ONLY");
	pause_us = wanted ? atol(wanted) : 0;
	/* To the microsecond, not to 50. Children inherit it; in their sandboxes, where
	 * they sync, they may not ask for it. */
	if (pause_us > 0)
		prctl(PR_SET_TIMERSLACK, 1UL);
}

static int sync_or_not(const char *call, long number, int fd)
{
	struct timespec pause = { .tv_nsec = pause_us * 1000 };

	if (only && strcmp(only, call) != 0)
		return (int)syscall(number, fd);
	if (pause_us > 0)
		nanosleep(&pause, NULL);
	return 0;
}

int fsync(int fd)
{
	return sync_or_not("fsync", SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return sync_or_not("fdatasync", SYS_fdatasync, fd);
}
