#include "message_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/durable.h"
#include "cathgate/base/lock_file.h"
#include "cathgate/base/log.h"
#include "cathgate/audit/log_clock.h"
#include "text.h"

#define NAME_SIZE      sizeof("cathgate-01234567890123456789.log")
#define CLEAN_EVERY_MS (60 * 60 * 1000)
#define HEAD_SIZE      512
#define LOCK_NAME      "cathgate.lock"

static void write_name(uint64_t number, char ret[NAME_SIZE])
{
	snprintf(ret, NAME_SIZE, "cathgate-%020" PRIu64 ".log", number);
}

static bool number_of(const char *name, uint64_t *ret)
{
	char again[NAME_SIZE];
	uint64_t number;

	if (sscanf(name, "cathgate-%20" SCNu64 ".log", &number) != 1)
		return false;
	write_name(number, again);
	if (strcmp(again, name) != 0)
		return false;
	*ret = number;
	return true;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

	return first < second ? -1 : first > second;
}

int message_files_list(const struct message_files *files, uint64_t **ret,
		       size_t *ret_count)
{
	DIR *directory = opendir(files->path);
	uint64_t *numbers = NULL, number;
	size_t count = 0;

	if (!directory)
		return -1;
	for (struct dirent *entry; (entry = readdir(directory));) {
		if (!number_of(entry->d_name, &number))
			continue;
		numbers = memory_resize(numbers, count + 1, sizeof(*numbers));
		numbers[count++] = number;
	}
	closedir(directory);
	if (count > 0)
		qsort(numbers, count, sizeof(*numbers), compare_numbers);
	*ret = numbers;
	*ret_count = count;
	return 0;
}

