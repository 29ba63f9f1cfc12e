#include "verify_set.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/kit/complain.h"
#include "cli/kit/log_source.h"

/* The line that the auditor is writing is soon whole, or taken back. */
#define PATIENCE_MS 1000

static int open_regular(const char *path, struct stat *ret)
{
	/* O_NONBLOCK: opening a pipe must not wait for its other end. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && fstat(fd, ret) == 0 && S_ISREG(ret->st_mode))
		return fd;
	if (fd >= 0) {
		errno = S_ISDIR(ret->st_mode) ? EISDIR : EINVAL;
		close(fd);
	}
	return -1;
}

static bool holds_text(const char *line, size_t size, const char *text)
{
	return memmem(line, size, text, strlen(text)) != NULL;
}

static bool read_one(struct digest *digest, const char *at, const char *end,
		     struct chain_line *ret, const char **ret_behind)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));
	if (!newline)
		return false;
	*ret_behind = newline + 1;
	return chain_read(digest, at, (size_t)(newline - at), ret) == 0;
}

/* Reads from the first line where the file belongs; from the second where the first was
 * tampered with. */
static int read_first(struct verify_file *file)
{
	struct chain_line second;
	const char *behind = NULL, *end_of_second;
	struct digest *digest = digest_new();
	char *bytes = malloc(2 * LOG_VERIFY_LINE_MAX);
	ssize_t size =
		digest && bytes ? pread(file->fd, bytes, 2 * LOG_VERIFY_LINE_MAX, 0) : -1;
	if (size > 0) {
		const char *end = bytes + size;
		file->has_first = read_one(digest, bytes, end, &file->first, &behind);
		size_t first_size = behind ? (size_t)(behind - bytes) : 0;
		file->is_after_failure =
			file->has_first && file->first.is_sound &&
			holds_text(bytes, first_size, ",\"event\":\"alert\"") &&
			holds_text(bytes, first_size,
				   ",\"reason\":\"audit-unavailable\"");
		if (behind && !(file->has_first && file->first.is_sound) &&
		    read_one(digest, behind, end, &second, &end_of_second) &&
		    second.is_sound && second.seq > 0) {
			file->has_first = true;
			file->first.seq = second.seq - 1;
		}
	}
	free(bytes);
	digest_free(digest);
	return size < 0 ? -1 : 0;
}

static bool is_known(const struct verify_set *set, const struct stat *status)
{
	struct stat other;
	for (size_t i = 0; i < set->count; i++) {
		if (fstat(set->files[i].fd, &other) == 0 &&
		    other.st_dev == status->st_dev && other.st_ino == status->st_ino)
			return true;
	}
	return false;
}

int verify_set_add_file(struct verify_set *set, const char *path)
{
	struct stat status;
	struct verify_file file = { .fd = open_regular(path, &status) };
	if (file.fd < 0 && errno == ENOENT)
		return 1;
	if (file.fd < 0) {
		log_source_complain(path);
		return -1;
	}
	if (is_known(set, &status)) {
		close(file.fd);
		return 0;
	}
	file.size = (uint64_t)status.st_size;
	if (read_first(&file)) {
		log_source_complain(path);
		close(file.fd);
		return -1;
	}
	struct verify_file *files =
		reallocarray(set->files, set->count + 1, sizeof(*files));
	file.path = strdup(path);
	if (files)
		set->files = files;
	if (!files || !file.path) {
		close(file.fd);
		free(file.path);
		return complain_memory();
	}
	files[set->count++] = file;
	return 0;
}

/* The first fault counts. */
static void note_fault(struct verify_set *set, const char *path,
		       enum log_verify_kind kind, const char *why)
{
	if (set->fault.kind)
		return;
	set->faulty = path;
	set->fault = (struct log_verify_fault){ .kind = kind };
	snprintf(set->fault.why, sizeof(set->fault.why), "%s", why);
}

int verify_set_add_note(struct verify_set *set, const char *path, bool is_beside)
{
	char text[CHECKPOINT_TEXT_SIZE];
	struct stat status;
	struct verify_note note = { .is_beside = is_beside };
	int fd = open_regular(path, &status);
	if (fd < 0 && is_beside && errno == ENOENT)
		return 0;
	ssize_t size = fd >= 0 ? pread(fd, text, sizeof(text), 0) : -1;
	if (size < 0)
		complain("%s: the checkpoint can't be read: %s; name the .checkpoint "
			 "file that was kept, readable by you",
			 path, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (size < 0)
		return -1;
	struct verify_note *notes =
		reallocarray(set->notes, set->note_count + 1, sizeof(*notes));
	note.path = strdup(path);
	if (notes)
		set->notes = notes;
	if (!notes || !note.path) {
		free(note.path);
		return complain_memory();
	}
	if (checkpoint_read_note(text, (size_t)size, &note.checkpoint))
		note_fault(set, note.path, LOG_VERIFY_CHECKPOINT,
			   "this is no checkpoint, or one that was changed");
	notes[set->note_count++] = note;
	return 0;
}

int verify_set_add_key(struct verify_set *set, const char *path)
{
	const char *error = NULL;
	const struct verifying_key **keys =
		reallocarray(set->keys, set->key_count + 1, sizeof(*keys));
	if (!keys)
		return complain_memory();
	set->keys = keys;
	keys[set->key_count] = verifying_key_open(path, &error);
	if (keys[set->key_count]) {
		set->key_count++;
		return 0;
	}
	complain("%s: the key %s", path, error);
	return -1;
}

static int compare_files(const void *a, const void *b)
{
	const struct verify_file *first = a, *second = b;
	if (first->has_first != second->has_first)
		return first->has_first ? -1 : 1;
	if (!first->has_first || first->first.seq == second->first.seq)
		return strcmp(first->path, second->path);
	return first->first.seq < second->first.seq ? -1 : 1;
}

static int add_note_beside(struct verify_set *set, const char *path)
{
	static const char suffix[] = ".jsonl";
	size_t length = strlen(path);
	char *note;
	if (length > sizeof(suffix) - 1 &&
	    strcmp(path + length - (sizeof(suffix) - 1), suffix) == 0)
		length -= sizeof(suffix) - 1;
	if (asprintf(&note, "%.*s.checkpoint", (int)length, path) < 0)
		return complain_memory();
	int result = verify_set_add_note(set, note, true);
	free(note);
	return result;
}

/* The file that a checkpoint is of. Where there is none, a file that has lost its first
 * line. */
static const struct verify_file *file_of(const struct verify_set *set,
					 const struct checkpoint *checkpoint)
{
	uint64_t first_seq;
	const struct verify_file *headless = NULL;
	if (checkpoint_first_seq(checkpoint->origin, &first_seq))
		return NULL;
	for (size_t i = 0; i < set->count; i++) {
		if (!set->files[i].has_first)
			headless = &set->files[i];
		else if (set->files[i].first.seq == first_seq)
			return &set->files[i];
	}
	return headless;
}

int verify_set_complete(struct verify_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (add_note_beside(set, set->files[i].path))
			return -1;
	}
	qsort(set->files, set->count, sizeof(*set->files), compare_files);
	for (size_t i = 0; i < set->note_count; i++)
		set->notes[i].file = file_of(set, &set->notes[i].checkpoint);
	return 0;
}

bool verify_set_is_current(const struct verify_set *set)
{
	struct stat opened, named;
	for (size_t i = 0; i < set->count; i++) {
		if (fstat(set->files[i].fd, &opened) ||
		    stat(set->files[i].path, &named) || opened.st_dev != named.st_dev ||
		    opened.st_ino != named.st_ino)
			return false;
	}
	return true;
}

static void check_notes(struct verify_set *set)
{
	for (size_t i = 0; i < set->note_count && !set->fault.kind; i++) {
		const struct verify_note *note = &set->notes[i];
		enum log_verify_kind kind = log_verify_signature(
			&note->checkpoint, set->keys, set->key_count);
		if (kind == LOG_VERIFY_UNSIGNED)
			note_fault(set, note->path, kind,
				   "this checkpoint is not signed");
		else if (kind == LOG_VERIFY_OTHER_KEY)
			note_fault(set, note->path, kind,
				   "this checkpoint is signed by another key");
		else if (kind == LOG_VERIFY_FORGED)
			note_fault(set, note->path, kind,
				   "this checkpoint is not what the key signed: it was "
				   "changed or forged");
	}
}

static bool is_accepted_behind_fork(enum log_verify_kind kind)
{
	return kind == LOG_VERIFY_TORN || kind == LOG_VERIFY_EDITED ||
	       kind == LOG_VERIFY_MISSING || kind == LOG_VERIFY_INSERTED ||
	       kind == LOG_VERIFY_REPEATED || kind == LOG_VERIFY_REORDERED ||
	       kind == LOG_VERIFY_FOREIGN || kind == LOG_VERIFY_NEW_CHAIN;
}

/* Whether one failed write can have left what stands behind the fork. A write has at most
 * one checkpoint, at its end. No checkpoint that was given may cover it: the auditor
 * makes such a note only of what is durable. */
static bool can_be_unacknowledged(const struct log_verify_file *scan,
				  const struct log_verify_options *options)
{
	uint64_t behind = scan->checkpoints - scan->checkpoints_before_fork;
	for (size_t i = 0; i < options->checkpoint_count; i++) {
		if (options->checkpoints[i].size >= scan->lines_before_fork)
			return false;
	}
	return behind == 0 || (behind == 1 && scan->lines_behind_checkpoint == 0);
}

/* The next file says that a sync failed: it goes on from the last line known to be
 * durable. What stands behind that line was never acknowledged, and is no fault. */
static void pass_fork(struct verify_file *file, const struct log_verify_options *options)
{
	struct log_verify_file *scan = &file->scan;
	if (!scan->has_fork ||
	    (scan->fault.kind && !is_accepted_behind_fork(scan->fault.kind)) ||
	    !can_be_unacknowledged(scan, options))
		return;
	file->has_unacknowledged = scan->fault.kind != LOG_VERIFY_NO_FAULT ||
				   scan->lines > scan->lines_before_fork;
	file->unacknowledged = scan->lines - scan->lines_before_fork;
	scan->fault.kind = LOG_VERIFY_NO_FAULT;
	scan->chain = *options->fork;
}

/* The auditor writes such an alert together with a checkpoint. A forger without the key
 * can make one only without. */
static void check_alert(struct verify_set *set, struct verify_file *file)
{
	if (set->key_count == 0 || file == set->files || !file[-1].has_unacknowledged ||
	    file->scan.fault.kind || file->scan.checkpoints > 0)
		return;
	file->scan.fault = (struct log_verify_fault){
		.kind = LOG_VERIFY_UNSIGNED,
		.line = 1,
		.has_seq = true,
		.seq = file->first.seq,
		.why = "it says that what stands in the file before from this number on "
		       "was never acknowledged, and no signed checkpoint covers it",
	};
}

static int scan_one(struct verify_set *set, size_t which,
		    struct log_verify_options *options, struct checkpoint *checkpoints)
{
	struct verify_file *file = &set->files[which];
	const struct verify_file *next = which + 1 < set->count ? file + 1 : NULL;
	struct chain fork;
	options->checkpoint_count = 0;
	for (size_t i = 0; i < set->note_count; i++) {
		if (set->notes[i].file == file)
			checkpoints[options->checkpoint_count++] =
				set->notes[i].checkpoint;
	}
	options->fork = NULL;
	if (next && next->is_after_failure) {
		fork.next_seq = next->first.seq;
		memcpy(fork.last_hash, next->first.prev, DIGEST_SIZE);
		options->fork = &fork;
	}
	if (log_verify_scan(file->fd, options, &file->scan)) {
		log_source_complain(file->path);
		return -1;
	}
	file->is_scanned = true;
	if (options->fork)
		pass_fork(file, options);
	check_alert(set, file);
	if (file->scan.fault.kind) {
		set->fault = file->scan.fault;
		set->faulty = file->path;
		set->faulty_file = file;
	}
	return 0;
}

static void add_counts(struct verify_set *set, const struct log_verify_file *scan)
{
	set->lines += scan->lines;
	set->bytes += scan->size;
	set->checkpoints += scan->checkpoints;
	if (scan->checkpoints > 0)
		set->lines_behind_checkpoint = 0;
	set->lines_behind_checkpoint +=
		scan->checkpoints > 0 ? scan->lines_behind_checkpoint : scan->lines;
	if (scan->lines > 0)
		set->head = scan->chain;
}

uint64_t verify_set_bytes(const struct verify_set *set)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < set->count; i++)
		bytes += set->files[i].size;
	return bytes;
}

