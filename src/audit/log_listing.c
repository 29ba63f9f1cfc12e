#include "log_listing.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cathgate/log_reader.h"

static const char suffix[] = ".jsonl";

#define SUFFIX_LENGTH (sizeof(suffix) - 1)
#define DIGITS_MAX    18 /* more are never counted up to, and could wrap */

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

char *log_listing_directory(const char *path)
{
	const char *base = base_of(path);
	return base == path ? strdup("./") : strndup(path, (size_t)(base - path));
}

static size_t stem_length(const char *base)
{
	size_t length = strlen(base);
	if (length > SUFFIX_LENGTH && strcmp(base + length - SUFFIX_LENGTH, suffix) == 0)
		length -= SUFFIX_LENGTH;
	return length;
}

/* Returns what stands behind the digits; NULL where there are none. */
static const char *read_number(const char *at, uint64_t *ret)
{
	uint64_t number = 0;
	size_t digits = 0;
	while (at[digits] >= '0' && at[digits] <= '9' && digits < DIGITS_MAX)
		number = 10 * number + (uint64_t)(at[digits++] - '0');
	*ret = number;
	return digits > 0 ? at + digits : NULL;
}

/* Whether `name` is that of a rotated file of the log with that base name. */
static bool name_is_rotated(const char *name, const char *base, struct log_listed *ret)
{
	size_t stem = stem_length(base);
	const char *behind;
	if (strncmp(name, base, stem) != 0 || name[stem] != '-' ||
	    !(name = read_number(name + stem + 1, &ret->first_seq)))
		return false;
	if (name[0] == '.' && (behind = read_number(name + 1, &ret->again)))
		name = behind;
	return strcmp(name, suffix) == 0;
}

static int add(struct log_listing *listing, const char *path, const char *name,
	       struct log_listed file)
{
	size_t before = (size_t)(base_of(path) - path);
	struct log_listed *files =
		reallocarray(listing->files, listing->count + 1, sizeof(*listing->files));
	if (!files)
		return -1;
	listing->files = files;
	file.path = malloc(before + strlen(name) + 1);
	if (!file.path)
		return -1;
	memcpy(file.path, path, before);
	strcpy(file.path + before, name);
	files[listing->count++] = file;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct log_listed *first = a, *second = b;
	if (first->first_seq != second->first_seq)
		return first->first_seq < second->first_seq ? -1 : 1;
	if (first->again != second->again)
		return first->again < second->again ? -1 : 1;
	return strcmp(first->path, second->path);
}

static int list_rotated(struct log_listing *listing, const char *path, DIR *directory)
{
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(directory);
		struct log_listed file = { .is_live = false };
		if (!entry)
			return errno ? -1 : 0;
		if (name_is_rotated(entry->d_name, base_of(path), &file) &&
		    add(listing, path, entry->d_name, file))
			return -1;
	}
}

int log_listing_read(const char *path, struct log_listing *ret)
{
	struct log_listing listing = { .count = 0 };
	struct stat status;
	char *folder = log_listing_directory(path);
	DIR *directory = folder ? opendir(folder) : NULL;
	int result = directory ? 0 : -1;
	/* Before the others: what is renamed meanwhile is found twice rather than not at
	 * all. */
	if (result == 0 && stat(path, &status) == 0)
		result = add(
			&listing, path, base_of(path),
			(struct log_listed){ .is_live = true, .first_seq = UINT64_MAX });
	if (result == 0)
		result = list_rotated(&listing, path, directory);
	int error = errno;
	if (directory)
		closedir(directory);
	free(folder);
	if (result) {
		log_listing_free(&listing);
		errno = error;
		return -1;
	}
	if (listing.count > 0)
		qsort(listing.files, listing.count, sizeof(*listing.files), compare);
	*ret = listing;
	return 0;
}

void log_listing_free(struct log_listing *listing)
{
	for (size_t i = 0; i < listing->count; i++)
		free(listing->files[i].path);
	free(listing->files);
	*listing = (struct log_listing){ .count = 0 };
}

int log_reader_files(const char *path, char ***ret, size_t *ret_count)
{
	struct log_listing listing;
	if (log_listing_read(path, &listing))
		return -1;
	char **files = calloc(listing.count + 1, sizeof(*files));
	for (size_t i = 0; files && i < listing.count; i++) {
		files[i] = listing.files[i].path;
		listing.files[i].path = NULL;
	}
	if (files) {
		*ret = files;
		*ret_count = listing.count;
	}
	log_listing_free(&listing);
	return files ? 0 : -1;
}

void log_reader_files_free(char **files, size_t count)
{
	for (size_t i = 0; files && i < count; i++)
		free(files[i]);
	free(files);
}
