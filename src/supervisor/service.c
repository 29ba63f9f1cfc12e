/*
 * What the service manager hears (sd_notify(3)). The watchdog is fed by the auditor's
 * answers: the question is asked by the loop that accepts, and the answer comes from the
 * loop that writes, so that neither can hang unseen. A disk that is full or fails is an
 * answer; so is an auditor that has died, since another is started.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

#define ASK_EVERY_MS	5000
#define STATUS_EVERY_MS 1000
#define SILENT_MS	10000 /* then it is worth a word */
#define STOP_MARGIN_S	15

void service_begin(struct server *server)
{
	struct service *service = &server->service;
	uint64_t watchdog_us = 0;

	service->has_watchdog = sd_watchdog_enabled(0, &watchdog_us) > 0;
	service->asks_every_ms = ASK_EVERY_MS;
	if (service->has_watchdog && watchdog_us / 4000 < ASK_EVERY_MS)
		service->asks_every_ms = (int64_t)(watchdog_us / 4000) + 1;
	service->asked_ms = clock_ms();
}

void service_say_ready(void)
{
	sd_notify(0, "READY=1");
}

void service_say_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_us());
}

/* The unit's TimeoutStopSec= fits the usual grace; a longer one is asked for. */
void service_say_stopping(unsigned seconds)
{
	sd_notifyf(0, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%llu",
		   (seconds + STOP_MARGIN_S) * 1000000ULL);
}

static void feed(struct service *service)
{
	service->fed_ms = clock_ms();
	if (service->has_watchdog)
		sd_notify(0, "WATCHDOG=1");
}

static void tell_disk_answers(struct server *server)
{
	char detail[80];

	snprintf(detail, sizeof(detail), "the audit log's disk did not answer for %lld s",
		 (long long)(clock_ms() - server->service.asked_ms) / 1000);
	log_info("%s; it does again", detail);
	auditor_tell(server, NULL, AUDIT_ALERT, AUDIT_RAISED, REASON_AUDIT_UNAVAILABLE,
		     detail);
}

void service_auditor_answered(struct server *server)
{
	if (server->service.is_answered)
		return;
	server->service.is_answered = true;
	if (server->service.disk_waits)
		tell_disk_answers(server);
	server->service.disk_waits = false;
	feed(&server->service);
}

static void ask(struct server *server)
{
	struct service *service = &server->service;
	int64_t now_ms = clock_ms();

	if (now_ms - service->asked_ms < service->asks_every_ms)
		return;
	if (!server->auditor_ready) {
		service->asked_ms = now_ms;
		feed(service);
	} else if (!service->is_answered && auditor_waits_for_disk(server)) {
		if (!service->disk_waits)
			log_error("the audit log's disk doesn't answer: nothing is "
				  "acknowledged until it does");
		service->disk_waits = true;
		if (now_ms - service->fed_ms >= service->asks_every_ms)
			feed(service);
	} else if (service->is_answered && audit_ping(server->auditor) == 0) {
		service->asked_ms = now_ms;
		service->is_answered = false;
	}
}

static const char *plural(unsigned count)
{
	return count == 1 ? "" : "s";
}

static void compose(const struct server *server, char *ret, size_t size)
{
	const struct service *service = &server->service;
	int64_t now_ms = clock_ms(), left_ms = server->kill_ms - now_ms;
	unsigned handshaking = server->handshaking, placed = server->placed;

	if (server->stopping)
		snprintf(ret, size,
			 "Stopping: %u association%s may finish the instance in hand, "
			 "for %lld s at most",
			 placed, plural(placed),
			 (long long)(left_ms > 0 ? left_ms : 0) / 1000);
	else if (!server->auditor_ready)
		snprintf(ret, size,
			 "Nobody is let in: the auditor has ended, and another is being "
			 "started");
	else if (server->log_is_stuck)
		snprintf(
			ret, size,
			"Nothing is acknowledged: the audit log can't be written, is its "
			"disk full?");
	else if (!service->is_answered && now_ms - service->asked_ms > SILENT_MS)
		snprintf(ret, size,
			 "Nothing is acknowledged: the %s has not answered for %lld s",
			 service->disk_waits ? "audit log's disk" : "auditor",
			 (long long)(now_ms - service->asked_ms) / 1000);
	else
		snprintf(
			ret, size,
			"Serving %u association%s; %u connection%s not authenticated yet",
			placed, plural(placed), handshaking, plural(handshaking));
}

static void tell_status(struct server *server)
{
	struct service *service = &server->service;
	char status[sizeof(service->status)];

	if (!server->ready_said || clock_ms() - service->status_ms < STATUS_EVERY_MS)
		return;
	compose(server, status, sizeof(status));
	if (strcmp(status, service->status) == 0)
		return;
	service->status_ms = clock_ms();
	memcpy(service->status, status, sizeof(status));
	sd_notifyf(0, "STATUS=%s", status);
}

void service_maintain(struct server *server)
{
	ask(server);
	tell_status(server);
}
