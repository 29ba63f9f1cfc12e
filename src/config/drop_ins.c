#include "drop_ins.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "cathgate/base/unreadable.h"
#include "reader.h"

#define SUFFIX ".conf"

static bool ends_in(const char *name, const char *suffix)
{
	size_t length = strlen(name), tail = strlen(suffix);

	return length > tail && strcmp(name + length - tail, suffix) == 0;
}

/* Whether an editor, a package manager or `cathgate modality revoke` left the file. */
static bool is_leftover(const char *name)
{
	return ends_in(name, "~") || name[0] == '#' || strstr(name, ".dpkg-") ||
	       strstr(name, ".ucf-") || ends_in(name, SUFFIX ".revoked") ||
	       ends_in(name, SUFFIX ".new");
}

static int is_looked_at(const struct dirent *entry)
{
	return entry->d_name[0] != '.' &&
	       (ends_in(entry->d_name, SUFFIX) || !is_leftover(entry->d_name));
}

/* An operator may believe that the file's entry counts. It is a warning only, since an
 * error would stop the next reload. */
static void warn_of_name(struct reader *reader, const char *folder, const char *name)
{
	struct config_place place = { .file = arena_format(reader->arena, "%s/%s", folder,
							   name) };
	size_t length = strlen(name), tail = strlen(SUFFIX);
	bool is_near = length > tail && strcasecmp(name + length - tail, SUFFIX) == 0;

	config_fault_add(reader->faults, CONFIG_WARNING, &place,
			 "it is not read: only names that end in .conf are; if it is the "
			 "entry of a modality, call it %.*s.conf, else move it out of "
			 "the folder",
			 (int)(is_near ? length - tail : strcspn(name, ".")), name);
}

/* alphasort() would depend on the locale. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_drop_in(struct reader *reader, struct drop_in *drop_in)
{
	const config_setting_t *first;
	config_setting_t *root;
	struct scan_value *place;

	drop_in->scan = (struct scan){ .faults = reader->faults,
				       .path = drop_in->path,
				       .folder = reader->folder };
	config_init(&drop_in->tree);
	if (reader_tree(reader, drop_in->path, &drop_in->tree) < 0)
		return;
	root = config_root_setting(&drop_in->tree);
	if (scan_attach(&drop_in->scan, root) < 0)
		return;
	/* libconfig names no file for the root of a tree. */
	first = config_setting_length(root) > 0 ? config_setting_get_elem(root, 0) : NULL;
	place = arena_alloc(reader->arena, 1, sizeof(*place));
	place->file = drop_in->path;
	place->line = first ? (int)config_setting_source_line(first) : 1;
	config_setting_set_hook(root, place);
	drop_in->good = true;
}

static void unreadable_folder(struct reader *reader, const char *folder, int error)
{
	struct config_place place = { .file = folder };
	char cure[READER_CURE_SIZE] = "";

	if (error == EACCES)
		unreadable_cure(folder, false, cure, sizeof(cure));
	if (error != ENOENT)
		reader_fault(reader, &place,
			     "the entries of modalities in it can't be read: %s; %s",
			     strerror(error),
			     cure[0] ? cure
				     : "make it a folder that the gateway's user can "
				       "read, or remove it");
}

/* Behind those that there are. */
static void add_drop_in(struct reader *reader, const char *path, struct drop_ins *ret)
{
	struct drop_in *drop_in = &ret->items[ret->count++];

	drop_in->path = path;
	read_drop_in(reader, drop_in);
}

static void make_room(struct reader *reader, size_t more, struct drop_ins *ret)
{
	struct drop_in *before = ret->items;

	ret->items = arena_alloc(reader->arena, ret->count + more, sizeof(*ret->items));
	if (ret->count > 0)
		memcpy(ret->items, before, ret->count * sizeof(*before));
}

static void read_folder(struct reader *reader, const char *folder, struct drop_ins *ret)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_looked_at, by_bytes);

	if (count < 0) {
		unreadable_folder(reader, folder, errno);
		return;
	}
	ret->has_folder = true;
	make_room(reader, (size_t)count, ret);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (ends_in(name, SUFFIX))
			add_drop_in(reader,
				    arena_format(reader->arena, "%s/%s", folder, name),
				    ret);
		else
			warn_of_name(reader, folder, name);
		free(entries[i]);
	}
	free(entries);
}

/* A folder of entries, or one entry. */
static void read_more(struct reader *reader, struct drop_ins *ret)
{
	const char *path = arena_format(reader->arena, "%s", reader->more);
	struct stat status;

	if (stat(path, &status) < 0 || S_ISDIR(status.st_mode)) {
		read_folder(reader, path, ret);
		return;
	}
	make_room(reader, 1, ret);
	add_drop_in(reader, path, ret);
	ret->has_folder = true;
}

void drop_ins_read(struct reader *reader, struct drop_ins *ret)
{
	*ret = (struct drop_ins){ 0 };
	read_folder(reader,
		    arena_format(reader->arena, "%s/" CONFIG_MODALITIES_FOLDER,
				 strcmp(reader->folder, "/") == 0 ? "" : reader->folder),
		    ret);
	if (reader->more)
		read_more(reader, ret);
}

void drop_ins_clear(struct drop_ins *drop_ins)
{
	for (size_t i = 0; i < drop_ins->count; i++) {
		config_destroy(&drop_ins->items[i].tree);
		scan_clear(&drop_ins->items[i].scan);
	}
	*drop_ins = (struct drop_ins){ 0 };
}
