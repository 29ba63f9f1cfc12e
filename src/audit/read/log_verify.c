#include "cathgate/audit/log_verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log_fault.h"
#include "line_stream.h"

#define LENGTH(text) (sizeof(text) - 1)

struct scan {
	int fd;
	const struct log_verify_options *options;
	struct digest *digest;
	struct line_stream lines;
	struct line_stream_line line;
	uint64_t next_checkpoint; /* the smallest size of a given one not yet passed */
	struct log_verify_file file;
};

const char *log_verify_kind_name(enum log_verify_kind kind)
{
	static const char *const names[] = {
		[LOG_VERIFY_NO_FAULT] = "",
		[LOG_VERIFY_TORN] = "torn",
		[LOG_VERIFY_EDITED] = "edited",
		[LOG_VERIFY_MISSING] = "missing",
		[LOG_VERIFY_INSERTED] = "inserted",
		[LOG_VERIFY_REPEATED] = "repeated",
		[LOG_VERIFY_REORDERED] = "reordered",
		[LOG_VERIFY_TRUNCATED] = "truncated",
		[LOG_VERIFY_NEW_CHAIN] = "new-chain",
		[LOG_VERIFY_FOREIGN] = "foreign",
		[LOG_VERIFY_CHECKPOINT] = "checkpoint",
		[LOG_VERIFY_UNSIGNED] = "unsigned",
		[LOG_VERIFY_OTHER_KEY] = "other-key",
		[LOG_VERIFY_FORGED] = "forged",
	};
	return names[kind];
}

enum log_verify_kind log_verify_signature(const struct checkpoint *checkpoint,
					  const struct verifying_key *const *keys,
					  size_t key_count)
{
	enum log_verify_kind kind = LOG_VERIFY_NO_FAULT;
	for (size_t i = 0; i < key_count; i++) {
		switch (checkpoint_verify(checkpoint, keys[i])) {
		case CHECKPOINT_HOLDS:
			return LOG_VERIFY_NO_FAULT;
		case CHECKPOINT_UNSIGNED:
			kind = LOG_VERIFY_UNSIGNED;
			break;
		case CHECKPOINT_FORGED:
			kind = LOG_VERIFY_FORGED;
			break;
		case CHECKPOINT_OTHER_KEY:
			if (kind == LOG_VERIFY_NO_FAULT)
				kind = LOG_VERIFY_OTHER_KEY;
		}
	}
	return kind;
}

/* Sets a fault of the line at hand or, at the file's end, of what should come there. */
__attribute__((format(printf, 3, 4))) static void set_fault_here(
	struct scan *scan, enum log_verify_kind kind, const char *format, ...)
{
	struct log_verify_fault *fault = &scan->file.fault;
	va_list arguments;
	*fault = (struct log_verify_fault){ .kind = kind,
					    .line = scan->file.lines + 1,
					    .offset = scan->file.size,
					    .has_seq = true,
					    .seq = scan->file.chain.next_seq };
	va_start(arguments, format);
	vsnprintf(fault->why, sizeof(fault->why), format, arguments);
	va_end(arguments);
}

/* Of the given ones, the smallest that covers `from` lines or more. */
static uint64_t find_next_checkpoint(const struct log_verify_options *options,
				     uint64_t from)
{
	uint64_t next = UINT64_MAX;
	for (size_t i = 0; i < options->checkpoint_count; i++) {
		uint64_t size = options->checkpoints[i].size;
		if (size >= from && size < next)
			next = size;
	}
	return next;
}

static bool is_root(struct scan *scan, const uint8_t root[DIGEST_SIZE], bool *ret)
{
	uint8_t own[DIGEST_SIZE];
	if (merkle_root(&scan->file.tree, scan->digest, own))
		return false;
	*ret = memcmp(own, root, sizeof(own)) == 0;
	return true;
}

/* The given checkpoints that cover what was read so far: `own` is the one that the next
 * line is; or NULL. -1 when OpenSSL fails. */
