#include "log_source.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/audit/members.h"
#include "cathgate/exporter/audit_used.h"
#include "complain.h"
#include "gateway_config.h"
#include "moment.h"

/* Tells the audit repository, where there is one, that this user reads the log. */
static void note_log_used(const char *config, const char *path)
{
	struct config_faults none = { .count = 0 };
	char *messages = NULL, *name = NULL, host[HOST_NAME_MAX + 1] = "";
	gethostname(host, sizeof(host) - 1);
	(void)!config_gateway_name(config, &name, &none); /* else the host's serves */
	if (config_audit_messages(config, &messages, &none) == 0) {
		const struct audit_log_used used = { .log = path,
						     .messages = messages,
						     .node = name ? name : host,
						     .program = "cathgate audit" };
		if (audit_log_used_note(&used))
			complain("%s: the audit repository can't be told that the log is "
				 "read: %s%s",
				 messages, strerror(errno),
				 errno == ELOOP ? "; a symbolic link that isn't root's "
						  "leads elsewhere: see who made it"
						: "");
	}
	config_faults_clear(&none);
	free(messages);
	free(name);
}

char *log_source_default(const char *config)
{
	struct config_faults faults = { .count = 0 };
	char *path = NULL;
	config = config ? config : CATHGATE_CONFIG;
	if (config_audit_file(config, &path, &faults)) {
		gateway_config_complain(&faults);
		complain(
			"which log? Name it as FILE, or the configuration with --config");
	}
	config_faults_clear(&faults);
	if (path)
		note_log_used(config, path);
	return path;
}

void log_source_complain(const char *path)
{
	const char *cure = errno == EACCES ? "; run this as a user who may read it"
			   : errno == ENOENT
				   ? "; there is none before the gateway's first start "
				     "(systemctl start cathgated); name another as FILE, "
				     "or the configuration with --config"
			   : errno == EISDIR || errno == EINVAL
				   ? "; name a file, not a directory or a device"
				   : "";
	complain("%s: the log can't be read: %s%s", path, strerror(errno), cure);
}

#define ROTATIONS_MAX 10
#define SLACK	      (3600 * INT64_C(1000000))	     /* by which a clock is set right */
#define MARGIN	      (7 * 86400 * INT64_C(1000000)) /* by which it was ahead in a file */

static bool note_moment(void *context, const struct log_reader_line *line, off_t offset)
{
	int64_t *ret = context;
	json_t *read = members_read(line->text, line->size);
	(void)offset;
	*ret = read ? moment_of_line(read) : MOMENT_NONE;
	json_decref(read);
	return false;
}

/* When a file's first and last lines were written; MOMENT_NONE: that can't be told. */
static void read_moments(const char *path, int64_t *ret_first, int64_t *ret_last)
{
	struct log_reader *reader = log_reader_open_file(path);
	struct log_reader_line line;
	*ret_first = *ret_last = MOMENT_NONE;
	if (reader && log_reader_next(reader, &line) == LOG_READER_LINE)
		note_moment(ret_first, &line, 0);
	log_reader_close(reader);
	if (*ret_first != MOMENT_NONE &&
	    log_reader_backwards(path, note_moment, ret_last))
		*ret_last = MOMENT_NONE;
}

size_t log_source_skip(char *const *files, size_t count, int64_t since)
{
	int64_t first, last, last_before = MOMENT_NONE;
	size_t at = 0;
	if (since == MOMENT_NONE || count < 2)
		return 0;
	read_moments(files[0], &first, &last);
	while (at + 1 < count && first != MOMENT_NONE && last != MOMENT_NONE &&
	       first <= last && last < since - MARGIN) {
		last_before = last;
		read_moments(files[at + 1], &first, &last);
		if (first == MOMENT_NONE || first < last_before - SLACK)
			break;
		at++;
	}
	return at;
}

/* Leaves out the files before that one, unless it is gone meanwhile. */
static void begin_with(struct log_source *source, const char *path)
{
	struct log_reader *reader = log_reader_open_file(path);
	struct log_reader_line line;
	if (reader && log_reader_next(reader, &line) == LOG_READER_LINE) {
		source->first_seq = line.seq;
		source->first = strdup(path);
	}
	log_reader_close(reader);
}

static int open_first(struct log_source *source)
{
	source->reader = source->first
				 ? log_reader_open_from(source->path, source->first_seq,
							source->first)
				 : log_reader_open(source->path, 0);
	if (source->reader)
		return 0;
	log_source_complain(source->path);
	return -1;
}

