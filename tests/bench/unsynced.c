/* Preloaded into the gateway by the benchmark: what it would be without durability. With
 * UNSYNCED_PAUSE_US it only waits, so long, where it would sync. */
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

int fsync(int fd);
int fdatasync(int fd);

static long pause_us;

__attribute__((constructor)) static void begin(void)
{
	const char *wanted = getenv("UNSYNCED_PAUSE_US");

	pause_us = wanted ? atol(wanted) : 0;
	/* To the microsecond, not to 50. Children inherit it; in their sandboxes, where they
	 * sync, they may not ask for it. */
	if (pause_us > 0)
		prctl(PR_SET_TIMERSLACK, 1UL);
}

static int no_sync(void)
{
	struct timespec pause = { .tv_nsec = pause_us * 1000 };

	if (pause_us > 0)
		nanosleep(&pause, NULL);
	return 0;
}

int fsync(int fd)
{
	(void)fd;
	return no_sync();
}

int fdatasync(int fd)
{
	(void)fd;
	return no_sync();
}
