/*
 * Every process that the supervisor starts: what it is for, what it keeps, when it is
 * started and how long it may take to end.
 */
#pragma once

struct server;

/* All but associations. */
enum roles_helper {
	ROLES_AUDITOR,
	ROLES_RESOLVER,
	ROLES_EXPORTER,
	ROLES_OBSERVER,
	ROLES_SCRIBE,
	ROLES_COUNT
};

/* Makes the helpers ready to be started, and gives each to its part of the server. */
void roles_init(struct server *server);
/* Decides whether there is anybody to export to, once and for all. */
void roles_decide_export(struct server *server);
