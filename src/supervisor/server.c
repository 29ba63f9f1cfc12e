/*
 * The supervisor's life: acquire in order, one event loop, stop.
 */
#include "cathgate/supervisor/server.h"

#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/dicom/upper_layer.h"

#define TICK_MS		  1000
#define RESOLVE_WAIT_MS	  3000 /* READY=1 waits no longer for the first names */
#define KILL_AFTER_MS	  7000 /* on top of the grace: what parting takes, and a bit */
#define AUDITOR_FINISH_MS 10000

static struct server the_server; /* its address is in every child: never on a stack */

static int take_signals(struct server *server)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return server->signals >= 0 ? 0 : -1;
}

/* Memory of this and every later process is closed to others of the same user, and never
 * reaches a core file. A leak checker must be able to look, so not under one. */
static void harden(void)
{
	struct rlimit none = { 0, 0 }, files;

#ifndef __SANITIZE_ADDRESS__
	prctl(PR_SET_DUMPABLE, 0);
#endif
	setrlimit(RLIMIT_CORE, &none);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static void say_ready(struct server *server, int64_t started_ms)
{
	if (server->ready_said || !server->auditor_ready ||
	    (!server->resolved && clock_ms() - started_ms < RESOLVE_WAIT_MS))
		return;
	server->ready_said = true;
	server->ever_ready = true;
	server->observer.tell_ms = 0; /* cathgate status must not lag behind READY=1 */
	auditor_tell(server, NULL, AUDIT_START, AUDIT_NO_OUTCOME, REASON_NONE, "");
	reload_raise_alerts(server, NULL);
	service_say_ready();
	log_info("ready");
}

static void begin_stop(struct server *server)
{
	if (server->stopping) {
		server->kill_ms = clock_ms(); /* told twice: no more grace */
		return;
	}
	log_info("stopping: associations with an instance in hand have %u s",
		 server->setup.config->limits.grace_seconds);
	service_say_stopping(server->setup.config->limits.grace_seconds +
			     (KILL_AFTER_MS + AUDITOR_FINISH_MS) / 1000);
	server->stopping = true;
	server->kill_ms = clock_ms() + KILL_AFTER_MS +
			  (int64_t)server->setup.config->limits.grace_seconds * 1000;
	listeners_close(server);
	children_tell(server, ASSOCIATION_STOP);
}

static void reap(struct server *server)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		if (pid == server->auditor_pid) {
			auditor_reaped(server, status);
			continue;
		}
		if (pid == server->resolver_pid) {
			resolver_reaped(server);
			continue;
		}
		if (pid == server->exporter_pid) {
			exporter_reaped(server, status);
			continue;
		}
		if (pid == server->observer.pid) {
			observer_reaped(server);
			continue;
		}
		if (told_reaped(server, pid, status))
			continue;
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
			log_bug("an association's process (%d) died of signal %d", pid,
				WTERMSIG(status));
		child_reaped(server, pid, &usage);
	}
}