static int check_given(struct scan *scan, const struct checkpoint *own)
{
	const struct log_verify_options *options = scan->options;
	for (size_t i = 0; i < options->checkpoint_count; i++) {
		const struct checkpoint *given = &options->checkpoints[i];
		bool holds;
		if (given->size != scan->file.lines)
			continue;
		if (!is_root(scan, given->root, &holds))
			return -1;
		if (!holds) {
			set_fault_here(scan, LOG_VERIFY_CHECKPOINT,
				       "the lines before it are not those of the "
				       "checkpoint of %s "
				       "over %" PRIu64
				       " lines that was given: the log was "
				       "rewritten, or it is another log",
				       given->origin, given->size);
			return 0;
		}
		if (own && strcmp(own->origin, given->origin) == 0)
			continue;
		set_fault_here(scan, LOG_VERIFY_EDITED,
			       "here stood the checkpoint over the %" PRIu64
			       " lines before, and it is gone",
			       given->size);
		return 0;
	}
	scan->next_checkpoint = find_next_checkpoint(options, scan->file.lines + 1);
	return 0;
}

/* Where a string ends that begins behind `at`: behind its closing quote. */
static const char *skip_string(const char *at, const char *end)
{
	while (at < end && *at != '"')
		at += *at == '\\' ? 2 : 1;
	return at < end ? at + 1 : end;
}

static bool is_at(const char *at, const char *end, const char *text, size_t length)
{
	return (size_t)(end - at) >= length && memcmp(at, text, length) == 0;
}

/* A line's time, and whether it is a checkpoint: both stand near its beginning, and text
 * within a string has its quotes escaped. */
static bool read_head(const struct line_stream_line *line, char ret_time[UTC_TEXT_SIZE])
{
	static const char time[] = ",\"time\":\"", node[] = ",\"node\":\"",
			  event[] = ",\"event\":\"checkpoint\"";
	const char *at = line->text + LENGTH("{\"seq\":");
	const char *end = line->text + line->size;
	while (at < end && *at != ',')
		at++;
	/* All times have the same length, so that their end isn't searched. */
	if ((size_t)(end - at) > LENGTH(time) + UTC_TEXT_SIZE &&
	    is_at(at, end, time, LENGTH(time)) &&
	    at[LENGTH(time) + UTC_TEXT_SIZE - 1] == '"') {
		memcpy(ret_time, at + LENGTH(time), UTC_TEXT_SIZE - 1);
		at += LENGTH(time) + UTC_TEXT_SIZE;
	}
	if (is_at(at, end, node, LENGTH(node)))
		at = skip_string(at + LENGTH(node), end);
	return is_at(at, end, event, LENGTH(event));
}

static void check_signature(struct scan *scan, const struct checkpoint *checkpoint)
{
	enum log_verify_kind kind = log_verify_signature(checkpoint, scan->options->keys,
							 scan->options->key_count);
	if (kind == LOG_VERIFY_UNSIGNED)
		set_fault_here(scan, kind, "this checkpoint is not signed");
	else if (kind == LOG_VERIFY_OTHER_KEY)
		set_fault_here(scan, kind, "this checkpoint is signed by another key, %s",
			       checkpoint->key[0] ? checkpoint->key
						  : "which it doesn't name");
	else if (kind == LOG_VERIFY_FORGED)
		set_fault_here(scan, kind,
			       "this checkpoint's signature is not of the key it names");
}

