/*
 * What the service manager hears all the time (sd_notify(3)). The watchdog is fed by the
 * auditor's answers: the loop that accepts asks, and the loop that writes answers, so
 * that neither can hang unseen. A disk that is full or fails is an answer; so is an
 * auditor that has died, since another is started.
 */
#pragma once

#include "supervisor/helpers/auditing.h"

struct server;

struct manager {
	int64_t ask_every_ms; /* the auditor, whether it is alive */
	bool has_watchdog;
	bool is_answered; /* the last question, by the auditor */
	int64_t asked_ms; /* when that was */
	int64_t fed_ms;
	bool disk_waits; /* and so the auditor doesn't answer */
	int64_t status_ms;
	char status[640];
};

void manager_begin(struct manager *manager);
/* The auditor has answered the question. */
void manager_auditor_answered(struct manager *manager, const struct auditing *auditing);
void manager_maintain(struct server *server);
