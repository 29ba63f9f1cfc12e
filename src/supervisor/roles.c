#include "supervisor/server.h"

#include <stdlib.h>
#include <string.h>

#include "cathgate/audit/auditor.h"
#include "cathgate/base/log.h"
#include "cathgate/exporter/exporter.h"
#include "cathgate/keeper/keeper.h"
#include "cathgate/keeper/unwrapper.h"
#include "cathgate/observer/alerter.h"
#include "cathgate/observer/observer.h"
#include "cathgate/spool/spooler.h"
#include "cathgate/supervisor/server.h"
#include "supervisor/helpers/forker.h"

/* Of a process that was executed anew; NULL before it is made. */
static struct sandbox_program *own_sandbox;

/* The process ends where it can't have its sandbox. */
static const struct sandbox_program *sandbox_of(enum sandbox_role role)
{
	own_sandbox = sandbox_prepare(role);
	if (!own_sandbox)
		role_exit(1); /* it has said why */
	return own_sandbox;
}

/* Most processes need the configuration in force. */
static int pack_config(const void *argument, FILE *to)
{
	const struct server *server = argument;
	uint8_t *bytes;
	size_t size;

	if (config_pack(server->settings.config, &bytes, &size) != 0)
		return -1;
	fwrite(&size, sizeof(size), 1, to);
	fwrite(bytes, size, 1, to);
	free(bytes);
	return 0;
}

/* One number more. */
static int pack_config_and(const void *argument, uint64_t number, FILE *to)
{
	if (pack_config(argument, to) != 0)
		return -1;
	fwrite(&number, sizeof(number), 1, to);
	return 0;
}

static uint64_t number_of(const uint8_t *more, size_t size)
{
	uint64_t number = 0;

	if (size == sizeof(number))
		memcpy(&number, more, sizeof(number));
	return number;
}

static int run_auditor(int channel, const struct config *config, const uint8_t *more,
		       size_t size)
{
	(void)more;
	(void)size;
	auditing_show_state(channel);
	return auditor_run(channel, config, sandbox_of(SANDBOX_AUDITOR));
}

/* Associations and couriers that are still ending need an auditor to the last, and the
 * others that serve them. */
static bool is_at_work(const struct server *server)
{
	return !server->is_stopping || server->gate.places.first ||
	       server->gate.couriers.first;
}

static bool wants_auditor(const void *argument)
{
	const struct server *server = argument;

	return is_at_work(server);
}

static int run_resolver(int channel, const struct config *config, const uint8_t *more,
			size_t size)
{
	(void)more;
	(void)size;
	return resolver_run(channel, config, sandbox_of(SANDBOX_RESOLVER));
}

static bool wants_resolver(const void *argument)
{
	const struct server *server = argument;

	return server->resolver.has_names && !server->is_stopping;
}

static int run_dialler(int channel, const struct config *config, const uint8_t *more,
		       size_t size)
{
	(void)more;
	(void)size;
	return dialler_run(channel, config, sandbox_of(SANDBOX_DIALLER));
}

/* Associations that finish the instance in hand may have to call their destination. */
static bool wants_dialler(const void *argument)
{
	const struct server *server = argument;

	return is_at_work(server);
}

static int pack_forker(const void *argument, FILE *to)
{
	const struct server *server = argument;

	if (pack_config(server, to) != 0)
		return -1;
	fwrite(&server->settings.spool, sizeof(server->settings.spool), 1, to);
	return settings_pack_tls(&server->settings, to);
}

static bool wants_forker(const void *argument)
{
	const struct server *server = argument;

	return !server->is_stopping;
}

static int pack_exporter(const void *argument, FILE *to)
{
	const struct server *server = argument;

	return pack_config_and(server, server->exports_to_journal, to);
}

static int run_exporter(int channel, const struct config *config, const uint8_t *more,
			size_t size)
{
	return exporter_run(channel, config, number_of(more, size) != 0,
			    sandbox_of(SANDBOX_EXPORTER));
}

static bool wants_exporter(const void *argument)
{
	const struct server *server = argument;

	return server->exports;
}

static int pack_observer(const void *argument, FILE *to)
{
	const struct server *server = argument;

	return pack_config_and(server, (uint64_t)server->started_utc_us, to);
}

static int run_observer(int channel, const struct config *config, const uint8_t *more,
			size_t size)
{
	return observer_run(channel, config, (int64_t)number_of(more, size),
			    sandbox_of(SANDBOX_OBSERVER));
}

static bool wants_observer(const void *argument)
{
	const struct server *server = argument;

	return !server->is_stopping && observer_is_wanted(server->settings.config);
}

