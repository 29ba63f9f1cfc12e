#include "log_listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/audit/chain.h"
#include "cathgate/audit/log_reader.h"
#include "cathgate/audit/log_verify.h"

static const char suffix[] = ".jsonl";

#define HEAD_SIZE 4096 /* most first lines are shorter */

/* A file with the name of a rotated one. */
struct named {
	struct log_rotated name;
	uint64_t first_seq; /* as its first line says; else as its name says */
};

/* The number of a file's first line, if that is sound. */
static bool read_first_seq(int fd, uint64_t *ret)
{
	struct chain_line first = { .is_sound = false };
	struct digest *digest = digest_new();
	char *bytes = malloc(LOG_VERIFY_LINE_MAX);
	ssize_t got = digest && bytes ? pread(fd, bytes, HEAD_SIZE, 0) : 0;
	const char *newline = got > 0 ? memchr(bytes, '\n', (size_t)got) : NULL;
	if (!newline && got == HEAD_SIZE) {
		got = pread(fd, bytes, LOG_VERIFY_LINE_MAX, 0);
		newline = got > 0 ? memchr(bytes, '\n', (size_t)got) : NULL;
	}
	bool is_read =
		newline &&
		chain_read(digest, bytes, (size_t)(newline - bytes), &first) == 0 &&
		first.is_sound;
	if (is_read)
		*ret = first.seq;
	free(bytes);
	digest_free(digest);
	return is_read;
}

/* Leaves out a pipe or a directory with such a name. Lists a file that can't be read:
 * opening it tells why. */
static bool look_at_file(DIR *directory, const char *name, struct named *named)
{
	struct stat status;
	if (fstatat(dirfd(directory), name, &status, 0) || !S_ISREG(status.st_mode))
		return false;
	named->first_seq = named->name.first_seq;
	int fd = openat(dirfd(directory), name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno != ENOENT;
	read_first_seq(fd, &named->first_seq);
	close(fd);
	return true;
}

static bool is_ours(const struct named *named)
{
	return named->first_seq == named->name.first_seq;
}

/* By the first line; the writer's own before others that begin with the same line. */
static int compare_named(const void *a, const void *b)
{
	const struct named *one = a, *other = b;
	if (one->first_seq != other->first_seq)
		return one->first_seq < other->first_seq ? -1 : 1;
	if (is_ours(one) != is_ours(other))
		return is_ours(one) ? -1 : 1;
	if (one->name.first_seq != other->name.first_seq)
		return one->name.first_seq < other->name.first_seq ? -1 : 1;
	return one->name.again < other->name.again ? -1
						   : one->name.again > other->name.again;
}

typedef bool look_function(DIR *directory, const char *name, struct named *named);

static int list_named(const char *path, const char *tail, look_function *look,
		      struct named **ret, size_t *ret_count)
{
	struct named *list = NULL, one;
	size_t count = 0;
	DIR *directory = log_open_directory(path);
	if (!directory)
		return -1;
	for (struct dirent *entry; (errno = 0, entry = readdir(directory));) {
		if (!log_name_read_rotated(entry->d_name, path, tail, &one.name) ||
		    !look(directory, entry->d_name, &one))
			continue;
		struct named *grown = reallocarray(list, count + 1, sizeof(*list));
		if (!grown)
			break;
		list = grown;
		list[count++] = one;
	}
	int error = errno;
	closedir(directory);
	if (error) {
		free(list);
		errno = error;
		return -1;
	}
	if (count > 1)
		qsort(list, count, sizeof(*list), compare_named);
	*ret = list;
	*ret_count = count;
	return 0;
}

/* Reads from a note's text which file it is of. */
static bool look_at_note(DIR *directory, const char *name, struct named *named)
{
	char text[CHECKPOINT_TEXT_SIZE];
	struct checkpoint note;
	int fd = openat(dirfd(directory), name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t size = fd >= 0 ? pread(fd, text, sizeof(text), 0) : -1;
	if (fd >= 0)
		close(fd);
	return size > 0 && checkpoint_read_note(text, (size_t)size, &note) == 0 &&
	       checkpoint_first_seq(note.origin, &named->first_seq) == 0;
}

static bool is_among(const struct log_rotated *one, const struct log_rotated *list,
		     size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].first_seq == one->first_seq && list[i].again == one->again)
			return true;
	}
	return false;
}

