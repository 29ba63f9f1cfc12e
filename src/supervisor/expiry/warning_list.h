/*
 * Certificates and CRLs whose end is watched, and the file beside the audit log that
 * remembers across restarts which ends have been told of, and what others showed last.
 * Lost, it costs a second alert; so what can't be read is passed over.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "cathgate/base/must_use.h"
#include "cathgate/tls/tls.h"

#define WARNING_NOT_TOLD 99 /* no stage of it */

enum warning_owner { WARNING_OWN, WARNING_MODALITY, WARNING_DESTINATION };

struct warning {
	enum warning_owner owner;
	char *name; /* of our own, its file and subject; else the entry's */
	time_t until;
	int told;	  /* the last stage that was */
	time_t seen;	  /* of another's: when it was shown last ... */
	int64_t pause_ms; /* ... and until when that leads to no other alert */
	/* Of our own, while it is in force: */
	bool in_force, renewed;
	enum tls_end_kind kind;
	time_t begins;
};

struct warning_list {
	struct warning *items;
	size_t count;
};

struct warning *warning_list_find(const struct warning_list *list,
				  enum warning_owner owner, const char *name,
				  time_t until);
/* NULL without memory, which is logged. */
MUST_USE struct warning *warning_list_add(struct warning_list *list,
					  enum warning_owner owner, const char *name,
					  time_t until);
void warning_list_drop(struct warning_list *list, size_t i);
/* A file that isn't there, or isn't whole, holds the less. */
void warning_list_read(struct warning_list *list, const char *path);
/* Replaces the file, as the scribe, since the supervisor waits for no disk. -1 is logged.
 */
MUST_USE int warning_list_write(const struct warning_list *list, const char *path);
void warning_list_clear(struct warning_list *list);
