/* What the verbs of `cathgate modality` share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cli/kit/cli.h"
#include "cli/kit/options.h"
#include "site.h"

struct modality_options {
	const char *name, *config;
	struct options_texts ae_titles, called_ae_titles, addresses, sop_classes, trusted;
	struct options_texts common_names, dns, uris; /* of its certificate */
	const char *destination, *certificate, *request, *password_file, *output;
	unsigned days; /* 0: not said */
	bool legacy, rsa, ec, pem, reload, now, confirm, json;
};

#define MODALITY_ROW(option, argument, what, ...) \
	OPTIONS_ROW(option, argument, what, struct modality_options, __VA_ARGS__)

#define MODALITY_DAYS_USUAL 825

/* Reads a verb's options and, where it takes one, the modality's name. -1 to go on; else
 * the exit status. */
MUST_USE int modality_options_read(const struct options *options, int argc, char **argv,
				   struct modality_options *ret);

/* Whether options that were given contradict each other. -1 to go on; else the exit
 * status. */
MUST_USE int modality_options_judge(const struct options *options,
				    const struct modality_options *asked);

/* The same without a word: what is wrong; NULL: nothing. */
const char *modality_options_fault(const struct modality_options *asked);

/* Whether the entry is to be bound to a name. */
bool modality_is_named(const struct modality_options *options);
/* Whether a certificate is made here. */
bool modality_is_issued(const struct modality_options *options);
/* How the certificate of a modality is made by these options. */
struct site_made modality_made(const struct modality_options *options);

/* "dns = [ "a", "b" ];" and a newline; "" for an empty list. Kept. */
const char *modality_list_line(const char *key, const struct options_texts *list);
/* The text of an entry in modalities.d; kept. `binding` is a line of `certificate`. */
const char *modality_entry_text(const struct modality_options *options,
				const char *binding);
/* The same entry with another list of "sha256" or "uri" in its `certificate`; NULL when
 * its text has no such list. Kept, too. */
MUST_USE const char *modality_entry_rebind(const char *text, const char *key,
					   const struct options_texts *items);

/* Only an entry that stands in a file of its own can be changed here. -1 with a message.
 */
MUST_USE int modality_entry_must_be_own(const struct site *site, const char *name);
/* Writes an entry's file, whose text was `before` (NULL: there was none), and reads the
 * configuration anew; where that has errors now, puts back what was there. -1 with
 * messages. */
MUST_USE int modality_entry_write(struct site *site, const char *name, const char *text,
				  const char *before);
void modality_entry_put_back(const struct site *site, const char *name,
			     const char *before);

/* The SHA-256 digests that bind an entry to `newest`, alone or behind those before. */
struct options_texts modality_entry_digests(const struct config_modality *entry,
					    const char *newest, bool alone);
/* Binds an entry in force to such a list. *ret_before, the text of its file before, is
 * the caller's. -1 with a message. */
MUST_USE int modality_entry_bind(struct site *site, const char *name,
				 const struct options_texts *digests, char **ret_before);

/* Ends the older certificates of the modality. The exit status. */
MUST_USE int modality_confirm(struct site *site, const struct modality_options *asked);
/* Names the older certificates of another CA that the entry takes as well, as while the
 * private CA is changed: only that CA could revoke them. Whether there are any. */
bool modality_tell_of_others(const struct site *site, const char *name,
			     const char *newest);

/* Writes a new entry's file, and makes the folder for it. -1 with a message. */
MUST_USE int modality_entry_create(const struct site *site, const char *name,
				   const char *text);

/* The options of `cathgate modality add`, which end with an empty row. */
extern const struct options_row modality_add_rows[];

cli_command modality_import_main;
cli_command modality_add_main, modality_list_main, modality_renew_main,
	modality_revoke_main, modality_remove_main, modality_crl_main;
