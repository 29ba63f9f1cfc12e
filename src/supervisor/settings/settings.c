#include "supervisor/settings/settings.h"

#include <stdlib.h>
#include <string.h>

#include "cathgate/audit/auditor.h"
#include "cathgate/base/log.h"
#include "cathgate/policy/policy.h"
#include "cathgate/base/secrets.h"
#include "cathgate/dicom/sop_class.h"
#include "cathgate/observer/alerter.h"
#include "cathgate/sandbox/sandbox.h"

static const struct config_sop_classes sop_classes = {
	.uid_of_name = sop_class_uid,
	.is_storage = sop_class_is_storage,
};

size_t settings_find_modality(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->modality_count; i++)
		if (strcmp(config->modalities[i].name, name) == 0)
			return i;
	return NOWHERE;
}

size_t settings_find_destination(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->destination_count; i++)
		if (strcmp(config->destinations[i].name, name) == 0)
			return i;
	return NOWHERE;
}

static bool same_place(const struct config_listen *a, const struct config_listen *b)
{
	if (a->socket || b->socket)
		return a->socket && b->socket && strcmp(a->socket, b->socket) == 0;
	return a->port == b->port && strcmp(a->address, b->address) == 0;
}

/* Several entries may ask for a port of the system's choice, which makes them all alike:
 * the first of them in one configuration is the first in the other, and so on. */
size_t settings_find_listen(const struct config *config, const struct config *from,
			    size_t entry)
{
	const struct config_listen *wanted = &from->listen[entry];
	size_t alike = 0;

	for (size_t i = 0; i < entry; i++)
		alike += same_place(&from->listen[i], wanted);
	for (size_t i = 0; i < config->listen_count; i++)
		if (same_place(&config->listen[i], wanted) && alike-- == 0)
			return i;
	return NOWHERE;
}

/* Each new context is told of the one that `running` has in its place. */
static void load_tls(struct settings *settings, const struct settings *running,
		     const struct tls_keys *keys)
{
	const struct config *config = settings->config;
	size_t was;

	/* The faults say what failed, and are judged together. */
	for (size_t i = 0; i < config->listen_count; i++) {
		const struct config_tls *tls = &config->listen[i].tls;

		was = running ? settings_find_listen(running->config, config, i)
			      : NOWHERE;
		if (!tls->none)
			(void)!tls_server_new(
				tls, keys, was == NOWHERE ? NULL : running->servers[was],
				&settings->servers[i], &settings->faults);
	}
	for (size_t i = 0; i < config->destination_count; i++) {
		const struct config_tls *tls = &config->destinations[i].tls;

		was = running ? settings_find_destination(running->config,
							  config->destinations[i].name)
			      : NOWHERE;
		if (!tls->none)
			(void)!tls_client_new(
				tls, keys, was == NOWHERE ? NULL : running->clients[was],
				&settings->clients[i], &settings->faults);
	}
}

/* What keeps the processes from their sandboxes. Whether any process can have one. */
static bool check_sandbox(struct settings *settings)
{
	const struct config_sandbox *sandbox = &settings->config->sandbox;
	const char *seccomp = sandbox_lacks_seccomp();
	const char *landlock = sandbox_lacks_landlock();
	bool must = sandbox->landlock == CONFIG_LANDLOCK_REQUIRE;

	if (seccomp)
		config_fault_add(&settings->faults, CONFIG_ERROR, &sandbox->place,
				 "no process can have its sandbox: %s", seccomp);
	if (landlock)
		config_fault_add(&settings->faults, must ? CONFIG_ERROR : CONFIG_WARNING,
				 &sandbox->place, "%s: %s%s",
				 must ? "without Landlock the gateway is not to start"
				      : "without Landlock a process that is taken over "
					"could reach more files",
				 landlock,
				 must ? "; or write landlock = \"prefer\"" : "");
	return !seccomp;
}

static void load_keys(struct settings *settings, const struct settings *running,
		      const struct tls_keys *keys)
{
	load_tls(settings, running, keys);
	settings_load_spool(settings, keys);
}

