/*
 * The groups of the configuration. sections_read fills the struct from the tree;
 * sections_check compares keys with each other.
 */
#pragma once

#include "reader.h"

/* Readers of the `tls` key of listeners and destinations, into a struct config_tls. */
void tls_section_listen(struct reader *reader, const config_setting_t *setting,
			const struct key *key, void *field);
void tls_section_destination(struct reader *reader, const config_setting_t *setting,
			     const struct key *key, void *field);

/* Fills in what `spool` is without its keys, reads it, and judges it once all is read. */
void spool_section_usual(struct reader *reader, struct config *config);
void spool_section_read(struct reader *reader, const config_setting_t *setting,
			const struct key *key, void *config);
void spool_section_check(struct reader *reader, struct config *config);

#define MODALITIES_EXAMPLE "( { name = \"angio-3\"; ae_titles = [ \"CATHLAB3\" ]; … } )"

/* Reads `modalities`, into struct config. */
void modalities_read(struct reader *reader, const config_setting_t *setting,
		     const struct key *key, void *config);
/* Then adds the entries of modalities.d. A fault or a warning if there is no entry. */
void modalities_read_drop_ins(struct reader *reader, struct config *config);

void sections_read(struct reader *reader, struct config *config);
void sections_check(struct reader *reader, struct config *config);