static void take_signal(struct server *server)
{
	struct signalfd_siginfo info;

	while (read(server->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(server);
		else if (info.ssi_signo == SIGHUP)
			server->reload_wanted = true;
		else
			begin_stop(server);
	}
}

/* One turn: whatever is ready. Children are polled afresh each time: there are few
 * enough, and none can be stale. */
static void turn(struct server *server)
{
	size_t listeners = server->listener_count, count = 0, children = 0;
	static struct pollfd *fds;
	static struct child **of;
	static size_t room;
	int64_t pause_ms = server->accept_again_ms - clock_ms();
	bool accepting = server->ready_said && !server->stopping && pause_ms <= 0;
	int64_t wait_ms = pause_ms > 0 && pause_ms < TICK_MS ? pause_ms : TICK_MS;

	for (struct child *c = server->first; c; c = c->next)
		children++;
	if (listeners + children + 4 > room) {
		room = 2 * (listeners + children + 4);
		fds = realloc(fds, room * sizeof(*fds));
		of = realloc(of, room * sizeof(struct child *));
		if (!fds || !of) {
			log_error("no memory for the event loop");
			exit(2);
		}
	}
	fds[count++] = (struct pollfd){ .fd = server->signals, .events = POLLIN };
	fds[count++] = (struct pollfd){ .fd = server->auditor, .events = POLLIN };
	fds[count++] = (struct pollfd){ .fd = server->resolver, .events = POLLIN };
	fds[count++] =
		(struct pollfd){ .fd = watch_descriptor(server), .events = POLLIN };
	for (size_t i = 0; i < listeners; i++)
		fds[count++] =
			(struct pollfd){ .fd = accepting ? server->listeners[i].fd : -1,
					 .events = POLLIN };
	for (struct child *c = server->first; c; c = c->next) {
		of[count] = c;
		fds[count++] = (struct pollfd){ .fd = c->line, .events = POLLIN };
	}
	if (wait_ms > watch_wait_ms(server))
		wait_ms = watch_wait_ms(server);
	if (wait_ms > server->service.asks_every_ms)
		wait_ms = server->service.asks_every_ms;
	if (poll(fds, count, (int)wait_ms) <= 0)
		return;

	/* Children first: what they free makes room for those that come. */
	for (size_t i = 4 + listeners; i < count; i++)
		if (fds[i].revents)
			child_heard(server, of[i]);
	if (fds[1].revents)
		auditor_heard(server);
	if (fds[2].revents)
		resolver_heard(server);
	if (fds[3].revents)
		watch_heard(server);
	for (size_t i = 0; i < listeners; i++)
		if (fds[4 + i].revents)
			accept_some(server, i);
	if (fds[0].revents)
		take_signal(server);
}

/* Between two turns, when nobody looks at what is about to go; and when there is somebody
 * to write it down. */
static void maybe_reload(struct server *server)
{
	if (!server->ready_said || !server->auditor_ready || server->stopping)
		return;
	if (server->reload_wanted)
		reload_run(server, RELOAD_ASKED, true);
	server->reload_wanted = false;
	watch_maintain(server);
	warnings_maintain(server);
}

static int run(struct server *server)
{
	int64_t started_ms = clock_ms();

	for (;;) {
		turn(server);
		exporter_maintain(server);
		observer_maintain(server);
		say_ready(server, started_ms);
		maybe_reload(server);
		if (!server->ever_ready && server->auditor_pid == 0)
			return 2; /* it has said why */
		if (server->stopping && !server->first)
			return 0;
		if (server->stopping) /* a word is lost on one that doesn't listen */
			children_tell(server, ASSOCIATION_STOP);
		if (server->stopping && clock_ms() >= server->kill_ms)
			children_kill(server, REASON_GATEWAY_STOPPING);
		children_maintain(server);
		auditor_maintain(server);
		resolver_maintain(server);
		papers_maintain(server);
		service_maintain(server);
	}
}

bool ends_within(struct server *server, pid_t pid, int64_t wait_ms)
{
	int64_t end_ms = clock_ms() + wait_ms;
	struct signalfd_siginfo info;
	struct pollfd signals = { .fd = server->signals, .events = POLLIN };

	while (waitpid(pid, NULL, WNOHANG) != pid) {
		if (clock_ms() >= end_ms)
			return false;
		/* Whichever signal it was: it has been told to stop already. */
		if (poll(&signals, 1, 100) > 0)
			(void)!read(server->signals, &info, sizeof(info));
	}
	return true;
}

/* The auditor has every last line when its lines and its control socket are closed. */
static void stop_auditor(struct server *server)
{
	if (server->auditor >= 0)
		auditor_tell_turned_away(server, true);
	if (server->ever_ready)
		auditor_tell(server, NULL, AUDIT_STOP, AUDIT_NO_OUTCOME, REASON_NONE, "");
	if (server->auditor >= 0)
		close(server->auditor);
	server->auditor = -1;
	if (server->auditor_pid > 0 &&
	    !ends_within(server, server->auditor_pid, AUDITOR_FINISH_MS))
		log_error("the auditor still waits for its disk; it ends by itself");
}

static void release(struct server *server)
{
	server->stopping = true;
	stop_auditor(server);
	exporter_stop(server);
	observer_stop(server);
	if (server->resolver >= 0)
		close(server->resolver);
	if (server->resolver_pid > 0) {
		kill(server->resolver_pid, SIGKILL);
		waitpid(server->resolver_pid, NULL, 0);
	}
	listeners_close(server);
	watch_end(server);
	warnings_end(server);
	papers_free(server);
	if (server->auditor_stat >= 0)
		close(server->auditor_stat);
	free(server->modality_rates);
	if (server->signals >= 0)
		close(server->signals);
	if (server->setup.config != server->first_config)
		config_free(server->first_config);
	setup_free(&server->setup);
}

int server_run(const char *config_path)
{
	struct server *server = &the_server;
	int status = 2;

	*server = (struct server){ .signals = -1,
				   .auditor = -1,
				   .auditor_stat = -1,
				   .resolver = -1,
				   .exporter = -1,
				   .observer = { .socket = -1,
						 .started = time(NULL),
						 .started_us = clock_us() },
				   .auditor_backoff_ms = 100,
				   .config_path = config_path,
				   .self = getpid() };
	harden();
	if (listeners_take_passed(server) != 0)
		goto out;
	if (setup_load(&server->setup, config_path) != 0) {
		setup_print(&server->setup, false);
		status = 1;
		goto out;
	}
	setup_print(&server->setup, false);
	ul_init();
	if (take_signals(server) != 0) {
		log_error("signals: %s", strerror(errno));
		goto out;
	}
	server->first_config = server->setup.config;
	if (rates_renew(server, NULL, server->setup.config) != 0) {
		log_error("no memory for the modalities");
		goto out;
	}
	if (watch_begin(server) != 0 || warnings_begin(server) != 0) {
		log_error("no memory to watch the certificates");
		goto out;
	}
	service_begin(server);
	if (listeners_open(server) != 0 || auditor_start(server) != 0 ||
	    resolver_start(server) != 0)
		goto out;
	exporter_decide(server);
	status = run(server);
out:
	release(server);
	if (status == 0)
		log_info("stopped");
	return status;
}
