#include "supervisor/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/audit/auditor.h"
#include "cathgate/base/log.h"
#include "cathgate/observer/observer.h"
#include "cathgate/policy/policy.h"
#include "cathgate/base/secrets.h"
#include "cathgate/supervisor/server.h"
#include "cathgate/dicom/sop_class.h"

static const struct config_sop_classes sop_classes = {
	.uid_of_name = sop_class_uid,
	.is_storage = sop_class_is_storage,
};

size_t setup_find_modality(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->modality_count; i++)
		if (strcmp(config->modalities[i].name, name) == 0)
			return i;
	return NOWHERE;
}

size_t setup_find_destination(const struct config *config, const char *name)
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

/* Several may ask for a port of the system's choice: the first is the first. */
size_t setup_find_listen(const struct config *config, const struct config *from,
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

static const struct tls_context *running_server(const struct setup *running,
						const struct config *config, size_t i)
{
	size_t before = running ? setup_find_listen(running->config, config, i) : NOWHERE;

	return before == NOWHERE ? NULL : running->servers[before];
}

static const struct tls_context *running_client(const struct setup *running,
						const struct config_destination *now)
{
	size_t before =
		running ? setup_find_destination(running->config, now->name) : NOWHERE;

	return before == NOWHERE ? NULL : running->clients[before];
}

static void load_tls(struct setup *setup, const struct setup *running)
{
	const struct config *config = setup->config;

	/* The faults say what failed, and are judged together. */
	for (size_t i = 0; i < config->listen_count; i++)
		if (!config->listen[i].tls.none)
			(void)!tls_server_new(&config->listen[i].tls,
					      running_server(running, config, i),
					      &setup->servers[i], &setup->faults);
	for (size_t i = 0; i < config->destination_count; i++)
		if (!config->destinations[i].tls.none)
			(void)!tls_client_new(
				&config->destinations[i].tls,
				running_client(running, &config->destinations[i]),
				&setup->clients[i], &setup->faults);
}

static int load_rest(struct setup *setup, const struct setup *running)
{
	const struct config *config = setup->config;

	setup->servers = calloc(config->listen_count, sizeof(*setup->servers));
	setup->clients = calloc(config->destination_count, sizeof(*setup->clients));
	setup->addresses = calloc(config->destination_count, sizeof(*setup->addresses));
	if (!setup->servers || !setup->clients || !setup->addresses) {
		log_error("no memory for the configuration");
		return -1;
	}
	secrets_begin();
	load_tls(setup, running);
	if (!setup->shares_config) {
		policy_check(config, &setup->faults);
		audit_check(&config->audit, &setup->faults);
	}
	secrets_end();
	return setup->faults.error_count == 0 ? 0 : -1;
}

int setup_renew(struct setup *setup, const char *config_path, const struct setup *running)
{
	*setup = (struct setup){ 0 };
	clock_gettime(CLOCK_REALTIME, &setup->read_at);
	if (!config_path) {
		setup->config = running->config;
		setup->shares_config = true;
	} else if (config_load(config_path, &sop_classes, &setup->config,
			       &setup->faults) != 0) {
		return -1;
	}
	return load_rest(setup, running);
}

int setup_load(struct setup *setup, const char *config_path)
{
	return setup_renew(setup, config_path, NULL);
}

void setup_forget_keys(struct setup *setup)
{
	const struct config *config = setup->config;

	secrets_begin();
	for (size_t i = 0; setup->servers && i < config->listen_count; i++)
		tls_context_free(setup->servers[i]);
	for (size_t i = 0; setup->clients && i < config->destination_count; i++)
		tls_context_free(setup->clients[i]);
	secrets_end();
	free(setup->servers);
	free(setup->clients);
	setup->servers = setup->clients = NULL;
}

void setup_free(struct setup *setup)
{
	setup_forget_keys(setup);
	free(setup->addresses);
	if (!setup->shares_config)
		config_free(setup->config);
	config_faults_clear(&setup->faults);
	*setup = (struct setup){ 0 };
}

static void print_kind(const struct setup *setup, enum config_fault_kind kind, bool check)
{
	for (size_t i = 0; i < setup->faults.count; i++) {
		const struct config_fault *fault = &setup->faults.items[i];

		if (fault->kind != kind)
			continue;
		if (kind == CONFIG_WARNING || (kind == CONFIG_CALENDAR && !check))
			log_warning("%s", fault->text);
		else
			log_error("%s", fault->text);
	}
}

void setup_print(const struct setup *setup, bool check)
{
	print_kind(setup, CONFIG_ERROR, check);
	print_kind(setup, CONFIG_CALENDAR, check);
	print_kind(setup, CONFIG_WARNING, check);
}

bool setup_has_fault(const struct setup *setup, const struct config_fault *fault)
{
	for (size_t i = 0; i < setup->faults.count; i++)
		if (setup->faults.items[i].kind == fault->kind &&
		    strcmp(setup->faults.items[i].text, fault->text) == 0)
			return true;
	return false;
}

void setup_print_new(const struct setup *setup, const struct setup *before)
{
	for (size_t i = 0; i < setup->faults.count; i++) {
		const struct config_fault *fault = &setup->faults.items[i];

		if (fault->kind == CONFIG_ERROR)
			log_error("%s", fault->text);
		else if (!setup_has_fault(before, fault))
			log_warning("%s", fault->text);
	}
}

int server_check(const char *config_path)
{
	struct setup setup;
	size_t wrong;

	setup_load(&setup, config_path);
	if (setup.config)
		observer_check(setup.config, &setup.faults);
	setup_print(&setup, true);
	wrong = setup.faults.error_count + setup.faults.calendar_count;
	if (wrong == 0 && setup.config)
		printf("%s: good: %zu listener%s, %zu modalit%s, %zu destination%s\n",
		       config_path, setup.config->listen_count,
		       setup.config->listen_count == 1 ? "" : "s",
		       setup.config->modality_count,
		       setup.config->modality_count == 1 ? "y" : "ies",
		       setup.config->destination_count,
		       setup.config->destination_count == 1 ? "" : "s");
	else
		printf("%s: %zu error%s\n", config_path, wrong, wrong == 1 ? "" : "s");
	setup_free(&setup);
	return wrong == 0 ? 0 : 1;
}
