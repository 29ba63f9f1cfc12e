/*
 * The folder modalities.d beside the configuration. Each file NAME.conf in it holds one
 * more entry of `modalities`: its keys, without braces. The files are read in the byte
 * order of their names. Hidden files and the copies that editors and package managers
 * leave are ignored; any other file gets a warning.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <libconfig.h>

#include "scan.h"

struct reader;

struct drop_in {
	const char *path; /* absolute */
	config_t tree;
	struct scan scan;
	bool good; /* the file was read and its tree may be used */
};

struct drop_ins {
	bool has_folder;
	struct drop_in *items;
	size_t count;
};

/* Reads all files, with a fault for each that can't be read. The trees live until
 * drop_ins_clear. */
void drop_ins_read(struct reader *reader, struct drop_ins *ret);
void drop_ins_clear(struct drop_ins *drop_ins);