/* 1 when the log was rotated meanwhile; -1 with errno. */
static int find_first(struct log_source *source, int64_t since)
{
	char **files;
	size_t count;
	if (log_reader_files(source->path, &files, &count))
		return -1;
	size_t skipped = log_source_skip(files, count, since);
	if (skipped > 0)
		begin_with(source, files[skipped]);
	int result = !log_reader_files_stay(source->path, files, count);
	log_reader_files_free(files, count);
	if (result > 0) {
		free(source->first);
		source->first = NULL;
	}
	if (result == 0 && count == 0) {
		errno = ENOENT;
		result = -1;
	}
	return result;
}

/* Takes ownership of the path. */
static int open_log(struct log_source *source, char *path, int64_t since)
{
	source->path = path;
	if (!path)
		return -1;
	int found = 1;
	for (int i = 0; i < ROTATIONS_MAX && found > 0; i++)
		found = find_first(source, since);
	if (found >= 0) /* at worst all of it is read */
		return open_first(source);
	log_source_complain(path);
	return -1;
}

int log_source_open_log(struct log_source *source, const char *path, int64_t since)
{
	*source = (struct log_source){ .file_count = 0 };
	if (open_log(source, strdup(path), since) == 0)
		return 0;
	log_source_close(source);
	return -1;
}

int log_source_open(struct log_source *source, char **files, size_t file_count,
		    const char *config, int64_t since)
{
	*source = (struct log_source){ .files = file_count > 0 ? files : NULL,
				       .file_count = file_count };
	/* All are looked at first: a misspelt name must not leave half an answer. */
	for (size_t i = 0; i < file_count; i++) {
		if (access(files[i], R_OK) != 0) {
			log_source_complain(files[i]);
			return -1;
		}
	}
	if (file_count == 0 && open_log(source, log_source_default(config), since)) {
		log_source_close(source);
		return -1;
	}
	size_t skipped = log_source_skip(files, file_count, since);
	source->files = file_count > 0 ? files + skipped : NULL;
	source->file_count -= skipped;
	return 0;
}

static uint64_t size_of(char *const *files, size_t count)
{
	struct stat status;
	uint64_t size = 0;
	for (size_t i = 0; i < count; i++)
		size += stat(files[i], &status) == 0 ? (uint64_t)status.st_size : 0;
	return size;
}

void log_source_show_progress(struct log_source *source, unsigned passes)
{
	char **files = NULL;
	size_t count = 0, first = 0;
	uint64_t size = size_of(source->files, source->file_count);
	if (!source->files && log_reader_files(source->path, &files, &count) == 0) {
		while (source->first && first < count &&
		       strcmp(files[first], source->first) != 0)
			first++;
		size = size_of(files + first, count - first);
		log_reader_files_free(files, count);
	}
	source->progress = progress_start(size * passes);
}

void log_source_close(struct log_source *source)
{
	if (source->progress.total > 0)
		progress_end(&source->progress);
	log_reader_close(source->reader);
	free(source->path);
	free(source->first);
	*source = (struct log_source){ .file_count = 0 };
}

int log_source_rewind(struct log_source *source)
{
	log_reader_close(source->reader);
	source->reader = NULL;
	source->file_at = 0;
	return source->files ? 0 : open_first(source);
}

static enum log_reader_result next_of_files(struct log_source *source,
					    struct log_reader_line *ret)
{
	while (source->file_at < source->file_count) {
		const char *path = source->files[source->file_at];
		if (!source->reader && !(source->reader = log_reader_open_file(path)))
			return LOG_READER_FAILED;
		enum log_reader_result result = log_reader_next(source->reader, ret);
		if (result != LOG_READER_END)
			return result;
		log_reader_close(source->reader);
		source->reader = NULL;
		source->file_at++;
	}
	return LOG_READER_END;
}

enum log_reader_result log_source_next(struct log_source *source,
				       struct log_reader_line *ret)
{
	enum log_reader_result result = source->files
						? next_of_files(source, ret)
						: log_reader_next(source->reader, ret);
	if (result == LOG_READER_LINE && source->progress.total > 0)
		progress_move(&source->progress, ret->size + 1);
	if (result == LOG_READER_FAILED)
		log_source_complain(source->files ? source->files[source->file_at]
						  : source->path);
	return result;
}