static int check_checkpoint(struct scan *scan, const struct checkpoint *checkpoint,
			    uint64_t first_seq)
{
	uint64_t its_first = 0;
	bool holds;
	if (!is_root(scan, checkpoint->root, &holds))
		return -1;
	if (checkpoint_first_seq(checkpoint->origin, &its_first))
		set_fault_here(scan, LOG_VERIFY_CHECKPOINT,
			       "this checkpoint's origin, %s, is none of an audit log",
			       checkpoint->origin);
	else if (its_first < first_seq) {
		set_fault_here(scan, LOG_VERIFY_MISSING,
			       "the file began with line %" PRIu64
			       ", says the checkpoint at line "
			       "%" PRIu64 ": %" PRIu64
			       " lines are missing before this one",
			       its_first, scan->line.number, first_seq - its_first);
		scan->file.fault.line = 1;
		scan->file.fault.offset = 0;
		scan->file.fault.seq = its_first;
	} else if (its_first > first_seq || checkpoint->size != scan->file.lines)
		set_fault_here(scan, LOG_VERIFY_CHECKPOINT,
			       "this checkpoint is of another file: it covers %" PRIu64
			       " lines from %" PRIu64 " on, and before it stand %" PRIu64
			       " from %" PRIu64 " on",
			       checkpoint->size, its_first, scan->file.lines, first_seq);
	else if (!holds)
		set_fault_here(scan, LOG_VERIFY_CHECKPOINT,
			       "this checkpoint's root is not that of the %" PRIu64
			       " lines before it: they were rewritten after it was made",
			       scan->file.lines);
	else
		check_signature(scan, checkpoint);
	return 0;
}

static bool is_new_chain(const struct chain_line *line)
{
	static const uint8_t zeros[DIGEST_SIZE];
	return memcmp(line->prev, zeros, sizeof(zeros)) == 0;
}

/* Whether the line may stand here; *ret is the chain behind it. A first line says itself
 * where the chain is, unless options.from does. */
static bool is_next(struct scan *scan, struct chain *ret)
{
	const struct line_stream_line *text = &scan->line;
	struct chain *chain = &scan->file.chain;
	struct chain_line line;
	if (scan->file.lines == 0 && !scan->options->from) {
		if (chain_read(scan->digest, text->text, text->size, &line) ||
		    !line.is_sound || (line.seq == 0) != is_new_chain(&line))
			return false;
		chain->next_seq = line.seq;
		memcpy(chain->last_hash, line.prev, DIGEST_SIZE);
	}
	*ret = *chain;
	return chain_advance(ret, scan->digest, text->text, text->size);
}

static void look_for_fork(struct scan *scan)
{
	const struct chain *fork = scan->options->fork, *chain = &scan->file.chain;
	if (!fork || fork->next_seq != chain->next_seq ||
	    memcmp(fork->last_hash, chain->last_hash, DIGEST_SIZE) != 0)
		return;
	scan->file.has_fork = true;
	scan->file.lines_before_fork = scan->file.lines;
	scan->file.checkpoints_before_fork = scan->file.checkpoints;
}

static bool is_own(const struct scan *scan, const struct checkpoint *checkpoint)
{
	const struct signing_key *own = scan->options->own;
	return !own || checkpoint_verify_own(checkpoint, own) == CHECKPOINT_HOLDS;
}

static int take_line(struct scan *scan, const struct chain *behind,
		     const struct checkpoint *checkpoint, const char *time)
{
	struct log_verify_file *file = &scan->file;
	if (merkle_add(&file->tree, scan->digest, behind->last_hash))
		return -1;
	if (file->lines == 0) {
		file->first_seq = behind->next_seq - 1;
		memcpy(file->first_time, time, UTC_TEXT_SIZE);
	}
	memcpy(file->last_time, time, UTC_TEXT_SIZE);
	file->chain = *behind;
	file->lines++;
	file->last_offset = scan->line.offset;
	file->size = scan->lines.offset;
	file->lines_behind_checkpoint++;
	file->lines_behind_own++;
	if (checkpoint) {
		file->checkpoints++;
		file->last_checkpoint = *checkpoint;
		file->lines_behind_checkpoint = 0;
		if (is_own(scan, checkpoint))
			file->lines_behind_own = 0;
	}
	return 0;
}

/* Tells what was done where the chain breaks. `result`: what came as the line there. */
static int tell_break(struct scan *scan, enum line_stream_result result)
{
	struct log_fault_place place = { .fd = scan->fd,
					 .before = &scan->file,
					 .is_free = scan->file.lines == 0 &&
						    !scan->options->from,
					 .line = &scan->line,
					 .is_partial = result == LINE_STREAM_PARTIAL,
					 .is_too_long = result == LINE_STREAM_TOO_LONG };
	return log_fault_tell(&place, scan->digest, &scan->file.fault);
}

