/*
 * The folder modalities.d beside the configuration. Each file NAME.conf in it, in the
 * byte order of their names, is one more entry of `modalities`: the keys of one, without
 * the braces. Hidden files are left alone, and copies that editors and package managers
 * leave behind; of any other name there is a warning.
 */
#ifndef CONFIG_DROP_INS_H
#define CONFIG_DROP_INS_H

#include <stdbool.h>
#include <stddef.h>
#include <libconfig.h>

#include "scan.h"

struct reader;

struct drop_in {
	const char *path; /* absolute */
	config_t tree;
	struct scan scan;
	bool good; /* it has been read: its root can be walked */
};

struct drop_ins {
	bool has_folder;
	struct drop_in *items;
	size_t count;
};

/* Reads every file, adding a fault for each that can't be. The trees live until
 * drop_ins_clear. */
void drop_ins_read(struct reader *reader, struct drop_ins *ret);
void drop_ins_clear(struct drop_ins *drop_ins);

#endif