int verify_set_run(struct verify_set *set,
		   void (*progress)(void *context, uint64_t bytes), void *context)
{
	struct checkpoint *checkpoints =
		calloc(set->note_count + 1, sizeof(*checkpoints));
	struct log_verify_options options = { .keys = set->keys,
					      .key_count = set->key_count,
					      .checkpoints = checkpoints,
					      .patience_ms = PATIENCE_MS,
					      .progress = progress,
					      .context = context };
	if (!checkpoints)
		return complain_memory();
	check_notes(set);
	int result = 0;
	for (size_t i = 0; i < set->count && !set->fault.kind && result == 0; i++) {
		result = scan_one(set, i, &options, checkpoints);
		if (result == 0)
			add_counts(set, &set->files[i].scan);
		if (set->lines > 0)
			options.from = &set->head;
	}
	free(checkpoints);
	if (result == 0 && !set->fault.kind && set->key_count > 0 && set->lines > 0 &&
	    set->checkpoints == 0)
		note_fault(set, set->files[0].path, LOG_VERIFY_UNSIGNED,
			   "no checkpoint stands in it: the lines fit one another, but "
			   "nothing shows that the key's holder wrote them; if the log "
			   "was only just rotated, name the file before as well");
	return result;
}

void verify_set_close(struct verify_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		close(set->files[i].fd);
		free(set->files[i].path);
	}
	for (size_t i = 0; i < set->note_count; i++)
		free(set->notes[i].path);
	for (size_t i = 0; i < set->key_count; i++)
		verifying_key_free((struct verifying_key *)set->keys[i]);
	free(set->files);
	free(set->notes);
	free(set->keys);
	*set = (struct verify_set){ .count = 0 };
}
