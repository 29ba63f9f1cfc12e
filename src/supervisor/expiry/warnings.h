/*
 * What is near its end: our own certificates, CAs and CRLs, and the certificates that
 * modalities and destinations showed last. Each stage of each is told once, also across
 * restarts, in the log and as an alert.
 */
#pragma once

#include "supervisor/expiry/warning_list.h"
#include "supervisor/helpers/auditing.h"
#include "supervisor/settings/settings.h"

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
