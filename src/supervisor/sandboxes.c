#include "supervisor/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "cathgate/base/log.h"

int sandboxes_open(struct server *server)
{
	struct sandbox_deaths *deaths = &server->sandboxes.deaths;

	if (sandbox_deaths_open(deaths) != 0) {
		log_error("the sandboxes' pipe: %s", strerror(errno));
		return -1;
	}
	server->parent.deaths = deaths->write;
	return 0;
}

int sandboxes_prepare(struct sandboxes *sandboxes)
{
	const char *lack = sandbox_lacks_landlock();

	sandboxes->own = sandbox_prepare(SANDBOX_SUPERVISOR);
	if (!sandboxes->own)
		return -1;
	if (lack)
		snprintf(sandboxes->lacks_landlock, sizeof(sandboxes->lacks_landlock),
			 "%s", lack);
	return 0;
}

void sandboxes_free(struct sandboxes *sandboxes)
{
	sandbox_free(sandboxes->own);
	sandboxes->own = NULL;
	sandbox_deaths_close(&sandboxes->deaths);
}

/* As in "the exporter", "the process of association 0123456789abcdef". False for a child
 * that the gateway has not started, or has replaced. */
static bool name_process(const struct server *server, pid_t pid, char *ret, size_t size)
{
	for (size_t i = 0; i < ROLES_COUNT; i++)
		if (server->helpers[i].pid == pid) {
			snprintf(ret, size, "the process cathgated%s",
				 strrchr(server->helpers[i].role->name, '-'));
			if (server->helpers[i].role->context)
				snprintf(ret, size, "the %s",
					 server->helpers[i].role->context);
			return true;
		}
	for (const struct place *p = server->gate.places.first; p; p = p->next)
		if (p->pid == pid) {
			snprintf(ret, size, "the process of association %s", p->id);
			return true;
		}
	for (const struct place *p = server->gate.couriers.first; p; p = p->next)
		if (p->pid == pid) {
			snprintf(ret, size, "the process of courier %s", p->id);
			return true;
		}
	snprintf(ret, size, "the keeper");
	return keeping_knows(&server->keeping, pid);
}

static void raise_alert(struct sandboxes *sandboxes, const char *alert)
{
	if (sandboxes->untold_count < SANDBOXES_UNTOLD)
		snprintf(sandboxes->untold[sandboxes->untold_count++],
			 SANDBOXES_ALERT_SIZE, "%s", alert);
}

/* A process that somebody killed is no fault of its own. */
static void say_how(struct server *server, pid_t pid, int signal, const char *how)
{
	char who[64], text[SANDBOXES_ALERT_SIZE];

	if (signal == 0 || signal == SIGKILL ||
	    !name_process(server, pid, who, sizeof(who)))
		return;
	snprintf(text, sizeof(text), "%s %s", who, how);
	log_bug("%s", text);
	if (signal != SIGSYS)
		return;
	raise_alert(&server->sandboxes, text);
	sandboxes_tell(server);
}

void sandboxes_judge(struct server *server, pid_t pid, int status,
		     char ret[SANDBOXES_HOW_SIZE])
{
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	ret[0] = '\0';
	if (signal == SIGSYS)
		snprintf(ret, SANDBOXES_HOW_SIZE,
			 "was ended: it called %s, which its sandbox forbids",
			 sandbox_deaths_call(&server->sandboxes.deaths, pid));
	else if (signal == SIGABRT)
		snprintf(ret, SANDBOXES_HOW_SIZE, "aborted itself");
	else if (signal == SIGKILL)
		snprintf(ret, SANDBOXES_HOW_SIZE, "was killed");
	else if (signal != 0)
		snprintf(ret, SANDBOXES_HOW_SIZE, "died of signal %d", signal);
	else if (WEXITSTATUS(status) != 0)
		snprintf(ret, SANDBOXES_HOW_SIZE, "ended with status %d",
			 WEXITSTATUS(status));
	say_how(server, pid, signal, ret);
}

/* While there is no auditor, or it is busy, they wait. */
void sandboxes_tell(struct server *server)
{
	struct sandboxes *sandboxes = &server->sandboxes;
	size_t told = 0;

	while (told < sandboxes->untold_count &&
	       auditing_try(&server->auditing, NULL, AUDIT_ALERT, AUDIT_RAISED,
			    REASON_INTERNAL, sandboxes->untold[told]))
		told++;
	sandboxes->untold_count -= told;
	memmove(sandboxes->untold[0], sandboxes->untold[told],
		sandboxes->untold_count * SANDBOXES_ALERT_SIZE);
}
