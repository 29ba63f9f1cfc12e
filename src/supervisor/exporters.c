/*
 * The exporter's process. Whatever becomes of it, nobody else is affected: it goes on
 * where it was as soon as there is one again.
 */
#include "internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/exporter/exporter.h"
#include "cathgate/base/log.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS	 5000
#define WELL_MS		 10000 /* who lived so long had no fault at its start */
#define KILL_AFTER_MS	 (EXPORTER_FINISH_MS + 1000)

void exporter_decide(struct server *server)
{
	const struct config_audit *audit = &server->setup.config->audit;

	server->exporter_to_journal = exporter_finds_journal(audit);
	server->exporter_needed = server->exporter_to_journal || audit->messages.path;
	server->exporter_backoff_ms = BACKOFF_FIRST_MS;
	if (audit->journal != CONFIG_JOURNAL_OFF && !server->exporter_to_journal)
		log_info("this machine has no journal: audit events go to %s only",
			 audit->messages.path ? "the log and the messages" : "the log");
}

static int start(struct server *server)
{
	int line;
	pid_t pid = process_start(server, PROCESS_EXPORTER, &line);

	if (pid < 0)
		return -1;
	if (pid == 0)
		exit(exporter_run(line, server->setup.config,
				  server->exporter_to_journal));
	server->exporter = line;
	server->exporter_pid = pid;
	server->exporter_started_ms = clock_ms();
	return 0;
}

static void back_off(struct server *server)
{
	server->exporter_restart_ms = clock_ms() + server->exporter_backoff_ms;
	server->exporter_backoff_ms *= 2;
	if (server->exporter_backoff_ms > BACKOFF_MAX_MS)
		server->exporter_backoff_ms = BACKOFF_MAX_MS;
}

void exporter_reaped(struct server *server, int status)
{
	server->exporter_pid = 0;
	close(server->exporter);
	server->exporter = -1;
	if (clock_ms() - server->exporter_started_ms > WELL_MS)
		server->exporter_backoff_ms = BACKOFF_FIRST_MS;
	log_error("the exporter ended (%s %d): starting another in %lld ms",
		  WIFSIGNALED(status) ? "signal" : "status",
		  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		  (long long)server->exporter_backoff_ms);
	back_off(server);
}

void exporter_maintain(struct server *server)
{
	if (!server->exporter_needed || server->exporter_pid > 0 ||
	    !server->auditor_ready || clock_ms() < server->exporter_restart_ms)
		return;
	if (start(server) != 0) {
		log_error("the exporter: %s: trying again", strerror(errno));
		back_off(server);
	}
}

void exporter_stop(struct server *server)
{
	if (server->exporter_pid == 0)
		return;
	close(server->exporter);
	server->exporter = -1;
	if (!ends_within(server, server->exporter_pid, KILL_AFTER_MS)) {
		log_warning("the exporter does not end: what it has not exported yet is "
			    "exported after the next start");
		kill(server->exporter_pid, SIGKILL);
		waitpid(server->exporter_pid, NULL, 0);
	}
	server->exporter_pid = 0;
}
