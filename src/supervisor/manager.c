#include "supervisor/server.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

#define ASK_EVERY_MS	5000
#define STATUS_EVERY_MS 1000
#define SILENT_MS	10000 /* then the status says so */

void manager_begin(struct manager *manager)
{
	uint64_t watchdog_us = 0;

	manager->has_watchdog = sd_watchdog_enabled(0, &watchdog_us) > 0;
	manager->ask_every_ms = ASK_EVERY_MS;
	if (manager->has_watchdog && watchdog_us / 4000 < ASK_EVERY_MS)
		manager->ask_every_ms = (int64_t)(watchdog_us / 4000) + 1;
	manager->asked_ms = clock_ms();
}

static void feed_watchdog(struct manager *manager)
{
	manager->fed_ms = clock_ms();
	if (manager->has_watchdog)
		sd_notify(0, "WATCHDOG=1");
}

static void tell_disk_answers(const struct manager *manager,
			      const struct auditing *auditing)
{
	char detail[80];

	snprintf(detail, sizeof(detail), "the audit log's disk did not answer for %lld s",
		 (long long)(clock_ms() - manager->asked_ms) / 1000);
	log_info("%s; it does again", detail);
	auditing_tell(auditing, AUDIT_ALERT, AUDIT_RAISED, REASON_AUDIT_UNAVAILABLE,
		      detail);
}

void manager_auditor_answered(struct manager *manager, const struct auditing *auditing)
{
	if (manager->is_answered)
		return;
	manager->is_answered = true;
	if (manager->disk_waits)
		tell_disk_answers(manager, auditing);
	manager->disk_waits = false;
	feed_watchdog(manager);
}

static void ask_auditor(struct manager *manager, const struct auditing *auditing)
{
	int64_t now_ms = clock_ms();

	if (now_ms - manager->asked_ms < manager->ask_every_ms)
		return;
	if (!auditing->helper->is_ready) {
		manager->asked_ms = now_ms;
		feed_watchdog(manager);
	} else if (!manager->is_answered && auditing_waits_for_disk(auditing)) {
		if (!manager->disk_waits)
			log_error("the audit log's disk doesn't answer: nothing is "
				  "acknowledged until it does");
		manager->disk_waits = true;
		if (now_ms - manager->fed_ms >= manager->ask_every_ms)
			feed_watchdog(manager);
	} else if (manager->is_answered && audit_ping(auditing->helper->channel) == 0) {
		manager->asked_ms = now_ms;
		manager->is_answered = false;
	}
}

static const char *plural(unsigned count)
{
	return count == 1 ? "" : "s";
}

/* What waits, in words behind what is served; "" for nothing. */
static void compose_backlog(const struct server *server, char *ret, size_t size)
{
	const struct spooling *spooling = &server->spooling;
	uint64_t objects = 0, bytes = 0, dead = 0;
	int64_t oldest = 0, now = time(NULL);
	char dead_text[48] = "";
	int length = 0;

	ret[0] = '\0';
	if (!config_has_spool(server->settings.config))
		return;
	if (spooling_missing_seconds(spooling) * 1000 > SILENT_MS)
		length = snprintf(ret, size, "; the spool is out of service");
	for (size_t i = 0; i < spooling->count; i++) {
		const struct spooler_figures *figures = &spooling->figures[i];

		objects += figures->objects;
		bytes += figures->bytes;
		dead += figures->dead;
		if (figures->oldest && (oldest == 0 || figures->oldest < oldest))
			oldest = figures->oldest;
	}
	if (dead > 0)
		snprintf(dead_text, sizeof(dead_text), "; %llu dead in the spool",
			 (unsigned long long)dead);
	if (objects > 0)
		snprintf(ret + length, size - (size_t)length,
			 "; %llu object%s (%llu MB) wait in the spool, the oldest for "
			 "%lld min%s",
			 (unsigned long long)objects, objects == 1 ? "" : "s",
			 (unsigned long long)bytes / 1000000,
			 (long long)(now > oldest ? now - oldest : 0) / 60, dead_text);
	else
		snprintf(ret + length, size - (size_t)length, "%s", dead_text);
}

static void compose_status(const struct server *server, char *ret, size_t size)
{
	const struct manager *manager = &server->manager;
	int64_t now_ms = clock_ms(), left_ms = server->kill_ms - now_ms;
	unsigned handshaking = server->gate.places.handshaking,
		 held = server->gate.places.held;
	char backlog[256];

	compose_backlog(server, backlog, sizeof(backlog));
	if (server->is_stopping)
		snprintf(ret, size,
			 "Stopping: %u association%s may finish the instance in hand, "
			 "for %lld s at most",
			 held, plural(held),
			 (long long)(left_ms > 0 ? left_ms : 0) / 1000);
	else if (!server->auditing.helper->is_ready)
		snprintf(ret, size,
			 "Nobody is let in: the auditor has ended, and another is being "
			 "started");
	else if (!server->keeping.helper->is_ready && server->keeping.trouble[0])
		snprintf(ret, size, "Nobody is let in: a private key is missing: %s",
			 server->keeping.trouble);
	else if (!server->keeping.helper->is_ready)
		snprintf(
			ret, size,
			"Nobody is let in: the keeper of the private keys has ended, and "
			"another is being started");
	else if (server->forking.missing_ms != 0 &&
		 now_ms - server->forking.missing_ms > SILENT_MS)
		snprintf(ret, size,
			 "Nobody is let in: the forker has ended, and no other could be "
			 "started for %lld s",
			 (long long)(now_ms - server->forking.missing_ms) / 1000);
	else if (server->auditing.log_is_stuck)
		snprintf(
			ret, size,
			"Nothing is acknowledged: the audit log can't be written, is its "
			"disk full?");
	else if (!manager->is_answered && now_ms - manager->asked_ms > SILENT_MS)
		snprintf(ret, size,
			 "Nothing is acknowledged: the %s has not answered for %lld s",
			 manager->disk_waits ? "audit log's disk" : "auditor",
			 (long long)(now_ms - manager->asked_ms) / 1000);
	else
		snprintf(ret, size,
			 "Serving %u association%s; %u connection%s not authenticated "
			 "yet%s",
			 held, plural(held), handshaking, plural(handshaking), backlog);
}

static void tell_status(struct server *server)
{
	struct manager *manager = &server->manager;
	char status[sizeof(manager->status)];

	if (!server->is_ready || clock_ms() - manager->status_ms < STATUS_EVERY_MS)
		return;
	compose_status(server, status, sizeof(status));
	if (strcmp(status, manager->status) == 0)
		return;
	manager->status_ms = clock_ms();
	memcpy(manager->status, status, sizeof(status));
	sd_notifyf(0, "STATUS=%s", status);
}

void manager_maintain(struct server *server)
{
	ask_auditor(&server->manager, &server->auditing);
	tell_status(server);
}
