#include "cathgate/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int durable_sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd < 0 ? -1 : fsync(fd);
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return result;
}

int durable_sync_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder;
	int result;

	if (slash == NULL)
		return durable_sync_folder(".");
	folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (folder == NULL)
		return -1;
	result = durable_sync_folder(folder);
	free(folder);
	return result;
}

int durable_write(int fd, const void *bytes, size_t size)
{
	const char *next = bytes;

	while (size > 0) {
		ssize_t written = write(fd, next, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		next += written;
		size -= (size_t)written;
	}
	return 0;
}

static int settle(int fd, const struct durable_owner *owner)
{
	bool changes = owner->user != (uid_t)-1 || owner->group != (gid_t)-1;

	if (changes && fchown(fd, owner->user, owner->group) < 0)
		return -1;
	return fchmod(fd, owner->mode);
}

/* Beside `path`, mode 0600 until all of it is there. */
static char *write_beside(const char *path, const void *bytes, size_t size,
			  const struct durable_owner *owner)
{
	const char *slash = strrchr(path, '/');
	int length = slash == NULL ? 0 : (int)(slash - path) + 1, fd, error;
	char *beside;

	if (asprintf(&beside, "%.*s.%s.XXXXXX", length, path, path + length) < 0)
		return NULL;
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0) {
		free(beside);
		return NULL;
	}
	if (durable_write(fd, bytes, size) == 0 && settle(fd, owner) == 0 &&
	    fsync(fd) == 0) {
		close(fd);
		return beside;
	}
	error = errno;
	close(fd);
	unlink(beside);
	free(beside);
	errno = error;
	return NULL;
}

static int place(char *beside, const char *path, unsigned flags)
{
	int result = -1, error;
	bool is_placed;

	if (beside == NULL)
		return -1;
	is_placed = renameat2(AT_FDCWD, beside, AT_FDCWD, path, flags) == 0;
	if (is_placed)
		result = durable_sync_parent(path);
	error = errno;
	if (result < 0 && !is_placed)
		unlink(beside);
	else if (result < 0 && (flags & RENAME_NOREPLACE) != 0)
		unlink(path);
	free(beside);
	errno = error;
	return result;
}

int durable_settle(const char *path, const struct durable_owner *owner)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), error, result;

	if (fd < 0)
		return -1;
	result = settle(fd, owner) == 0 ? fsync(fd) : -1;
	error = errno;
	close(fd);
	errno = error;
	return result;
}

int durable_create(const char *path, const void *bytes, size_t size,
		   const struct durable_owner *owner)
{
	return place(write_beside(path, bytes, size, owner), path, RENAME_NOREPLACE);
}

int durable_replace(const char *path, const void *bytes, size_t size,
		    const struct durable_owner *owner)
{
	return place(write_beside(path, bytes, size, owner), path, 0);
}

int durable_folder(const char *path, const struct durable_owner *owner)
{
	int fd, error, result = -1;

	if (mkdir(path, 0700) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && settle(fd, owner) == 0 && durable_sync_parent(path) == 0)
		result = 0;
	error = errno;
	if (fd >= 0)
		close(fd);
	if (result < 0)
		rmdir(path);
	errno = error;
	return result;
}

int durable_remove(const char *path)
{
	return unlink(path) < 0 ? -1 : durable_sync_parent(path);
}

int durable_rename(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) < 0)
		return -1;
	return durable_sync_parent(to);
}

int durable_read(const char *path, size_t max, char **ret, size_t *ret_size)
{
	FILE *stream = fopen(path, "re");
	char *text = stream != NULL ? malloc(max + 2) : NULL;
	size_t size = 0;
	int result = -1, error;

	if (text != NULL) {
		size = fread(text, 1, max + 1, stream);
		if (!ferror(stream) && size > max)
			errno = EFBIG;
		else if (!ferror(stream))
			result = 0;
	}
	error = errno;
	if (stream != NULL)
		fclose(stream);
	if (result == 0) {
		text[size] = '\0';
		*ret = text;
		*ret_size = size;
	} else {
		free(text);
	}
	errno = error;
	return result;
}
