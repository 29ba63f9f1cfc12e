/*
 * Fills structs from libconfig's tree. Each group of the configuration has a table of
 * keys, which says how a key is read and gives an example of a good value for messages.
 *
 * A reader of a key that adds a fault leaves its field as it was.
 */
#pragma once

#include <stdbool.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <libconfig.h>

#include "arena.h"
#include "drop_ins.h"
#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"

struct reader {
	struct arena *arena;
	struct config_faults *faults;
	const struct config_sop_classes *sop_classes;
	const char *path;   /* of the configuration, as given */
	const char *folder; /* absolute */
	const char *more;   /* one more entry, or a folder of them; NULL: none */
	const config_setting_t *root;
	struct drop_ins drop_ins;
	struct config_place *places; /* config->places */
	size_t place_count, place_room;
	const config_setting_t **modality_groups; /* one for each of config->modalities */
};

/* Reads one text of a list, or a text alone, into *ret; false after a fault. */
typedef bool reader_item(struct reader *reader, const struct config_place *place,
			 const char *text, void *ret);

struct key {
	const char *name;
	void (*read)(struct reader *reader, const config_setting_t *setting,
		     const struct key *key, void *field);
	size_t offset; /* of the field in the group's struct */
	bool required;
	const char *example;	  /* a good value, for messages */
	int64_t min, max;	  /* of a number */
	const char *zero;	  /* what 0, less than `min`, means; NULL: an error */
	const char *const *words; /* of a choice, up to a NULL */
	reader_item *item;	  /* of a text or a list of them */
	const char *empty;	  /* what an empty list means; NULL: an error */
};

#define KEY_COUNT(keys) (sizeof(keys) / sizeof((keys)[0]))

/* Sets reader->folder to the absolute folder of reader->path, without resolving symbolic
 * links. 0, or -1 with a fault when the current folder can't be told. */
MUST_USE int reader_find_folder(struct reader *reader);

/* What to do about a configuration that can't be opened; perhaps in `room`. */
#define READER_CURE_SIZE (2 * PATH_MAX + 128)
const char *reader_unreadable_cure(const char *path, int error, char *room, size_t size);

/* Reads a file into a tree. Its includes are relative to reader->folder. 0, or -1 with a
 * fault. */
MUST_USE int reader_tree(struct reader *reader, const char *path, config_t *tree);

/* The place of a setting, and of a member that a group has or lacks. */
struct config_place reader_place(struct reader *reader, const config_setting_t *setting);
struct config_place reader_member_place(struct reader *reader,
					const config_setting_t *group, const char *name);
const config_setting_t *reader_member(const config_setting_t *group, const char *name);

void reader_fault(struct reader *reader, const struct config_place *place,
		  const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "a list", "a string", … */
const char *reader_type(const config_setting_t *setting);
/* Adds the fault that `setting` has a wrong type. */
void reader_wrong_type(struct reader *reader, const config_setting_t *setting,
		       const struct key *key, const char *wanted);

/* Reads the keys of a group in the order of the text, and adds a fault for each key that
 * is unknown or missing. */
void reader_group(struct reader *reader, const config_setting_t *group,
		  const struct key *keys, size_t count, void *object);
/* Zeroed structs, `size` bytes each, for the groups of a list; NULL after a fault. */
MUST_USE void *reader_groups(struct reader *reader, const config_setting_t *list,
			     const struct key *key, size_t size, size_t *ret_count);

/* Readers of keys, named by the type of the field. */
void reader_unsigned(struct reader *reader, const config_setting_t *setting,
		     const struct key *key, void *field);
void reader_port(struct reader *reader, const config_setting_t *setting,
		 const struct key *key, void *field);
void reader_int64(struct reader *reader, const config_setting_t *setting,
		  const struct key *key, void *field);
/* The field is an unsigned: the index into key->words. */
void reader_choice(struct reader *reader, const config_setting_t *setting,
		   const struct key *key, void *field);
/* These read each text with key->item. */
void reader_text(struct reader *reader, const config_setting_t *setting,
		 const struct key *key, void *field);
void reader_strings(struct reader *reader, const config_setting_t *setting,
		    const struct key *key, void *field);
void reader_ae_titles(struct reader *reader, const config_setting_t *setting,
		      const struct key *key, void *field);
void reader_files(struct reader *reader, const config_setting_t *setting,
		  const struct key *key, void *field);
/* Reads a list of texts with key->item, into `size` bytes each; NULL without any. */
MUST_USE void *reader_items(struct reader *reader, const config_setting_t *setting,
			    const struct key *key, size_t size, size_t *ret_count);
/* Faults for keys of parts that are not built yet, and for keys that belong elsewhere
 * (key->example says where). */
void reader_unbuilt(struct reader *reader, const config_setting_t *setting,
		    const struct key *key, void *field);
void reader_elsewhere(struct reader *reader, const config_setting_t *setting,
		      const struct key *key, void *field);