int message_files_read(const struct message_files *files, uint64_t number)
{
	char name[NAME_SIZE];

	write_name(number, name);
	return openat(files->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* Where the last whole line ends. */
static off_t end_of_lines(int fd, off_t size)
{
	char block[4096];

	while (size > 0) {
		off_t from =
			size > (off_t)sizeof(block) ? size - (off_t)sizeof(block) : 0;
		ssize_t got = pread(fd, block, (size_t)(size - from), from);

		if (got != (ssize_t)(size - from))
			return -1;
		const char *newline = memrchr(block, '\n', (size_t)got);
		if (newline)
			return from + (newline - block) + 1;
		size = from;
	}
	return 0;
}

/* rsyslog may have read the torn part already, and waits for the line's end. That does
 * no harm: what comes next follows from the log alone, and begins with the same bytes. */
static int cut_torn_line(struct message_files *files)
{
	struct stat status;

	if (fstat(files->fd, &status) != 0)
		return -1;
	files->size = end_of_lines(files->fd, status.st_size);
	if (files->size < 0)
		return -1;
	return files->size == status.st_size ? 0 : ftruncate(files->fd, files->size);
}

static int open_newest(struct message_files *files)
{
	char name[NAME_SIZE];
	uint64_t *numbers;
	size_t count;

	if (message_files_list(files, &numbers, &count) != 0)
		return -1;
	if (count == 0)
		return 0;
	files->number = numbers[count - 1];
	free(numbers);
	write_name(files->number, name);
	files->fd = openat(files->directory, name,
			   O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	return files->fd < 0 ? -1 : cut_torn_line(files);
}

static int lock_directory(const char *path)
{
	char at[PATH_MAX];

	snprintf(at, sizeof(at), "%s/" LOCK_NAME, path);
	return lock_file_take(at, 0);
}

int message_files_open(const struct config_audit *audit, struct message_files *ret)
{
	const char *path = audit->messages.path;
	struct message_files files = { .fd = -1,
				       .lock = -1,
				       .keep_days = audit->keep_days,
				       .log = audit->file.path };
	int error;

	if (mkdir(path, 0750) != 0 && errno != EEXIST)
		return -1;
	files.directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (files.directory < 0)
		return -1;
	files.path = memory_copy(path);
	files.lock = lock_directory(path);
	if (files.lock >= 0 && open_newest(&files) == 0) {
		*ret = files;
		return 0;
	}
	error = errno;
	message_files_close(&files);
	errno = error;
	return -1;
}

static void close_file(struct message_files *files)
{
	if (files->fd >= 0)
		close(files->fd);
	files->fd = -1;
}

void message_files_close(struct message_files *files)
{
	close_file(files);
	if (files->lock >= 0)
		close(files->lock);
	close(files->directory);
	free(files->path);
}

/* Also a file of audit_used.c, which has one message. */
static bool is_message_file(const char *name)
{
	size_t length = strlen(name);

	return strncmp(name, "cathgate-", 9) == 0 && length > 4 &&
	       strcmp(name + length - 4, ".log") == 0;
}

static void remove_old_files(struct message_files *files)
{
	int64_t now_ms = clock_ms();
	char newest[NAME_SIZE];
	struct stat status;
	DIR *directory;
	time_t oldest;

	if (files->keep_days == 0 ||
	    (files->cleaned_ms && now_ms - files->cleaned_ms < CLEAN_EVERY_MS))
		return;
	files->cleaned_ms = now_ms;
	oldest = files->log ? log_clock_time(files->log) : time(NULL);
	oldest -= (time_t)files->keep_days * 24 * 60 * 60;
	write_name(files->number, newest);
	directory = opendir(files->path);
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		if (!is_message_file(entry->d_name) ||
		    strcmp(entry->d_name, newest) == 0 ||
		    fstatat(files->directory, entry->d_name, &status,
			    AT_SYMLINK_NOFOLLOW) != 0 ||
		    status.st_mtime >= oldest)
			continue;
		if (unlinkat(files->directory, entry->d_name, 0) == 0)
			log_info("%s/%s: removed, it is older than audit.keep_days",
				 files->path, entry->d_name);
	}
	if (directory)
		closedir(directory);
}

/* After a broken chain the log's numbers begin anew; the files' still ascend. */
static int begin_file(struct message_files *files, uint64_t seq)
{
	uint64_t *numbers, number = seq;
	char name[NAME_SIZE];
	size_t count;

	if (message_files_list(files, &numbers, &count) != 0)
		return -1;
	if (count > 0 && numbers[count - 1] >= number)
		number = numbers[count - 1] + 1;
	free(numbers);
	close_file(files);
	write_name(number, name);
	files->fd = openat(files->directory, name,
			   O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (files->fd < 0)
		return -1;
	files->number = number;
	files->size = 0;
	/* Whatever the umask: the group may read it, others may not. */
	return fchmod(files->fd, 0640) == 0 && fsync(files->directory) == 0 ? 0 : -1;
}

static int write_or_cut(struct message_files *files, const char *bytes, size_t size)
{
	if (durable_write(files->fd, bytes, size) == 0)
		return 0;
	int error = errno;
	/* A part that can't be cut off stays, and the file is given up. */
	if (ftruncate(files->fd, files->size) != 0)
		close_file(files);
	errno = error;
	return -1;
}

void message_file_put_head(struct text *to)
{
	char head[HEAD_SIZE + 1], time[UTC_TEXT_SIZE];
	int used;

	clock_utc(time);
	used = snprintf(head, sizeof(head),
			"# DICOM audit messages of Cathgate, a line each. Begun %s by "
			"process %d. ",
			time, (int)getpid());
	memset(head + used, '.', (size_t)(HEAD_SIZE - used));
	head[HEAD_SIZE - 1] = '\n';
	text_add(to, head, HEAD_SIZE);
}

static int write_head(struct message_files *files)
{
	struct text head = { 0 };
	int result;

	message_file_put_head(&head);
	result = write_or_cut(files, head.bytes, head.size);
	if (result == 0)
		files->size = (off_t)head.size;
	text_free(&head);
	return result;
}

/* Gives up a file that was removed. */
static void close_if_removed(struct message_files *files)
{
	struct stat status;

	if (files->fd >= 0 && (fstat(files->fd, &status) != 0 || status.st_nlink == 0))
		close_file(files);
}

int message_files_append(struct message_files *files, uint64_t seq, const char *bytes,
			 size_t size)
{
	remove_old_files(files);
	close_if_removed(files);
	if ((files->fd < 0 ||
	     (files->size > 0 && files->size + (off_t)size > MESSAGE_FILE_MAX)) &&
	    begin_file(files, seq) != 0)
		return -1;
	if (files->size == 0 && write_head(files) != 0)
		return -1;
	if (write_or_cut(files, bytes, size) != 0)
		return -1;
	if (fdatasync(files->fd) != 0) {
		/* What the disk has of it is not known: it is written again in a new
		 * file, and may arrive twice. */
		int error = errno;

		close_file(files);
		errno = error;
		return -1;
	}
	files->size += (off_t)size;
	return 0;
}
