#include <stdio.h>

#include "cathgate/observer/observer.h"
#include "cathgate/supervisor/server.h"
#include "supervisor/settings/settings.h"

int server_check(const char *config_path)
{
	struct settings settings;
	size_t wrong;

	(void)!settings_load(&settings, config_path, NULL); /* the faults are counted */
	if (settings.config)
		observer_check(settings.config, &settings.faults);
	settings_print(&settings, true);
	wrong = settings.faults.error_count + settings.faults.calendar_count;
	if (wrong == 0 && settings.config)
		printf("%s: good: %zu listener%s, %zu modalit%s, %zu destination%s\n",
		       config_path, settings.config->listen_count,
		       settings.config->listen_count == 1 ? "" : "s",
		       settings.config->modality_count,
		       settings.config->modality_count == 1 ? "y" : "ies",
		       settings.config->destination_count,
		       settings.config->destination_count == 1 ? "" : "s");
	else
		printf("%s: %zu error%s\n", config_path, wrong, wrong == 1 ? "" : "s");
	settings_free(&settings);
	return wrong == 0 ? 0 : 1;
}
