#include "cathgate/sandbox/sandbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "table.h"

#define READS_AT_ONCE 8192 /* more than the pipe holds */
#define PAGE_SIZE     4096 /* of the pipe; each word takes one */

int sandbox_deaths_open(struct sandbox_deaths *deaths)
{
	int ends[2];

	*deaths = (struct sandbox_deaths){ .read = -1, .write = -1 };
	/* With O_DIRECT each word is a packet. In a stream of bytes, a process that was
	 * taken over could shift all later words by writing one byte. */
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK | O_DIRECT) != 0)
		return -1;
	/* A pipe that stays smaller holds the words of fewer at a time, no more. */
	(void)!fcntl(ends[0], F_SETPIPE_SZ, SANDBOX_DEATHS_KEPT * PAGE_SIZE);
	deaths->read = ends[0];
	deaths->write = ends[1];
	return 0;
}

void sandbox_deaths_close(struct sandbox_deaths *deaths)
{
	if (deaths->read >= 0)
		close(deaths->read);
	if (deaths->write >= 0)
		close(deaths->write);
	deaths->read = deaths->write = -1;
}

/* Another process's words may stand before those that are wanted. */
static void read_all(struct sandbox_deaths *deaths)
{
	struct sandbox_death death;
	ssize_t size;

	for (int i = 0; i < READS_AT_ONCE; i++) {
		size = read(deaths->read, &death, sizeof(death));
		if (size <= 0)
			return;
		if (size == (ssize_t)sizeof(death))
			deaths->kept[deaths->next++ % SANDBOX_DEATHS_KEPT] = death;
	}
}

const char *sandbox_deaths_call(struct sandbox_deaths *deaths, pid_t pid)
{
	static char number[32];
	const char *ret = "what nobody could name (of another architecture, say)";

	read_all(deaths);
	for (size_t i = 0; i < SANDBOX_DEATHS_KEPT; i++) {
		struct sandbox_death *death = &deaths->kept[i];

		if (death->pid != pid)
			continue;
		ret = table_name(death->call);
		if (!ret) {
			snprintf(number, sizeof(number), "call %d", (int)death->call);
			ret = number;
		}
		*death = (struct sandbox_death){ 0 };
	}
	return ret;
}