static int pack_alerter(const void *argument, FILE *to)
{
	const struct server *server = argument;

	return pack_config_and(server, server->snapshot.alerts_told.heard, to);
}

static int run_alerter(int channel, const struct config *config, const uint8_t *more,
		       size_t size)
{
	return alerter_run(channel, config, number_of(more, size),
			   sandbox_of(SANDBOX_ALERTER));
}

static bool wants_alerter(const void *argument)
{
	const struct server *server = argument;

	return !server->is_stopping && alerter_is_wanted(server->settings.config);
}

static int pack_scribe(const void *argument, FILE *to)
{
	const struct server *server = argument;
	const struct warnings *warnings = &server->warnings;
	const size_t none = 0;
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	bool is_good;

	if (!stream)
		return -1;
	warning_list_write(&warnings->list, stream);
	is_good = fclose(stream) == 0;
	if (is_good) {
		fwrite(&none, sizeof(none), 1, to);
		fwrite(warnings->path, strlen(warnings->path) + 1, 1, to);
		fwrite(text, 1, size, to);
	}
	free(text);
	return is_good ? 0 : -1;
}

static int run_scribe(int channel, const struct config *config, const uint8_t *more,
		      size_t size)
{
	const char *path = (const char *)more;
	size_t path_size = strnlen(path, size) + 1;

	struct sandbox_path reached;
	char *folder;
	int status = 1;

	(void)channel;
	(void)config;
	if (path_size > size)
		return 1;
	folder = sandbox_folder_of(path);
	reached = (struct sandbox_path){ folder, SANDBOX_CHANGE };
	if (folder && sandbox_enter(sandbox_of(SANDBOX_SCRIBE), &reached, 1) == 0 &&
	    warning_list_save(path, path + path_size, size - path_size) == 0)
		status = 0;
	free(folder);
	return status;
}

/* All that it needs to know comes by its channel. */
static int run_keeper(int channel, const struct config *config, const uint8_t *more,
		      size_t size)
{
	(void)config;
	(void)more;
	(void)size;
	return keeper_run(channel, sandbox_of(SANDBOX_KEEPER));
}

/* Associations that are still ending may call their destination once more. */
static bool wants_keeper(const void *argument)
{
	const struct server *server = argument;

	return is_at_work(server);
}

static int pack_unwrapper(const void *argument, FILE *to)
{
	const struct server *server = argument;
	const struct settings *settings = &server->settings;
	struct unwrapper_ids ids;

	_Static_assert(sizeof(ids) == sizeof(settings->spool_keys), "");
	if (pack_config(server, to) != 0)
		return -1;
	memcpy(&ids, settings->spool_keys, sizeof(ids));
	fwrite(&ids, sizeof(ids), 1, to);
	return 0;
}

static int run_unwrapper(int channel, const struct config *config, const uint8_t *more,
			 size_t size)
{
	struct unwrapper_ids ids;

	if (size != sizeof(ids))
		return 1;
	memcpy(&ids, more, sizeof(ids));
	return unwrapper_run(channel, config, &ids, sandbox_of(SANDBOX_KEEPER));
}

static int run_spooler(int channel, const struct config *config, const uint8_t *more,
		       size_t size)
{
	(void)more;
	(void)size;
	return spooler_run(channel, config, sandbox_of(SANDBOX_SPOOLER));
}

static bool wants_spooler(const void *argument)
{
	const struct server *server = argument;

	return config_has_spool(server->settings.config) && is_at_work(server);
}

