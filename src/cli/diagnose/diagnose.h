/*
 * `cathgate diagnose`: what the reason codes mean, what was refused lately and what cures
 * it, what a modality showed beside what is expected of it, and where the way to a
 * destination breaks. Reads only.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "cathgate/base/must_use.h"
#include "cathgate/base/reason.h"
#include "cathgate/config/config.h"

struct diagnose {
	const char *config_path, *log_path; /* log_path NULL: the configuration's */
	const char *destination, *modality, *reason, *list;
	struct ae_title calling; /* "" : that of the configuration */
	unsigned days;
	bool as_json, utc;
};

/* Each returns the exit status. */
int diagnose_destination(const struct diagnose *how);
int diagnose_modality(const struct diagnose *how);
int diagnose_refusals(const struct diagnose *how);

/* NULL after saying what is wrong with the configuration, and what to do. */
MUST_USE struct config *diagnose_config(const struct diagnose *how);

/* Visits the lines of the last days that tell of an association, an instance, a delivery
 * or an alert, oldest first. Where instances of one association, or their deliveries,
 * went well in a row, only the last is visited. A visitor may keep the line
 * (json_incref). -1 after saying what is wrong. */
typedef void diagnose_visitor(void *context, json_t *line);
MUST_USE int diagnose_log_each(const struct diagnose *how, diagnose_visitor *visit,
			       void *context);

/* Who was let in, by the lines that were noted so far: an object of the caller's. */
void diagnose_note_let_in(json_t *let_in, const json_t *line);
/* Whether an entry was let in with the certificate of that SHA-256. */
bool diagnose_was_let_in(const json_t *let_in, const struct config_modality *entry,
			 const char *sha256);

/* When the entry that a line is about, or its certificate, was last let in; its address
 * where nothing else is known. MOMENT_NONE: never. `config` may be NULL. */
int64_t diagnose_let_in_since(const struct config *config, const json_t *let_in,
			      const json_t *line);

/* What to do about the reason of a line, with the configuration's places where it is
 * known (`config` may be NULL). `entry`: whose line it is, or NULL. Kept until the tool
 * ends. */
const char *diagnose_cure(const struct config *config, const json_t *line,
			  const struct config_modality *entry);

/* For what reason the entries, as they are now, would refuse what a line says was
 * refused: REASON_NONE when they wouldn't. The line's own where the entries have no say
 * in that. `entry` becomes the one that comes closest. */
enum reason diagnose_again(const struct config *config, const json_t *line,
			   const struct config_modality **entry);

/* How the modality of that entry gets another certificate. Kept. */
const char *diagnose_renewal(const struct config_modality *entry);

/* "FILE, line N" of a key of an entry or a destination. */
const char *diagnose_place(const struct config *config, const struct config_place *group,
			   const char *key);
/* "CATHLAB3, CATHLAB4" */
const char *diagnose_titles(const struct config_ae_titles *titles);
const char *diagnose_strings(const struct config_strings *strings);
const char *diagnose_addresses(const struct config_modality *entry);
/* The SHA-256 of the certificate that a line names, proved or only shown; "" when none
 * is. In words, with its subject. */
const char *diagnose_certificate(const json_t *line);
const char *diagnose_certificate_text(const json_t *line);
/* The entry that is bound to it, or, where none is, that was last let in with it; else
 * NULL. `let_in` may be NULL. */
const struct config_modality *diagnose_entry_shown(const struct config *config,
						   const json_t *let_in,
						   const json_t *line);
/* The entry that a line is about: the one that it names, that has its AE title, or of
 * diagnose_entry_shown; only the first is proved. `config`, too, may be NULL. */
const struct config_modality *diagnose_entry_of(const struct config *config,
						const json_t *let_in, const json_t *line);

/* Whether an entry, as it is now, takes a certificate ("": none was shown). Of one
 * without a copy, names can't be told. */
enum diagnose_fit { DIAGNOSE_FITS, DIAGNOSE_FAILS, DIAGNOSE_UNPROVED };
enum diagnose_fit diagnose_fit(const struct config *config,
			       const struct config_modality *entry, const char *sha256);
/* The last date of a certificate, where `cathgate modality` has kept a copy; else 0. */
time_t diagnose_known_end(const struct config *config, const char *sha256);
/* The certificate that an entry is bound to, in words. */
const char *diagnose_binding(const struct config_certificate *certificate);
bool diagnose_has_title(const struct config_ae_titles *titles, const char *title);
/* Whether the address of a peer ("192.0.2.1:104") lies in the ranges of an entry. */
bool diagnose_has_peer(const struct config_modality *entry, const char *peer);
/* "192.0.2.1" of a peer, cut where it is too long. */
#define DIAGNOSE_HOST_SIZE ADDRESS_TEXT_SIZE
void diagnose_host_of(const char *peer, char ret[DIAGNOSE_HOST_SIZE]);
const char *diagnose_host(const char *peer); /* kept until the tool ends */

/* Prints text that may come from a peer, wrapped at 78 columns, behind `head`. */
void diagnose_print(const char *head, const char *text);
/* The same of an object for programs, which is freed. */
void diagnose_print_json(json_t *object);