/* The names of those that are ours and not in the list of others. */
static int list_names(const char *path, const char *tail, look_function *look,
		      const struct log_rotated *others, size_t other_count,
		      struct log_rotated **ret, size_t *ret_count)
{
	struct named *named;
	size_t named_count, count = 0;
	if (list_named(path, tail, look, &named, &named_count))
		return -1;
	struct log_rotated *list = calloc(named_count + 1, sizeof(*list));
	for (size_t i = 0; list && i < named_count; i++) {
		if (is_ours(&named[i]) && !is_among(&named[i].name, others, other_count))
			list[count++] = named[i].name;
	}
	free(named);
	if (!list)
		return -1;
	*ret = list;
	*ret_count = count;
	return 0;
}

int log_rotated_list(const char *path, struct log_rotated **ret, size_t *ret_count)
{
	return list_names(path, suffix, look_at_file, NULL, 0, ret, ret_count);
}

int log_stray_notes(const char *path, const struct log_rotated *rotated, size_t count,
		    struct log_rotated **ret, size_t *ret_count)
{
	return list_names(path, ".checkpoint", look_at_note, rotated, count, ret,
			  ret_count);
}

static int add_listed(struct log_listing *listing, const char *path,
		      struct log_listed file)
{
	struct log_listed *files =
		reallocarray(listing->files, listing->count + 1, sizeof(*listing->files));
	if (!files)
		return -1;
	listing->files = files;
	file.path = strdup(path);
	if (!file.path)
		return -1;
	files[listing->count++] = file;
	return 0;
}

/* Leaves out a copy: a file that the writer didn't name so, and that begins like the live
 * file or the one before it in the list. */
static int add_rotated(struct log_listing *listing, const char *path,
		       const struct named *named, const uint64_t *live_seq)
{
	char name[LOG_NAME_SIZE];
	const struct log_listed *before =
		listing->count > 0 ? &listing->files[listing->count - 1] : NULL;
	if (!is_ours(named) && ((live_seq && *live_seq == named->first_seq) ||
				(before && before->first_seq == named->first_seq)))
		return 0;
	log_name_rotated(name, path, &named->name, suffix);
	return add_listed(listing, name,
			  (struct log_listed){ .first_seq = named->first_seq,
					       .again = named->name.again });
}

static int list_all(struct log_listing *listing, const char *path)
{
	struct named *named = NULL;
	size_t count;
	struct stat status;
	uint64_t live_seq;
	/* The live file first: if it is renamed meanwhile, it is found twice rather than
	 * not at all. */
	bool is_live = stat(path, &status) == 0;
	int fd = is_live ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
	bool has_seq = fd >= 0 && read_first_seq(fd, &live_seq);
	if (fd >= 0)
		close(fd);
	int result = list_named(path, suffix, look_at_file, &named, &count);
	for (size_t i = 0; result == 0 && i < count; i++)
		result =
			add_rotated(listing, path, &named[i], has_seq ? &live_seq : NULL);
	if (result == 0 && is_live)
		result = add_listed(
			listing, path,
			(struct log_listed){ .is_live = true, .first_seq = UINT64_MAX });
	free(named);
	return result;
}

int log_listing_read(const char *path, struct log_listing *ret)
{
	struct log_listing listing = { .count = 0 };
	if (list_all(&listing, path)) {
		log_listing_free(&listing);
		return -1;
	}
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

bool log_reader_files_stay(const char *path, char *const *files, size_t count)
{
	char **now;
	size_t now_count;
	if (log_reader_files(path, &now, &now_count))
		return true;
	bool stay = now_count == count;
	for (size_t i = 0; i < count && stay; i++)
		stay = strcmp(now[i], files[i]) == 0;
	log_reader_files_free(now, now_count);
	return stay;
}
