/* What the verbs of `cathgate modality` share. */
#ifndef MODALITY_H
#define MODALITY_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/kit/cli.h"
#include "site.h"

#define MODALITY_LIST_MAX 32

struct modality_list {
	const char *items[MODALITY_LIST_MAX];
	size_t count;
};

struct modality_options {
	const char *name, *config;
	struct modality_list ae_titles, called_ae_titles, addresses, sop_classes;
	const char *destination, *certificate, *request, *password_file, *output;
	unsigned days; /* 0: not said */
	bool legacy, rsa, pem, reload, now, confirm, json;
};

/* A verb: its usage text, and the options that it takes, by their names with a space
 * before and behind each. */
struct modality_verb {
	const char *name;
	const char *usage;
	const char *takes;
	bool wants_name;
};

/* -1 to go on; else the exit status. */
int modality_options_read(const struct modality_verb *verb, int argc, char **argv,
			  struct modality_options *ret);

/* The text of an entry in modalities.d; kept. `binding` is a line of `certificate`. */
const char *modality_entry_text(const struct modality_options *options,
				const char *binding);
/* The same entry with other SHA-256 digests; NULL when it has no such list that could be
 * found in the text. */
const char *modality_entry_rebind(const char *text, const struct modality_list *digests);

/* Puts an entry's text in its place, reads all anew, and takes it back when that has
 * errors. -1 with messages. `before` is what it replaces, NULL for a new one. */
int modality_entry_write(struct site *site, const char *name, const char *text,
			 const char *before);

cli_command modality_add_main, modality_list_main, modality_renew_main,
	modality_revoke_main, modality_remove_main, modality_crl_main;

#endif
