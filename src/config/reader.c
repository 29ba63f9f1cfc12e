#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/unreadable.h"
#include "scan.h"

#define KEY_PATH_SIZE 256

static void key_path(const config_setting_t *setting, char ret[KEY_PATH_SIZE])
{
	const config_setting_t *parent = config_setting_parent(setting);
	const char *name = config_setting_name(setting);
	size_t used;

	if (!parent) {
		ret[0] = '\0';
		return;
	}
	key_path(parent, ret);
	used = strlen(ret);
	if (name)
		snprintf(ret + used, KEY_PATH_SIZE - used, "%s%s", used > 0 ? "." : "",
			 name);
	else
		snprintf(ret + used, KEY_PATH_SIZE - used, "[%d]",
			 config_setting_index(setting));
}

struct config_place reader_place(struct reader *reader, const config_setting_t *setting)
{
	const struct scan_value *value = config_setting_get_hook(setting);
	bool element = !config_setting_name(setting) && value;
	const char *file = config_setting_source_file(setting);
	char path[KEY_PATH_SIZE];

	key_path(setting, path);
	return (struct config_place){
		.file = element ? arena_copy(reader->arena, value->file)
				: scan_file_shown(reader->arena, reader->path,
						  reader->folder, file),
		.line = element ? value->line : (int)config_setting_source_line(setting),
		.key = path[0] == '\0' ? NULL : arena_copy(reader->arena, path),
	};
}

const config_setting_t *reader_member(const config_setting_t *group, const char *name)
{
	int count = config_setting_is_group(group) ? config_setting_length(group) : 0;

	for (int i = 0; i < count; i++) {
		const config_setting_t *member =
			config_setting_get_elem(group, (unsigned)i);

		if (strcmp(config_setting_name(member), name) == 0)
			return member;
	}
	return NULL;
}

struct config_place reader_member_place(struct reader *reader,
					const config_setting_t *group, const char *name)
{
	const config_setting_t *member = reader_member(group, name);
	struct config_place place;

	if (member)
		return reader_place(reader, member);
	place = reader_place(reader, group);
	place.key = place.key ? arena_format(reader->arena, "%s.%s", place.key, name)
			      : arena_copy(reader->arena, name);
	return place;
}

void reader_fault(struct reader *reader, const struct config_place *place,
		  const char *format, ...)
{
	va_list arguments;
	char *what;

	va_start(arguments, format);
	if (vasprintf(&what, format, arguments) < 0)
		what = NULL;
	va_end(arguments);
	config_fault_add(reader->faults, CONFIG_ERROR, place, "%s",
			 what ? what : "wrong");
	free(what);
}

const char *reader_type(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:
		return "a group";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "a number";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	case CONFIG_TYPE_STRING:
		return "a text";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	default:
		return "a list";
	}
}

void reader_wrong_type(struct reader *reader, const config_setting_t *setting,
		       const struct key *key, const char *wanted)
{
	struct config_place place = reader_place(reader, setting);

	reader_fault(reader, &place, "%s is wanted here, not %s; write %s = %s", wanted,
		     reader_type(setting), key->name, key->example);
}

/* Adds a fault unless `path` leads to a regular file that can be read. */
MUST_USE static int check_file(const char *path, struct config_faults *faults)
{
	struct config_place place = { .file = path };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char cure[READER_CURE_SIZE];
	struct stat status;
	int result = 0;

	if (fd < 0) {
		config_fault_add(faults, CONFIG_ERROR, &place, "it can't be read: %s; %s",
				 strerror(errno),
				 reader_unreadable_cure(path, errno, cure, sizeof(cure)));
		return -1;
	}
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		config_fault_add(faults, CONFIG_ERROR, &place,
				 "it is no regular file; give the path of one with "
				 "--config");
		result = -1;
	}
	close(fd);
	return result;
}

static void syntax_fault(struct reader *reader, const char *path, const config_t *tree)
{
	const char *text = config_error_text(tree);
	struct config_place place = {
		.file = scan_file_shown(reader->arena, path, reader->folder,
					config_error_file(tree)),
		.line = config_error_line(tree),
	};
	const char *cure = "look here and on the line before for a missing quote, "
			   "bracket, = or end of line, a comma before a closing "
			   "bracket, or a number of over 64 bits";

	if (strstr(text, "duplicate"))
		cure = "a key may stand only once in its group: remove one of them";
	else if (strstr(text, "array"))
		cure = "write values of one type only between [ and ]";
	else if (strstr(text, "include"))
		cure = arena_format(
			reader->arena,
			"@include wants the name of a readable file, relative "
			"to %s, and no file may include itself",
			reader->folder);
	reader_fault(reader, &place, "%s; %s", text, cure);
}

