/*
 * The spool's folder and its files. Which order of calls is durable, docs/SPOOL.md says.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"

struct spool_folder {
	int fd;
	/* Whether fsync(2) of a file doesn't bring its name to the disk, too. */
	bool must_sync;
	/* Whether it only does where the file has an attribute. */
	bool must_mark;
};

/* Makes the folder where it isn't there, opens and locks it. 0; or -1, logged. */
MUST_USE int spool_folder_open(struct spool_folder *folder, const char *path);
void spool_folder_close(struct spool_folder *folder);

/* A file without a name, open for writing alone; and a name for it. -1 with errno. */
MUST_USE int spool_folder_new_file(const struct spool_folder *folder);
MUST_USE int spool_folder_link(struct spool_folder *folder, int file, const char *name);
MUST_USE int spool_folder_sync(const struct spool_folder *folder);
/* The file, and its name. */
MUST_USE int spool_folder_sync_file(const struct spool_folder *folder, int file);
/* All of its file system. */
MUST_USE int spool_folder_sync_all(const struct spool_folder *folder);
/* Open for reading alone. */
MUST_USE int spool_folder_read(const struct spool_folder *folder, const char *name);
MUST_USE int spool_folder_rename(const struct spool_folder *folder, const char *from,
				 const char *to);
MUST_USE int spool_folder_empty(const struct spool_folder *folder, const char *name);
MUST_USE int spool_folder_remove(const struct spool_folder *folder, const char *name);
/* Bytes that are free for the gateway; UINT64_MAX when that can't be told. */
uint64_t spool_folder_room(const struct spool_folder *folder);

/* How many more files there may be; UINT64_MAX when that can't be told, or has no end. */
uint64_t spool_folder_files(const struct spool_folder *folder);

/* Calls for each name. 0; or -1 with errno, and some were left out. */
MUST_USE int spool_folder_list(const struct spool_folder *folder,
			       void (*see)(void *context, const char *name),
			       void *context);
