#include "cathgate/sandbox/sandbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "table.h"

#define READS_AT_ONCE 8192 /* more than the pipe holds */

int sandbox_deaths_open(struct sandbox_deaths *deaths)
{
	int ends[2];

	*deaths = (struct sandbox_deaths){ .read = -1, .write = -1 };
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return -1;
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

	for (int i = 0; i < READS_AT_ONCE; i++) {
		if (read(deaths->read, &death, sizeof(death)) != sizeof(death))
			return;
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
