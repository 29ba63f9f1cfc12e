#include "supervisor/server.h"

#include "cathgate/audit/auditor.h"
#include "cathgate/base/log.h"
#include "cathgate/exporter/exporter.h"
#include "cathgate/observer/alerter.h"
#include "cathgate/observer/observer.h"

static int run_auditor(int channel, const void *argument)
{
	const struct server *server = argument;

	auditing_show_state(channel);
	return auditor_run(channel, server->settings.config);
}

/* Associations that are still ending need an auditor to the last. */
static bool wants_auditor(const void *argument)
{
	const struct server *server = argument;

	return !server->is_stopping || server->gate.places.first;
}

static int run_resolver(int channel, const void *argument)
{
	const struct server *server = argument;

	resolver_run(channel, server->settings.config);
}

static bool wants_resolver(const void *argument)
{
	const struct server *server = argument;

	return server->resolver.has_names && !server->is_stopping;
}

static int run_dialler(int channel, const void *argument)
{
	const struct server *server = argument;

	return dialler_run(channel, server->settings.config);
}

/* Associations that finish the instance in hand may have to call their destination. */
static bool wants_dialler(const void *argument)
{
	const struct server *server = argument;

	return !server->is_stopping || server->gate.places.first;
}

static int run_exporter(int channel, const void *argument)
{
	const struct server *server = argument;

	return exporter_run(channel, server->settings.config, server->exports_to_journal);
}

static bool wants_exporter(const void *argument)
{
	const struct server *server = argument;

	return server->exports;
}

static int run_observer(int channel, const void *argument)
{
	const struct server *server = argument;

	return observer_run(channel, server->settings.config);
}

static bool wants_observer(const void *argument)
{
	const struct server *server = argument;

	return !server->is_stopping && observer_is_wanted(server->settings.config);
}

static int run_alerter(int channel, const void *argument)
{
	const struct server *server = argument;

	return alerter_run(channel, server->settings.config,
			   server->snapshot.alerts_told.heard);
}

static bool wants_alerter(const void *argument)
{
	const struct server *server = argument;

	return !server->is_stopping && alerter_is_wanted(server->settings.config);
}

static int run_scribe(int channel, const void *argument)
{
	const struct server *server = argument;
	const struct warnings *warnings = &server->warnings;

	(void)channel;
	return warning_list_write(&warnings->list, warnings->path) == 0 ? 0 : 1;
}

static const struct role roles[ROLES_COUNT] = {
	/* When the supervisor dies, the auditor still writes what it is told. */
	[ROLES_AUDITOR] = { .name = "cathgated-audit",
			    .context = "auditor",
			    .outlives_parent = true,
			    .run = run_auditor,
			    .is_wanted = wants_auditor,
			    .backoff_ms = 100,
			    .backoff_max_ms = 5000,
			    .finish_ms = 10000,
			    .late = "the auditor still waits for its disk; it ends by "
				    "itself" },
	[ROLES_RESOLVER] = { .name = "cathgated-names",
			     .context = "resolver",
			     .run = run_resolver,
			     .is_wanted = wants_resolver,
			     .backoff_ms = 1000,
			     .backoff_max_ms = 1000,
			     .ended = "the resolver ended: starting another" },
	[ROLES_DIALLER] = { .name = "cathgated-dials",
			    .context = "dialler",
			    .run = run_dialler,
			    .is_wanted = wants_dialler,
			    .backoff_ms = 100,
			    .backoff_max_ms = 1000,
			    .well_ms = 10000 },
	[ROLES_EXPORTER] = { .name = "cathgated-sends",
			     .context = "exporter",
			     .run = run_exporter,
			     .is_wanted = wants_exporter,
			     .backoff_ms = 100,
			     .backoff_max_ms = 5000,
			     .well_ms = 10000,
			     .finish_ms = EXPORTER_FINISH_MS + 1000,
			     .late = "the exporter does not end: what it has not "
				     "exported yet is exported after the next start" },
	[ROLES_OBSERVER] = { .name = "cathgated-shown",
			     .context = "observer",
			     .run = run_observer,
			     .is_wanted = wants_observer,
			     .backoff_ms = 5000,
			     .backoff_max_ms = 5000,
			     .finish_ms = OBSERVER_FINISH_MS + 500,
			     .ended = "the observer ended: metrics and status stand "
				      "still until another starts, in 5 s" },
	[ROLES_ALERTER] = { .name = "cathgated-rings",
			    .context = "alerter",
			    .run = run_alerter,
			    .is_wanted = wants_alerter,
			    .backoff_ms = 5000,
			    .backoff_max_ms = 5000,
			    .finish_ms = 1000,
			    .ended = "the alerter ended: nobody hears of alerts until "
				     "another starts, in 5 s" },
	[ROLES_SCRIBE] = { .name = "cathgated-told",
			   .is_once = true,
			   .run = run_scribe,
			   .finish_ms = 2000 },
};

static void forget_keys(void *settings)
{
	settings_forget_keys(settings);
}

void roles_init(struct server *server)
{
	struct helper *helpers = server->helpers;

	server->parent.forget_keys = forget_keys;
	server->parent.keys = &server->settings;
	for (size_t i = 0; i < ROLES_COUNT; i++)
		helpers[i] = (struct helper){ .role = &roles[i],
					      .parent = &server->parent,
					      .argument = server,
					      .channel = -1 };
	/* What the auditor does to a broken log at its start is over when it is ready. */
	helpers[ROLES_EXPORTER].after = &helpers[ROLES_AUDITOR];
	helpers[ROLES_OBSERVER].after = &helpers[ROLES_AUDITOR];
	helpers[ROLES_ALERTER].after = &helpers[ROLES_AUDITOR];
	server->auditing.helper = &helpers[ROLES_AUDITOR];
	server->resolver.helper = &helpers[ROLES_RESOLVER];
	server->gate.dialler = &helpers[ROLES_DIALLER];
	server->warnings.scribe = &helpers[ROLES_SCRIBE];
}

void roles_decide_export(struct server *server)
{
	const struct config_audit *audit = &server->settings.config->audit;

	server->exports_to_journal = exporter_finds_journal(audit);
	server->exports = server->exports_to_journal || audit->messages.path;
	if (audit->journal != CONFIG_JOURNAL_OFF && !server->exports_to_journal)
		log_info("this machine has no journal: audit events go to %s only",
			 audit->messages.path ? "the log and the messages" : "the log");
}
