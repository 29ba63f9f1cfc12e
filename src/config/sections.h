/*
 * The groups of the configuration: sections_read fills the struct from the tree,
 * sections_check finds what only shows when several keys are seen together.
 */
#ifndef CONFIG_SECTIONS_H
#define CONFIG_SECTIONS_H

#include "reader.h"

/* The reader of a `tls` key: of a listener, of a destination. Into struct config_tls. */
void tls_section_listen(struct reader *reader, const config_setting_t *setting,
			const struct key *key, void *field);
void tls_section_destination(struct reader *reader, const config_setting_t *setting,
			     const struct key *key, void *field);

#define MODALITIES_EXAMPLE "( { name = \"angio-3\"; ae_titles = [ \"CATHLAB3\" ]; … } )"

/* Into struct config. */
void modalities_read(struct reader *reader, const config_setting_t *setting,
		     const struct key *key, void *config);
/* After it: the entries of modalities.d. Somewhere there must be one. */
void modalities_read_drop_ins(struct reader *reader, struct config *config);

void sections_read(struct reader *reader, struct config *config);
void sections_check(struct reader *reader, struct config *config);

#endif
