#include "process.h"

#include <signal.h>
#include <stdlib.h>

/* The supervisor ends the auditor by closing the control socket, after every association:
 * a Ctrl-C or a stop of the whole group must not end it first. A file-size limit is told
 * by write() instead, and heals like a full disk. */
void process_ignore_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ };
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_IGN);
}

int process_enter_sandbox(const struct config_audit *audit,
			  const struct sandbox_program *sandbox)
{
	char *folder = sandbox_folder_of(audit->file.path);
	const struct sandbox_path paths[] = { { folder, SANDBOX_CHANGE },
					      { "/dev/urandom", SANDBOX_READ } };
	int result = folder ? sandbox_enter(sandbox, paths, 2) : -1;

	free(folder);
	return result;
}
