/*
 * The supervisor's parts, for the few files that see to more than one of them.
 */
#pragma once

#include "supervisor/expiry/warnings.h"
#include "supervisor/figures.h"
#include "supervisor/gate/gate.h"
#include "supervisor/helpers/auditing.h"
#include "supervisor/helpers/resolver.h"
#include "supervisor/manager.h"
#include "supervisor/roles.h"
#include "supervisor/settings/settings.h"
#include "supervisor/settings/watch.h"
#include "supervisor/snapshot.h"

struct server {
	const char *config_path;
	struct settings settings;
	struct config *first_config; /* what can't change is that of the start */
	bool reload_wanted;
	struct watch *watch;

	struct role_parent parent;
	struct helper helpers[ROLES_COUNT];
	struct auditing auditing;
	struct resolver resolver;
	bool exports, exports_to_journal;

	struct gate gate;
	struct warnings warnings;
	struct manager manager;
	struct figures figures;
	struct snapshot snapshot;

	time_t started;
	int64_t started_us; /* clock_us() */
	bool is_ready, is_stopping;
	int64_t kill_ms; /* when stopping: associations that are left then are killed */
};
