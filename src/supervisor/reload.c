#include "supervisor/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <systemd/sd-daemon.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "supervisor/settings/changes.h"

#define FORKER_WAIT_MS 5000 /* a reload waits no longer for a forker */

int reload_first(struct server *server)
{
	int loaded;

	if (keeping_begin(&server->keeping) != 0) {
		log_error("the keeper: %s", strerror(errno));
		return 2;
	}
	loaded = settings_load(&server->settings, server->config_path, NULL,
			       &server->keeping.keys);
	settings_print(&server->settings, false);
	if (loaded != 0 && config_faults_refused(&server->settings.faults))
		return 3;
	if (loaded != 0)
		return server->keeping.is_silent ? 2 : 1;
	if (keeping_confirm(&server->keeping) != 0) {
		log_error("the keeper of the private keys doesn't answer");
		return 2;
	}
	keeping_replace(&server->keeping);
	return 0;
}

/* Each reload makes connections wait for another forker. However fast reloads follow each
 * other, those that have waited are accepted between two of them. */
static bool has_time_to_reload(const struct server *server)
{
	int64_t missing_ms = server->forking.missing_ms;

	return server->has_accepted ||
	       (missing_ms != 0 && clock_ms() - missing_ms > FORKER_WAIT_MS);
}

bool reload_is_possible(const struct server *server)
{
	return server->is_ready && server->auditing.helper->is_ready &&
	       !server->is_stopping && has_time_to_reload(server);
}

static void record_reload(const struct server *server, enum audit_outcome outcome,
			  const char *detail)
{
	auditing_tell(&server->auditing, AUDIT_RELOAD, outcome, REASON_NONE, detail);
}

/* For who asked for the reload. */
static void note_changes(const struct changes *changes, struct observer_verdict *verdict)
{
	const size_t room = sizeof(verdict->text) - strlen(AUDIT_GOES_ON);
	size_t used = 0;

	for (size_t i = 0; i < changes->count; i++) {
		const char *item = changes->items[i];

		if (used + 2 + strlen(item) >= room) {
			strcpy(verdict->text + used, AUDIT_GOES_ON);
			return;
		}
		used += (size_t)snprintf(verdict->text + used, room - used, "%s%s",
					 used > 0 ? "; " : "", item);
	}
}

/* On several lines if need be: the allowlist is part of the evidence. */
static void record_changes(const struct server *server, const struct changes *changes)
{
	char detail[sizeof(((struct audit_record *)0)->detail)] = "";
	const size_t room = sizeof(detail) - strlen(AUDIT_GOES_ON);
	size_t used = 0;

	for (size_t i = 0; i < changes->count; i++) {
		const char *item = changes->items[i];

		log_info("reload: %s", item);
		if (used > 0 && used + 2 + strlen(item) >= room) {
			strcpy(detail + used, AUDIT_GOES_ON);
			record_reload(server, AUDIT_DONE, detail);
			used = 0;
		}
		used += (size_t)snprintf(detail + used, room - used, "%s%s",
					 used > 0 ? "; " : "", item);
		if (used >= room)
			used = room - 1;
	}
	record_reload(server, AUDIT_DONE,
		      changes->count > 0 ? detail : "nothing has changed");
}

static void refuse_reload(const struct server *server, const struct settings *next,
			  struct observer_verdict *verdict)
{
	const char *first = "";
	char detail[sizeof(((struct audit_record *)0)->detail)];

	for (size_t i = next->faults.count; i > 0; i--)
		if (config_fault_is_error(&next->faults.items[i - 1]))
			first = next->faults.items[i - 1].text;
	settings_print_new(next, &server->settings);
	log_error("reload refused: what was in force stays so; correct it, prove it with "
		  "cathgated --check, and reload again");
	if (next->faults.error_count == 1)
		snprintf(detail, sizeof(detail), "%s", first);
	else
		snprintf(detail, sizeof(detail), "the first of %zu errors: %s",
			 next->faults.error_count, first);
	record_reload(server, AUDIT_REFUSED, detail);
	verdict->is_refused = true;
	verdict->error_count = (uint32_t)next->faults.error_count;
	snprintf(verdict->text, sizeof(verdict->text), "%s", first);
}

/* The auditor and the exporter were started with some keys, which stay as they were. */
static void keep_fixed(const struct server *server, struct settings *next,
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
	next->config->spool.directory = first->spool.directory;
	next->config->gateway_name = first->gateway_name;
}

static bool is_same_path(const struct config_file *a, const struct config_file *b)
{
	return a->path && b->path ? strcmp(a->path, b->path) == 0 : a->path == b->path;
}

static void renew_observer(struct helper *observer, const struct config *before,
			   const struct config *now)
{
	observer->restart_ms = 0;
	if (!is_same_path(&before->metrics.textfile, &now->metrics.textfile) ||
	    !is_same_path(&before->control.socket, &now->control.socket))
		helper_dismiss(observer);
}

static void renew_alerter(struct helper *alerter, const struct config *before,
			  const struct config *now)
{
	alerter->restart_ms = 0;
	if (!changes_same_strings(&before->alerts.command, &now->alerts.command))
		helper_dismiss(alerter);
}

static void bring_into_force(struct server *server, struct settings *next,
			     struct listener *listeners, size_t listener_count)
{
	struct settings before = server->settings;
	const struct config *now = next->config;
	struct gate *gate = &server->gate;