static const struct role roles[ROLES_COUNT] = {
	/* When the supervisor dies, the auditor still writes what it is told. */
	[ROLES_AUDITOR] = { .name = "cathgated-audit",
			    .context = "auditor",
			    .outlives_parent = true,
			    .pack = pack_config,
			    .run = run_auditor,
			    .is_wanted = wants_auditor,
			    .backoff_ms = 100,
			    .backoff_max_ms = 5000,
			    .finish_ms = 10000,
			    .late = "the auditor still waits for its disk; it ends by "
				    "itself" },
	[ROLES_KEEPER] = { .name = "cathgated-keeps",
			   .context = "keeper",
			   .run = run_keeper,
			   .is_wanted = wants_keeper,
			   .backoff_ms = 1,
			   .backoff_max_ms = 5000,
			   .ended = "the keeper of the private keys ended: nobody is let "
				    "in until another has read them" },
	[ROLES_RESOLVER] = { .name = "cathgated-names",
			     .context = "resolver",
			     .pack = pack_config,
			     .run = run_resolver,
			     .is_wanted = wants_resolver,
			     .backoff_ms = 1000,
			     .backoff_max_ms = 1000,
			     .ended = "the resolver ended: starting another" },
	[ROLES_DIALLER] = { .name = "cathgated-dials",
			    .context = "dialler",
			    .pack = pack_config,
			    .run = run_dialler,
			    .is_wanted = wants_dialler,
			    .backoff_ms = 100,
			    .backoff_max_ms = 1000,
			    .well_ms = 10000 },
	[ROLES_FORKER] = { .name = "cathgated-forks",
			   .context = "forker",
			   .pack = pack_forker,
			   .run = forker_run,
			   .is_wanted = wants_forker,
			   .backoff_ms = 10,
			   .backoff_max_ms = 1000,
			   .well_ms = 1000 },
	[ROLES_UNWRAPPER] = { .name = "cathgated-opens",
			      .context = "spool-keeper",
			      .pack = pack_unwrapper,
			      .run = run_unwrapper,
			      .is_wanted = wants_spooler,
			      .backoff_ms = 100,
			      .backoff_max_ms = 5000,
			      .well_ms = 10000,
			      .ended = "the keeper of the spool's key ended: nothing is "
				       "delivered from the spool until another has read "
				       "it" },
	[ROLES_SPOOLER] = { .name = "cathgated-spool",
			    .context = "spooler",
			    .pack = pack_config,
			    .run = run_spooler,
			    .is_wanted = wants_spooler,
			    .backoff_ms = 10,
			    .backoff_max_ms = 5000,
			    .well_ms = 10000,
			    .finish_ms = 5000,
			    .ended = "the spooler ended: nothing goes into the spool "
				     "until another has read its folder" },
	[ROLES_EXPORTER] = { .name = "cathgated-sends",
			     .context = "exporter",
			     .pack = pack_exporter,
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
			     .pack = pack_observer,
			     .run = run_observer,
			     .is_wanted = wants_observer,
			     .backoff_ms = 5000,
			     .backoff_max_ms = 5000,
			     .finish_ms = OBSERVER_FINISH_MS + 500,
			     .ended = "the observer ended: metrics and status stand "
				      "still until another starts, in 5 s" },
	[ROLES_ALERTER] = { .name = "cathgated-rings",
			    .context = "alerter",
			    .pack = pack_alerter,
			    .run = run_alerter,
			    .is_wanted = wants_alerter,
			    .backoff_ms = 5000,
			    .backoff_max_ms = 5000,
			    .finish_ms = 1000,
			    .ended = "the alerter ended: nobody hears of alerts until "
				     "another starts, in 5 s" },
	[ROLES_SCRIBE] = { .name = "cathgated-told",
			   .context = "scribe",
			   .is_once = true,
			   .pack = pack_scribe,
			   .run = run_scribe,
			   .finish_ms = 2000 },
};

/* The configuration at the front of what was packed. False where it can't be had. */
static bool take_config(const uint8_t **bytes, size_t *left, struct config **ret)
{
	size_t size = 0;

	*ret = NULL;
	if (*left == 0)
		return true;
	if (*left < sizeof(size))
		return false;
	memcpy(&size, *bytes, sizeof(size));
	*bytes += sizeof(size);
	*left -= sizeof(size);
	if (size > *left)
		return false;
	if (size > 0)
		*ret = config_unpack(*bytes, size);
	*bytes += size;
	*left -= size;
	return size == 0 || *ret;
}

static int run_role(const struct role *role, const uint8_t *bytes, size_t size)
{
	struct config *config;
	int status = 1;

	if (take_config(&bytes, &size, &config))
		status = role->run(ROLE_CHANNEL, config, bytes, size);
	else
		log_error("no memory for the configuration");
	config_free(config);
	sandbox_free(own_sandbox);
	return status;
}

int server_run_role(const char *name)
{
	for (size_t i = 0; i < ROLES_COUNT; i++) {
		uint8_t *bytes;
		size_t size;
		int status;

		if (strcmp(roles[i].context, name) != 0 ||
		    role_begin(&roles[i], &bytes, &size) != 0)
			continue;
		status = run_role(&roles[i], bytes, size);
		free(bytes);
		role_exit(status);
	}
	log_error(
		"--role is not for people: the gateway starts its own processes with it, "
		"and gives them what they need");
	return 2;
}

void roles_init(struct server *server)
{
	struct helper *helpers = server->helpers;

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
	keeping_init(&server->keeping, &helpers[ROLES_KEEPER]);
	server->resolver.helper = &helpers[ROLES_RESOLVER];
	helpers[ROLES_SPOOLER].after = &helpers[ROLES_UNWRAPPER];
	spooling_init(&server->spooling, &helpers[ROLES_SPOOLER],
		      &helpers[ROLES_UNWRAPPER]);
	server->gate.dialler = &helpers[ROLES_DIALLER];
	server->forking.helper = &helpers[ROLES_FORKER];
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
