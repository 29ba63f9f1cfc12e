#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "cathgate/log.h"
#include "cathgate/policy.h"
#include "cathgate/secrets.h"
#include "cathgate/server.h"
#include "cathgate/sop_class.h"

static const struct config_sop_classes sop_classes = {
	.uid_of_name = sop_class_uid,
	.is_storage = sop_class_is_storage,
};

static void load_tls(struct setup *setup)
{
	const struct config *config = setup->config;

	for (size_t i = 0; i < config->listen_count; i++)
		if (!config->listen[i].tls.none)
			tls_server_new(&config->listen[i].tls, &setup->servers[i],
				       &setup->faults);
	for (size_t i = 0; i < config->destination_count; i++)
		if (!config->destinations[i].tls.none)
			tls_client_new(&config->destinations[i].tls, &setup->clients[i],
				       &setup->faults);
}

int setup_load(struct setup *setup, const char *config_path)
{
	struct config *config;

	*setup = (struct setup){ 0 };
	if (config_load(config_path, &sop_classes, &config, &setup->faults) != 0)
		return -1;
	setup->config = config;
	setup->servers = calloc(config->listen_count, sizeof(*setup->servers));
	setup->clients = calloc(config->destination_count, sizeof(*setup->clients));
	setup->addresses = calloc(config->destination_count, sizeof(*setup->addresses));
	if (!setup->servers || !setup->clients || !setup->addresses) {
		log_error("no memory for the configuration");
		return -1;
	}
	secrets_begin();
	load_tls(setup);
	policy_check(config, &setup->faults);
	audit_check(&config->audit, &setup->faults);
	secrets_end();
	return setup->faults.error_count == 0 ? 0 : -1;
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

int server_check(const char *config_path)
{
	struct setup setup;
	size_t wrong;

	setup_load(&setup, config_path);
	setup_print(&setup, true);
	wrong = setup.faults.error_count + setup.faults.calendar_count;
	if (wrong == 0 && setup.config)
		printf("%s: good: %zu listeners, %zu modalities, %zu destinations\n",
		       config_path, setup.config->listen_count,
		       setup.config->modality_count, setup.config->destination_count);
	else
		printf("%s: %zu errors\n", config_path, wrong);
	setup_free(&setup);
	return wrong == 0 ? 0 : 1;
}
