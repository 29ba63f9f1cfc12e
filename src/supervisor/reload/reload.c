/*
 * A reload: all is read and checked as at start, then in force at once, or not at all.
 * The files are small and local, and reading them takes milliseconds; nothing else here
 * can hold the supervisor up.
 */
#include "supervisor/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

static void record(struct server *server, enum audit_outcome outcome, const char *detail)
{
	auditor_tell(server, NULL, AUDIT_RELOAD, outcome, REASON_NONE, detail);
}

/* As many lines as it takes: who may come in is part of the evidence. */
static void record_changes(struct server *server, const struct changes *changes)
{
	char detail[sizeof(((struct audit_record *)0)->detail)] = "";
	const size_t room = sizeof(detail) - strlen(AUDIT_GOES_ON);
	size_t used = 0;

	for (size_t i = 0; i < changes->count; i++) {
		const char *item = changes->items[i];

		log_info("reload: %s", item);
		if (used > 0 && used + 2 + strlen(item) >= room) {
			strcpy(detail + used, AUDIT_GOES_ON);
			record(server, AUDIT_DONE, detail);
			used = 0;
		}
		used += (size_t)snprintf(detail + used, room - used, "%s%s",
					 used > 0 ? "; " : "", item);
		if (used >= room)
			used = room - 1;
	}
	record(server, AUDIT_DONE, changes->count > 0 ? detail : "nothing has changed");
}

static void refuse(struct server *server, const struct setup *next)
{
	const char *first = "";
	char detail[sizeof(((struct audit_record *)0)->detail)];

	for (size_t i = next->faults.count; i > 0; i--)
		if (next->faults.items[i - 1].kind == CONFIG_ERROR)
			first = next->faults.items[i - 1].text;
	setup_print_new(next, &server->setup);
	log_error("reload refused: what was in force stays so; correct it, prove it with "
		  "cathgated --check, and reload again");
	if (next->faults.error_count == 1)
		snprintf(detail, sizeof(detail), "%s", first);
	else
		snprintf(detail, sizeof(detail), "the first of %zu errors: %s",
			 next->faults.error_count, first);
	record(server, AUDIT_REFUSED, detail);
}

/* The auditor and what it speaks to were started with these. */
static void keep_fixed(const struct server *server, struct setup *next,
		       struct changes *changes)
{
	const struct config *first = server->first_config;
	char keys[400];

	if (next->shares_config)
		return;
	config_fixed_changes(first, next->config, keys, sizeof(keys));
	if (keys[0]) {
		log_warning("reload: %s: can't change while the gateway runs: systemctl "
			    "restart",
			    keys);
		changes_add(changes, "not before a restart: %s", keys);
	}
	next->config->audit = first->audit;
	next->config->gateway_name = first->gateway_name;
}

static void bring_into_force(struct server *server, struct setup *next,
			     struct listener *listeners, size_t listener_count)
{
	struct setup before = server->setup;

	papers_free(server);
	server->setup = *next;
	server->setup.shares_config = false;
	server->reloads++;
	/* Processes that are forked from here on hold none of the old keys. */
	setup_forget_keys(&before);
	listeners_replace(server, listeners, listener_count);
	observer_renew(server, before.config);
	children_revise(server, before.config);
	resolver_renew(server, &before);
	reload_raise_alerts(server, &before);
	if (before.config == server->setup.config ||
	    before.config == server->first_config)
		before.shares_config = true; /* it is still needed */
	setup_free(&before);
	papers_maintain(server);
	warnings_adopt(server);
	if (watch_begin(server) != 0)
		log_error("no memory to watch the certificates: reload again");
}

static int try_next(struct server *server, enum reload_cause cause, struct setup *next,
		    struct changes *changes)
{
	const char *path = cause == RELOAD_ASKED ? server->config_path : NULL;
	struct listener *listeners;
	size_t listener_count;

	if (setup_renew(next, path, &server->setup) != 0)
		return -1;
	listeners = listeners_renew(server, next->config, &listener_count, &next->faults);
	if (!listeners)
		return -1;
	if (rates_renew(server, server->setup.config, next->config) != 0) {
		config_fault_add(&next->faults, CONFIG_ERROR, NULL,
				 "no memory for the modalities");
		listeners_forget(server, listeners, listener_count);
		return -1;
	}
	keep_fixed(server, next, changes);
	changes_list(&server->setup, next, changes);
	setup_print_new(next, &server->setup);
	bring_into_force(server, next, listeners, listener_count);
	return 0;
}

int reload_run(struct server *server, enum reload_cause cause, bool tells)
{
	struct setup next = { 0 };
	struct changes changes = { 0 };
	int64_t began_us = clock_us();
	int rc;

	if (cause == RELOAD_ASKED)
		service_say_reloading();
	rc = try_next(server, cause, &next, &changes);
	if (rc == 0 && cause == RELOAD_FILES && changes.count == 0) {
		log_debug("files have changed, but not what they say");
	} else if (rc == 0) {
		log_info("reloaded in %lld ms",
			 (long long)(clock_us() - began_us) / 1000);
		record_changes(server, &changes);
	} else {
		if (tells)
			refuse(server, &next);
		setup_free(&next);
	}
	changes_clear(&changes);
	if (cause == RELOAD_ASKED)
		service_say_ready();
	return rc;
}

void reload_raise_alerts(struct server *server, const struct setup *before)
{
	const struct config_faults *faults = &server->setup.faults;

	for (size_t i = 0; i < faults->count; i++)
		if (faults->items[i].kind == CONFIG_CALENDAR &&
		    (!before || !setup_has_fault(before, &faults->items[i])))
			auditor_tell(server, NULL, AUDIT_ALERT, AUDIT_RAISED,
				     faults->items[i].reason, faults->items[i].text);
}
