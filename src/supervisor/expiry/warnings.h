/*
 * What is near its end: our own certificates, CAs and CRLs, and the certificates that
 * modalities and destinations showed last. Each stage of each is told once, also across
 * restarts, in the log and as an alert.
 */
#pragma once

#include <stdio.h>

#include "supervisor/helpers/auditing.h"
#include "supervisor/settings/settings.h"

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

/*
 * Certificates and CRLs whose end is watched, and the file beside the audit log that
 * remembers across restarts which ends have been told of, and what others showed last.
 * Lost, it costs a second alert; so what can't be read is passed over.
 */
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
/* What the file is to hold. */
void warning_list_write(const struct warning_list *list, FILE *to);
/* Replaces the file, as the scribe: the supervisor waits for no disk. -1 is logged. */
MUST_USE int warning_list_save(const char *path, const char *text, size_t size);

struct warnings {
	struct warning_list list;
	bool is_news;	 /* something is to be looked at before the next hour */
	bool is_unsaved; /* the file is behind */
	bool is_writing; /* the scribe is, or was and its success is unknown */
	int64_t look_ms, save_ms;
	char *path; /* of the file */
	struct helper *scribe;
};

/* Reads what was told before. 0, or -1 without memory. */
MUST_USE int warnings_begin(struct warnings *warnings, const struct settings *settings);
/* Other settings are in force. */
void warnings_adopt(struct warnings *warnings, const struct settings *settings);
/* A peer has shown a certificate that is good until then. An association's process says
 * so, which may lie, and gets one alert an hour for it. */
void warnings_saw(struct warnings *warnings, enum warning_owner owner, const char *name,
		  time_t until);
void warnings_maintain(struct warnings *warnings, const struct auditing *auditing);
/* Writes down what isn't yet. */
void warnings_save_last(struct warnings *warnings);
void warnings_free(struct warnings *warnings);
