/* The gateway's configuration, for a command that needs it whole. */
#pragma once

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"

/* With the running service's credentials, where systemd keeps them for root. Whether
 * modalities can be admitted by it is judged too where `checks_policy`. NULL after saying
 * what is wrong; the caller frees it (config_free). */
MUST_USE struct config *gateway_config_load(const char *path, bool checks_policy);

/* The same as if the file `more`, or the files in that folder, stood in modalities.d,
 * too. Each error's text is said as `tell` gives it (NULL: as it is), of many only the
 * first 200. */
typedef const char *gateway_config_tell(const void *context, const char *text);
MUST_USE struct config *gateway_config_load_with(const char *path, const char *more,
						 gateway_config_tell *tell,
						 const void *context);

/* Says which errors a configuration has. */
void gateway_config_complain(const struct config_faults *faults);

/* NULL after naming those that there are. */
MUST_USE const struct config_destination *gateway_config_destination(
	const struct config *config, const char *name);

bool gateway_config_has_text(const struct config_strings *strings, const char *text);