int reader_tree(struct reader *reader, const char *path, config_t *tree)
{
	struct scan scan = { .faults = reader->faults,
			     .path = path,
			     .folder = reader->folder };
	int result;

	if (check_file(path, reader->faults) < 0)
		return -1;
	result = scan_prove(&scan);
	scan_clear(&scan);
	if (result < 0)
		return -1;
	config_set_include_dir(tree, reader->folder);
	if (config_read_file(tree, path) == CONFIG_TRUE)
		return 0;
	syntax_fault(reader, path, tree);
	return -1;
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

#define NAME_MAX_LENGTH 40

/* The number of characters to change, add or remove to make `b` of `a`. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_LENGTH + 1];
	size_t width = strlen(b);

	if (width > NAME_MAX_LENGTH || strlen(a) > NAME_MAX_LENGTH)
		return SIZE_MAX;
	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < width; j++) {
			size_t above = row[j + 1];

			row[j + 1] =
				min3(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[width];
}

static void unknown_key(struct reader *reader, const config_setting_t *setting,
			const struct key *keys, size_t count)
{
	struct config_place place = reader_place(reader, setting);
	const char *name = config_setting_name(setting);
	size_t least = 2 + strlen(name) / 4;
	const char *near = NULL, *all = "";

	for (size_t i = 0; i < count; i++) {
		size_t far = distance(name, keys[i].name);

		if (keys[i].read == reader_unbuilt || keys[i].read == reader_elsewhere)
			continue;
		all = arena_format(reader->arena, "%s%s%s", all, *all != '\0' ? ", " : "",
				   keys[i].name);
		if (far < least) {
			least = far;
			near = keys[i].name;
		}
	}
	if (near)
		reader_fault(reader, &place, "unknown key; did you mean %s?", near);
	else
		reader_fault(reader, &place, "unknown key; those known here are %s", all);
}

static void note_place(struct reader *reader, const config_setting_t *member)
{
	if (reader->place_count == reader->place_room) {
		size_t room = reader->place_room > 0 ? 2 * reader->place_room : 64;
		struct config_place *places =
			arena_alloc(reader->arena, room, sizeof(*places));

		if (reader->place_count > 0)
			memcpy(places, reader->places,
			       reader->place_count * sizeof(*places));
		reader->places = places;
		reader->place_room = room;
	}
	reader->places[reader->place_count++] = reader_place(reader, member);
}

static void read_members(struct reader *reader, const config_setting_t *group,
			 const struct key *keys, size_t count, void *object)
{
	int length = config_setting_length(group);

	for (int i = 0; i < length; i++) {
		const config_setting_t *member =
			config_setting_get_elem(group, (unsigned)i);
		size_t k = 0;

		while (k < count &&
		       strcmp(keys[k].name, config_setting_name(member)) != 0)
			k++;
		note_place(reader, member);
		if (k < count)
			keys[k].read(reader, member, &keys[k],
				     (char *)object + keys[k].offset);
		else
			unknown_key(reader, member, keys, count);
	}
}

void reader_group(struct reader *reader, const config_setting_t *group,
		  const struct key *keys, size_t count, void *object)
{
	read_members(reader, group, keys, count, object);
	for (size_t k = 0; k < count; k++) {
		struct config_place place;

		if (!keys[k].required || reader_member(group, keys[k].name))
			continue;
		place = reader_member_place(reader, group, keys[k].name);
		reader_fault(reader, &place, "it is missing; write %s = %s", keys[k].name,
			     keys[k].example);
	}
}

void *reader_groups(struct reader *reader, const config_setting_t *list,
		    const struct key *key, size_t size, size_t *ret_count)
{
	struct config_place place = reader_place(reader, list);
	int length;

	if (!config_setting_is_list(list)) {
		reader_wrong_type(reader, list, key, "a list of groups");
		return NULL;
	}
	length = config_setting_length(list);
	if (length == 0) {
		reader_fault(reader, &place, "the list is empty; write %s = %s",
			     key->name, key->example);
		return NULL;
	}
	for (int i = 0; i < length; i++) {
		const config_setting_t *element =
			config_setting_get_elem(list, (unsigned)i);

		if (!config_setting_is_group(element)) {
			reader_wrong_type(reader, element, key, "a group in braces");
			return NULL;
		}
	}
	*ret_count = (size_t)length;
	return arena_alloc(reader->arena, (size_t)length, size);
}

void reader_unbuilt(struct reader *reader, const config_setting_t *setting,
		    const struct key *key, void *field)
{
	struct config_place place = reader_place(reader, setting);

	(void)field;
	reader_fault(reader, &place, "%s is not built yet; remove this key", key->name);
}

void reader_elsewhere(struct reader *reader, const config_setting_t *setting,
		      const struct key *key, void *field)
{
	struct config_place place = reader_place(reader, setting);

	(void)field;
	reader_fault(reader, &place, "it has no place here; %s", key->example);
}

const char *reader_unreadable_cure(const char *path, int error, char *room, size_t size)
{
	switch (error) {
	case ENOENT:
		return "make one with cathgate setup, or give the right path with "
		       "--config";
	case EACCES:
		unreadable_cure(path, false, room, size);
		return room[0] ? room : "run this as root, or make it readable";
	default:
		return "give the right path with --config";
	}
}

int reader_find_folder(struct reader *reader)
{
	const char *slash = strrchr(reader->path, '/');
	int length = slash ? (int)(slash - reader->path) : 0;
	struct config_place place = { .file = reader->path };
	char *current;

	if (reader->path[0] == '/') {
		reader->folder = length == 0 ? "/"
					     : arena_format(reader->arena, "%.*s", length,
							    reader->path);
		return 0;
	}
	current = getcwd(NULL, 0);
	if (!current) {
		reader_fault(reader, &place,
			     "the current folder can't be told: %s; give an absolute "
			     "path with --config",
			     strerror(errno));
		return -1;
	}
	reader->folder = arena_format(reader->arena, "%s%s%.*s", current,
				      length == 0 ? "" : "/", length, reader->path);
	free(current);
	return 0;
}