/* -1 when the scan itself fails. */
static int scan_line(struct scan *scan)
{
	struct checkpoint checkpoint;
	struct chain behind;
	char time[UTC_TEXT_SIZE] = "";
	bool is_checkpoint = false;
	look_for_fork(scan);
	if (!is_next(scan, &behind))
		return tell_break(scan, LINE_STREAM_LINE);
	look_for_fork(scan);
	if (read_head(&scan->line, time)) {
		uint64_t first_seq = scan->file.lines ? scan->file.first_seq
						      : scan->file.chain.next_seq;
		is_checkpoint = true;
		if (checkpoint_read_line(scan->line.text, scan->line.size, &checkpoint))
			set_fault_here(scan, LOG_VERIFY_CHECKPOINT,
				       "this checkpoint has not the members of one");
		else if (check_checkpoint(scan, &checkpoint, first_seq))
			return -1;
	}
	if (!scan->file.fault.kind && scan->next_checkpoint == scan->file.lines &&
	    check_given(scan, is_checkpoint ? &checkpoint : NULL))
		return -1;
	if (scan->file.fault.kind) {
		scan->file.fault.is_sound_behind = true;
		return 0;
	}
	return take_line(scan, &behind, is_checkpoint ? &checkpoint : NULL, time);
}

/* Looks for checkpoints that were given and should have come by now. Torn bytes at the
 * end are the fault only if no checkpoint shows more. */
static int scan_end(struct scan *scan)
{
	struct log_verify_fault torn = scan->file.fault;
	uint64_t most = 0;
	scan->file.fault.kind = LOG_VERIFY_NO_FAULT;
	if (scan->next_checkpoint == scan->file.lines && check_given(scan, NULL))
		return -1;
	for (size_t i = 0; i < scan->options->checkpoint_count; i++) {
		if (scan->options->checkpoints[i].size > most)
			most = scan->options->checkpoints[i].size;
	}
	bool is_rewritten = scan->file.fault.kind == LOG_VERIFY_CHECKPOINT;
	if (!is_rewritten && scan->options->checkpoint_count > 0 &&
	    most >= scan->file.lines)
		set_fault_here(scan, LOG_VERIFY_TRUNCATED,
			       "the file ends before it%s: the checkpoint that was given "
			       "stood at "
			       "line %" PRIu64 ", and at least %" PRIu64
			       " lines are gone",
			       torn.kind ? ", within a line" : "", most + 1,
			       most + 1 - scan->file.lines);
	if (!scan->file.fault.kind)
		scan->file.fault = torn;
	return 0;
}

static int scan_lines(struct scan *scan)
{
	enum line_stream_result result;
	while ((result = line_stream_next(&scan->lines, &scan->line)) ==
	       LINE_STREAM_LINE) {
		if (scan_line(scan))
			return -1;
		if (scan->file.fault.kind)
			return 0;
	}
	if (result == LINE_STREAM_FAILED)
		return -1;
	look_for_fork(scan);
	if (result != LINE_STREAM_END && tell_break(scan, result))
		return -1;
	return result == LINE_STREAM_TOO_LONG ? 0 : scan_end(scan);
}

int log_verify_scan(int fd, const struct log_verify_options *options,
		    struct log_verify_file *ret)
{
	struct scan scan = { .fd = fd,
			     .options = options,
			     .next_checkpoint = find_next_checkpoint(options, 0) };
	int result = -1;
	if (options->from)
		scan.file.chain = *options->from;
	if (line_stream_open(fd, 0, 0, &scan.lines))
		return -1;
	scan.lines.patience_ms = options->patience_ms;
	scan.lines.progress = options->progress;
	scan.lines.context = options->context;
	scan.digest = digest_new();
	if (scan.digest)
		result = scan_lines(&scan);
	if (result == 0)
		*ret = scan.file;
	int error = errno;
	digest_free(scan.digest);
	line_stream_close(&scan.lines);
	errno = error;
	return result;
}