	papers_free(gate);
	keeping_replace(&server->keeping);
	server->settings = *next;
	server->settings.shares_config = false;
	gate->edition++;
	forking_renew(&server->forking);
	listeners_replace(&gate->listeners, now, listeners, listener_count);
	renew_observer(&server->helpers[ROLES_OBSERVER], before.config, now);
	renew_alerter(&server->helpers[ROLES_ALERTER], before.config, now);
	places_revise(&gate->places, before.config, now);
	places_revise(&gate->couriers, before.config, now);
	spooling_renew(&server->spooling, &before, &server->settings);
	accept_revise(gate, before.config, now);
	if (before.config != now)
		gate->held_back = (struct held_back){ 0 };
	paces_say(gate);
	if (resolver_renew(&server->resolver, &server->settings, &before))
		helper_dismiss(gate->dialler);
	reload_raise_alerts(server, &before);
	if (before.config == now || before.config == server->first_config)
		before.shares_config = true; /* it is still needed */
	settings_free(&before);
	papers_maintain(gate);
	warnings_adopt(&server->warnings, &server->settings);
	if (watch_renew(&server->watch, &server->settings) != 0)
		log_error("no memory to watch the certificates: reload again");
}

MUST_USE static int try_next(struct server *server, const char *config_path,
			     struct settings *next, struct changes *changes)
{
	const struct config *now = server->settings.config;
	struct gate *gate = &server->gate;
	struct listener *listeners;
	size_t listener_count;

	if (settings_load(next, config_path, &server->settings, &server->keeping.keys) !=
	    0)
		return -1;
	if (keeping_confirm(&server->keeping) != 0) {
		config_fault_add(&next->faults, CONFIG_ERROR, NULL,
				 "the keeper of the private keys doesn't answer");
		return -1;
	}
	listeners = listeners_renew(&gate->listeners, now, next->config, &listener_count,
				    &next->faults);
	if (!listeners)
		return -1;
	if (rates_renew(&gate->modality_rates, now, next->config) != 0) {
		config_fault_add(&next->faults, CONFIG_ERROR, NULL,
				 "no memory for the modalities");
		listeners_forget(&gate->listeners, listeners, listener_count);
		return -1;
	}
	keep_fixed(server, next, changes);
	changes_list(&server->settings, next, changes);
	settings_print_new(next, &server->settings);
	bring_into_force(server, next, listeners, listener_count);
	return 0;
}

/* Without a path, only files that the configuration in force names are read. A refusal is
 * logged and recorded, unless it `is_quiet` and may be tried again; *verdict says what
 * came of it. 0 or -1. */
MUST_USE static int try_reload(struct server *server, const char *config_path,
			       bool is_quiet, struct observer_verdict *verdict)
{
	struct settings next = { 0 };
	struct changes changes = { 0 };
	int64_t began_us = clock_us();
	int rc = -1;

	if (keeping_begin(&server->keeping) == 0)
		rc = try_next(server, config_path, &next, &changes);
	else
		config_fault_add(&next.faults, CONFIG_ERROR, NULL,
				 "the keeper of the private keys can't be started: %s",
				 strerror(errno));
	if (rc != 0)
		keeping_give_up(&server->keeping);

	if (rc == 0 && !config_path && changes.count == 0) {
		log_debug("files have changed, but not what they say");
	} else if (rc == 0) {
		log_info("reloaded in %lld ms",
			 (long long)(clock_us() - began_us) / 1000);
		record_changes(server, &changes);
		note_changes(&changes, verdict);
	} else {
		bool is_refused = config_faults_refused(&next.faults) != NULL;

		/* Another configuration's token says nothing of the one in force. */
		if (!config_path)
			server->keeping.is_refused = is_refused;
		if (!is_quiet || is_refused)
			refuse_reload(server, &next, verdict);
		settings_free(&next);
	}
	changes_clear(&changes);
	return rc;
}

static struct observer_verdict begin_verdict(void)
{
	return (struct observer_verdict){ .began_us = clock_us(), .began = time(NULL) };
}

void reload_all(struct server *server)
{
	struct observer_verdict verdict = begin_verdict();

	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)verdict.began_us);
	/* It logs a refusal. */
	(void)!try_reload(server, server->config_path, false, &verdict);
	snapshot_tell_verdict(server, &verdict);
	sd_notify(0, "READY=1");
}

void reload_maintain(struct server *server)
{
	struct observer_verdict verdict = begin_verdict();
	bool is_last_try = watch_is_last_try(server->watch), is_taken;

	if (!watch_maintain(server->watch))
		return;
	if (server->keeping.is_refused) { /* each try counts at the token */
		log_warning(
			"certificates, keys or CRLs may have changed on disk; they are "
			"not read, since a token has refused a key: cathgate reload "
			"tries again");
		return;
	}
	is_taken = try_reload(server, NULL, !is_last_try, &verdict) == 0;
	is_last_try = is_last_try || server->keeping.is_refused;
	if (!is_taken)
		watch_refused(server->watch, is_last_try);
	/* It doesn't speak of the configuration, which may still be refused. */
	if (is_taken || is_last_try)
		snapshot_tell_files(server, &verdict);
}

void reload_raise_alerts(const struct server *server, const struct settings *before)
{
	const struct config_faults *faults = &server->settings.faults;

	for (size_t i = 0; i < faults->count; i++)
		if (faults->items[i].kind == CONFIG_CALENDAR &&
		    (!before || !settings_have_fault(before, &faults->items[i])))
			auditing_tell(&server->auditing, AUDIT_ALERT, AUDIT_RAISED,
				      faults->items[i].reason, faults->items[i].text);
}
