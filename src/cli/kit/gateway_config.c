#include "gateway_config.h"

#include <stdlib.h>
#include <string.h>

#include "cathgate/dicom/sop_class.h"
#include "cathgate/policy/policy.h"
#include "cathgate/supervisor/units.h"
#include "complain.h"
#include "keep.h"

/* Of a thousand entries any two can be at odds. */
#define TOLD_MAX 200

void gateway_config_complain(const struct config_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++)
		if (faults->items[i].kind == CONFIG_ERROR)
			complain("%s", faults->items[i].text);
}

static struct config *load(const char *path, const char *more, bool checks_policy,
			   struct config_faults *faults)
{
	static const struct config_sop_classes sop_classes = {
		.uid_of_name = sop_class_uid,
		.is_storage = sop_class_is_storage,
	};
	struct config *config = NULL;

	/* Also while the service is stopped and they aren't there: which they are is
	 * enough to add a modality, or for a backup. */
	setenv("CREDENTIALS_DIRECTORY", UNITS_CREDENTIALS, 0);
	if (config_load_with(path, more, &sop_classes, &config, faults) == 0 &&
	    checks_policy)
		policy_check(config, faults);
	if (faults->error_count == 0)
		return config;
	config_free(config);
	return NULL;
}

struct config *gateway_config_load(const char *path, bool checks_policy)
{
	struct config_faults faults = { 0 };
	struct config *config = load(path, NULL, checks_policy, &faults);

	gateway_config_complain(&faults);
	config_faults_clear(&faults);
	return config;
}

struct config *gateway_config_load_with(const char *path, const char *more,
					gateway_config_tell *tell, const void *context)
{
	struct config_faults faults = { 0 };
	struct config *config = load(path, more, true, &faults);
	size_t told = 0;

	for (size_t i = 0; i < faults.count; i++)
		if (faults.items[i].kind == CONFIG_ERROR && told++ < TOLD_MAX)
			complain("%s", tell ? tell(context, faults.items[i].text)
					    : faults.items[i].text);
	if (told > TOLD_MAX)
		complain("and %zu more such faults", told - TOLD_MAX);
	config_faults_clear(&faults);
	return config;
}

const struct config_destination *gateway_config_destination(const struct config *config,
							    const char *name)
{
	const char *all = "";

	for (size_t i = 0; i < config->destination_count; i++) {
		if (strcmp(config->destinations[i].name, name) == 0)
			return &config->destinations[i];
		all = keep_listed(all, ", ", config->destinations[i].name);
	}
	complain("there is no destination \"%s\"; those that there are: %s", name, all);
	return NULL;
}

bool gateway_config_has_text(const struct config_strings *strings, const char *text)
{
	for (size_t i = 0; i < strings->count; i++)
		if (strcmp(strings->items[i], text) == 0)
			return true;
	return false;
}
