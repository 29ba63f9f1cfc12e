/*
 * The auditor's process. Without one that answers, nobody is let in: nothing could be
 * acknowledged anyway.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cathgate/audit/auditor.h"
#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"

#define BACKOFF_FIRST_MS 100
#define STATE_WORD	 'S' /* brings the auditor's /proc/PID/stat */
#define BACKOFF_MAX_MS	 5000
#define ROOM_MS		 2000

/* What tells a disk that doesn't answer from an auditor that hangs. Only the auditor
 * itself may open it: its memory is closed to us, and under ProtectProc= so is its entry.
 */
static void show_state(int control)
{
	char word = STATE_WORD;
	int stat = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);

	if (stat < 0)
		return;
	/* An auditor that is gone is noticed elsewhere. */
	(void)!descriptors_send(control, &word, sizeof(word), &stat, 1, 0);
	close(stat);
}

static void forget_state(struct server *server)
{
	if (server->auditor_stat >= 0)
		close(server->auditor_stat);
	server->auditor_stat = -1;
}

/* proc(5): the state is the first letter behind the name, which is in parentheses. */
bool auditor_waits_for_disk(const struct server *server)
{
	char text[256];
	ssize_t size = -1;
	char *end;

	if (server->auditor_stat >= 0)
		size = pread(server->auditor_stat, text, sizeof(text) - 1, 0);
	if (size <= 0)
		return false;
	text[size] = '\0';
	end = strrchr(text, ')');
	return end && strncmp(end, ") D", 3) == 0;
}

int auditor_start(struct server *server)
{
	int line;
	pid_t pid;

	server->auditor_ready = false;
	server->auditor_generation++;
	pid = process_start(server, PROCESS_AUDITOR, &line);
	if (pid == 0) {
		show_state(line);
		exit(auditor_run(line, server->setup.config));
	}
	if (pid < 0) {
		log_error("the auditor: %s", strerror(errno));
		return -1;
	}
	server->auditor = line;
	server->auditor_pid = pid;
	return 0;
}

static void became_ready(struct server *server)
{
	server->auditor_ready = true;
	server->log_is_stuck = server->log_lacks_room = false;
	server->service.is_answered = true;
	server->auditor_backoff_ms = BACKOFF_FIRST_MS;
	if (server->ever_ready)
		children_renew_auditor(server);
}

void auditor_heard(struct server *server)
{
	struct audit_figures figures = { .sync = { .sum_us = 0 } };
	char word;
	int descriptor;
	/* One byte, or the figures. */
	ssize_t size = descriptor_receive(server->auditor, &figures, sizeof(figures),
					  &descriptor, MSG_DONTWAIT);

	if (size < 0 && errno == EAGAIN)
		return;
	memcpy(&word, &figures, 1);
	if (descriptor >= 0 && (size != 1 || word != STATE_WORD))
		close(descriptor); /* with no word that is ours */
	if (size == (ssize_t)sizeof(figures)) {
		observer_takes_sync(server, &figures.sync);
		return;
	}
	if (size != 1) {
		close(server->auditor); /* its end is seen by auditor_reaped */
		server->auditor = -1;
		server->auditor_ready = false;
		return;
	}
	switch (word) {
	case STATE_WORD:
		forget_state(server);
		server->auditor_stat = descriptor;
		break;
	case AUDIT_READY:
		became_ready(server);
		break;
	case AUDIT_ALIVE:
		service_auditor_answered(server);
		break;
	case AUDIT_FULL:
		server->log_is_stuck = true;
		log_error("the audit log can't be written: nothing is acknowledged until "
			  "it can");
		break;
	case AUDIT_WELL:
		server->log_is_stuck = false;
		log_info("the audit log can be written again");
		break;
	case AUDIT_SHORT_OF_ROOM:
	case AUDIT_ROOM:
		server->log_lacks_room = word == AUDIT_SHORT_OF_ROOM;
		break;
	default:
		break;
	}
}

void auditor_reaped(struct server *server, int status)
{
	server->auditor_pid = 0;
	server->auditor_ready = false;
	forget_state(server);
	if (server->auditor >= 0)
		close(server->auditor);
	server->auditor = -1;
	if (server->stopping && !server->first)
		return;
	log_error("the auditor ended (%s %d): starting another in %lld ms",
		  WIFSIGNALED(status) ? "signal" : "status",
		  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		  (long long)server->auditor_backoff_ms);
	server->auditor_restart_ms = clock_ms() + server->auditor_backoff_ms;
	server->auditor_backoff_ms *= 2;
	if (server->auditor_backoff_ms > BACKOFF_MAX_MS)
		server->auditor_backoff_ms = BACKOFF_MAX_MS;
}

/* In the end nobody else is kept waiting: what is still to be said may take a while. */
static bool waits_for_room(const struct server *server)
{
	struct pollfd control = { .fd = server->auditor, .events = POLLOUT };

	return errno == EAGAIN && server->stopping && !server->first &&
	       poll(&control, 1, ROOM_MS) > 0;
}

static bool try_tell(struct server *server, const char *peer, enum audit_event event,
		     enum audit_outcome outcome, enum reason reason, const char *detail)
{
	struct audit_record record;

	audit_record_init(&record);
	record.event = event;
	record.outcome = outcome;
	record.reason = reason;
	snprintf(record.detail, sizeof(record.detail), "%s", detail);
	return server->auditor >= 0 &&
	       (audit_tell(server->auditor, peer, &record) == 0 ||
		(waits_for_room(server) &&
		 audit_tell(server->auditor, peer, &record) == 0));
}

void auditor_tell(struct server *server, const char *peer, enum audit_event event,
		  enum audit_outcome outcome, enum reason reason, const char *detail)
{
	if (!try_tell(server, peer, event, outcome, reason, detail))
		log_error("the auditor could not be told: %s", detail);
}

static bool tell_turned_away(void *context, const char *peer, const char *detail)
{
	if (!try_tell(context, peer, AUDIT_ASSOCIATION, AUDIT_REFUSED,
		      REASON_LIMIT_ASSOCIATIONS, detail))
		return false;
	log_warning("refused: %s: %s", reason_name(REASON_LIMIT_ASSOCIATIONS), detail);
	return true;
}

void auditor_tell_turned_away(struct server *server, bool all)
{
	visitors_tell(&server->visitors, all, clock_ms(), tell_turned_away, server);
}

void auditor_maintain(struct server *server)
{
	/* Those that are still ending need one to the last. */
	if (server->auditor_pid == 0 && (!server->stopping || server->first) &&
	    clock_ms() >= server->auditor_restart_ms && auditor_start(server) != 0)
		server->auditor_restart_ms = clock_ms() + BACKOFF_MAX_MS;
	if (server->auditor_ready) {
		auditor_tell_turned_away(server, false);
		children_renew_auditor(server);
	}
}
