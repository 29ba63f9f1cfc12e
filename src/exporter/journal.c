#include "journal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* Operators don't need the place in our source that an entry came from. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "cathgate/base/log.h"

#include "journal_entry.h"

#define SOCKET "/run/systemd/journal/socket"

#define PATIENCE_SECONDS 2

bool journal_exists(void)
{
	struct stat status;

	return stat(SOCKET, &status) == 0;
}

static void interrupt(int signal)
{
	(void)signal;
}

void journal_init(struct journal *journal)
{
	struct sigaction action = { .sa_handler = interrupt }; /* no SA_RESTART */

	*journal = (struct journal){ .failing = false };
	if (sigaction(SIGALRM, &action, NULL) != 0)
		log_bug("sigaction: %s", strerror(errno));
}

static bool is_same_socket(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* sd_journal_sendv succeeds without a socket, so look for one before and after. It waits
 * for ever if journald doesn't read and systemd holds the socket open, so interrupt it.
 * Returns 0 or an errno. */
static int send_entry(const struct journal_entry *entry)
{
	struct stat before, after;
	int result;

	if (stat(SOCKET, &before) != 0)
		return errno;
	alarm(PATIENCE_SECONDS);
	result = sd_journal_sendv(entry->fields, (int)entry->count);
	alarm(0);
	if (result != 0)
		return result == -EINTR ? ETIMEDOUT : -result;
	if (stat(SOCKET, &after) != 0)
		return errno;
	return is_same_socket(&before, &after) ? 0 : ECONNRESET;
}

int journal_take(struct journal *journal, const char *text, size_t size,
		 const json_t *line)
{
	struct journal_entry entry;
	int error = ENOMEM;

	if (journal_entry_make(text, size, line, &entry) == 0) {
		error = send_entry(&entry);
		journal_entry_clear(&entry);
	}
	if (error != 0 && !journal->failing)
		log_error("the journal takes nothing (%s: %s): see to systemd-journald; "
			  "nothing is lost, it is tried again",
			  SOCKET, strerror(error));
	else if (error == 0 && journal->failing)
		log_info("the journal takes entries again");
	journal->failing = error != 0;
	return error == 0 ? 0 : -1;
}