MUST_USE static int load_rest(struct settings *settings, const struct settings *running,
			      const struct tls_keys *keys)
{
	const struct config *config = settings->config;
	bool can_begin = true;

	settings->servers = calloc(config->listen_count, sizeof(*settings->servers));
	settings->clients = calloc(config->destination_count, sizeof(*settings->clients));
	settings->addresses =
		calloc(config->destination_count, sizeof(*settings->addresses));
	if (!settings->servers || !settings->clients || !settings->addresses) {
		log_error("no memory for the configuration");
		return -1;
	}
	secrets_begin();
	if (!settings->shares_config)
		can_begin = check_sandbox(settings);
	/* Where no process can begin, nor can the keeper, and there is a better word for
	 * it than that a key can't be read. */
	if (can_begin || !keys)
		load_keys(settings, running, keys);
	if (!settings->shares_config) {
		policy_check(config, &settings->faults);
		audit_check(&config->audit, &settings->faults);
		alerter_check(config, &settings->faults);
	}
	secrets_end();
	return settings->faults.error_count == 0 ? 0 : -1;
}

int settings_load(struct settings *settings, const char *config_path,
		  const struct settings *running, const struct tls_keys *keys)
{
	*settings = (struct settings){ 0 };
	clock_gettime(CLOCK_REALTIME, &settings->read_at);
	if (!config_path) {
		settings->config = running->config;
		settings->shares_config = true;
	} else if (config_load(config_path, &sop_classes, &settings->config,
			       &settings->faults) != 0) {
		return -1;
	}
	return load_rest(settings, running, keys);
}

static void free_contexts(struct settings *settings)
{
	const struct config *config = settings->config;

	for (size_t i = 0; settings->servers && i < config->listen_count; i++)
		tls_context_free(settings->servers[i]);
	for (size_t i = 0; settings->clients && i < config->destination_count; i++)
		tls_context_free(settings->clients[i]);
	free(settings->servers);
	free(settings->clients);
}

void settings_free(struct settings *settings)
{
	free_contexts(settings);
	free(settings->addresses);
	if (!settings->shares_config)
		config_free(settings->config);
	config_faults_clear(&settings->faults);
	*settings = (struct settings){ 0 };
}

int settings_pack_tls(const struct settings *settings, FILE *to)
{
	const struct config *config = settings->config;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < config->listen_count; i++)
		if (settings->servers[i])
			rc = tls_context_pack(settings->servers[i], to);
	for (size_t i = 0; rc == 0 && i < config->destination_count; i++)
		if (settings->clients[i])
			rc = tls_context_pack(settings->clients[i], to);
	return rc;
}

int settings_take_tls(const struct config *config, const uint8_t *bytes, size_t size,
		      struct tls_context **servers, struct tls_context **clients)
{
	for (size_t i = 0; i < config->listen_count; i++) {
		const struct config_tls *tls = &config->listen[i].tls;

		if (!tls->none)
			servers[i] = tls_context_unpack(tls, true, &bytes, &size);
		if (!tls->none && !servers[i])
			return -1;
	}
	for (size_t i = 0; i < config->destination_count; i++) {
		const struct config_tls *tls = &config->destinations[i].tls;

		if (!tls->none)
			clients[i] = tls_context_unpack(tls, false, &bytes, &size);
		if (!tls->none && !clients[i])
			return -1;
	}
	return 0;
}

static void print_kind(const struct settings *settings, enum config_fault_kind kind,
		       bool check)
{
	for (size_t i = 0; i < settings->faults.count; i++) {
		const struct config_fault *fault = &settings->faults.items[i];

		if (fault->kind != kind)
			continue;
		if (kind == CONFIG_WARNING || (kind == CONFIG_CALENDAR && !check))
			log_warning("%s", fault->text);
		else
			log_error("%s", fault->text);
	}
}

void settings_print(const struct settings *settings, bool check)
{
	print_kind(settings, CONFIG_ERROR, check);
	print_kind(settings, CONFIG_REFUSED, check);
	print_kind(settings, CONFIG_CALENDAR, check);
	print_kind(settings, CONFIG_WARNING, check);
}

bool settings_have_fault(const struct settings *settings,
			 const struct config_fault *fault)
{
	for (size_t i = 0; i < settings->faults.count; i++)
		if (settings->faults.items[i].kind == fault->kind &&
		    strcmp(settings->faults.items[i].text, fault->text) == 0)
			return true;
	return false;
}

void settings_print_new(const struct settings *settings, const struct settings *before)
{
	for (size_t i = 0; i < settings->faults.count; i++) {
		const struct config_fault *fault = &settings->faults.items[i];

		if (config_fault_is_error(fault))
			log_error("%s", fault->text);
		else if (!settings_have_fault(before, fault))
			log_warning("%s", fault->text);
	}
}
