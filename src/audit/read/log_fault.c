#include "log_fault.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const uint8_t zeros[DIGEST_SIZE];

/* What comes behind the line at the break, as far as it shows what was done. */
struct behind {
	bool has_next, next_follows; /* the next line is sound; it continues what held */
	struct chain_line next;	     /* if has_next */
	uint64_t true_next; /* number of the line that should have stood here; or 0 */
	bool has_copy, has_same_seq, has_its_prev; /* of the line at the break */
};

struct teller {
	const struct log_fault_place *place;
	struct digest *digest;
	struct chain_line line; /* at the break */
	bool is_line, is_first;
	const struct chain *chain; /* behind the last line that held */
	struct behind behind;
	struct log_verify_fault *fault;
};

static bool same(const uint8_t *one, const uint8_t *other)
{
	return memcmp(one, other, DIGEST_SIZE) == 0;
}

__attribute__((format(printf, 3, 4))) static void set_fault(struct teller *teller,
							    enum log_verify_kind kind,
							    const char *format, ...)
{
	va_list arguments;
	teller->fault->kind = kind;
	va_start(arguments, format);
	vsnprintf(teller->fault->why, sizeof(teller->fault->why), format, arguments);
	va_end(arguments);
}

static void note_line_behind(struct teller *teller, const struct line_stream_line *at,
			     const struct chain_line *line, bool is_next)
{
	struct behind *behind = &teller->behind;
	teller->fault->is_sound_behind = true;
	if (is_next) {
		behind->has_next = true;
		behind->next = *line;
		behind->next_follows = chain_follows(teller->chain, line);
	}
	if (!behind->true_next && chain_follows(teller->chain, line))
		behind->true_next = at->number;
	if (!teller->is_line)
		return;
	behind->has_copy |= same(line->hash, teller->line.hash);
	behind->has_same_seq |= line->seq == teller->line.seq;
	behind->has_its_prev |= same(line->hash, teller->line.prev);
}

/* Reads from the line behind the break to the end. */
static int look_behind(struct teller *teller)
{
	const struct line_stream_line *line = teller->place->line;
	struct line_stream lines;
	struct line_stream_line at;
	enum line_stream_result result;
	if (line_stream_open(teller->place->fd, line->offset, line->number - 1, &lines))
		return -1;
	while ((result = line_stream_next(&lines, &at)) == LINE_STREAM_LINE ||
	       result == LINE_STREAM_TOO_LONG) {
		struct chain_line read;
		if (result == LINE_STREAM_LINE && at.number > line->number &&
		    chain_read(teller->digest, at.text, at.size, &read) == 0 &&
		    read.is_sound)
			note_line_behind(teller, &at, &read,
					 at.number == line->number + 1);
	}
	line_stream_close(&lines);
	return result == LINE_STREAM_FAILED ? -1 : 0;
}

/* Whether the line at the break repeats one of the lines that held. */
static int is_repeated(const struct teller *teller, bool *ret)
{
	const struct log_verify_file *before = teller->place->before;
	struct line_stream lines;
	struct line_stream_line at;
	struct chain_line read;
	bool is_found = false;
	if (line_stream_open(teller->place->fd, 0, 0, &lines))
		return -1;
	while (!is_found && lines.number < before->lines &&
	       line_stream_next(&lines, &at) == LINE_STREAM_LINE)
		is_found = chain_read(teller->digest, at.text, at.size, &read) == 0 &&
			   same(read.hash, teller->line.hash);
	line_stream_close(&lines);
	*ret = is_found;
	return 0;
}

/* For a line that was not written as it stands there, or is none at all. */
static void tell_unsound(struct teller *teller)
{
	const struct line_stream_line *line = teller->place->line;
	const struct behind *behind = &teller->behind;
	uint64_t seq = teller->chain->next_seq;
	if (behind->true_next == line->number + 1)
		set_fault(teller, LOG_VERIFY_INSERTED,
			  "it was put in: line %" PRIu64 " continues the one before it",
			  line->number + 1);
	else if (behind->true_next)
		set_fault(teller, LOG_VERIFY_INSERTED,
			  "lines were put in from here on: only line %" PRIu64
			  " continues the one before",
			  behind->true_next);
	else if (line->size > 0 && memmem(line->text + 1, line->size - 1, "{\"seq\":", 7))
		set_fault(teller, LOG_VERIFY_EDITED,
			  "it is two lines that were run together: what stood between "
			  "them is gone");
	else if (teller->is_line && teller->line.seq != seq && !teller->is_first)
		set_fault(teller, LOG_VERIFY_EDITED,
			  "its bytes are not those that were hashed, and it calls itself "
			  "%" PRIu64,
			  teller->line.seq);
	else if (teller->is_line)
		set_fault(teller, LOG_VERIFY_EDITED,
			  "its bytes are not those that were hashed%s",
			  behind->has_next && same(behind->next.prev, teller->line.hash)
				  ? "; the next line still names the hash that they had"
				  : "");
	else if (teller->fault->is_sound_behind || !teller->is_first)
		set_fault(
			teller, LOG_VERIFY_EDITED,
			"it has not the shape of a line: it was changed, cut or put in");
	else
		set_fault(teller, LOG_VERIFY_FOREIGN, "this is no line of an audit log");
}

/* For a first line that doesn't continue the file before it. */
static void tell_first(struct teller *teller)
{
	uint64_t seq = teller->chain->next_seq, its_seq = teller->line.seq;
	if (teller->place->is_free)
		set_fault(teller, LOG_VERIFY_EDITED,
			  its_seq == 0
				  ? "line 0 begins a chain, but it names a line before it"
				  : "it names no line before it, as only line 0 may");
	else if (its_seq == 0 && same(teller->line.prev, zeros))
		set_fault(teller, LOG_VERIFY_NEW_CHAIN,
			  "a new chain begins here, where line %" PRIu64 " should follow",
			  seq);
	else if (its_seq > seq)
		set_fault(teller, LOG_VERIFY_MISSING,
			  "lines %" PRIu64 " to %" PRIu64
			  " are missing before this file: they were removed, or a file "
			  "between was not given",
			  seq, its_seq - 1);
	else if (its_seq < seq)
		set_fault(teller, LOG_VERIFY_REPEATED,
			  "it calls itself %" PRIu64
			  ", which the file before has already; a "
			  "file may only follow so after a failed sync, and say so",
			  its_seq);
	else
		set_fault(teller, LOG_VERIFY_EDITED,
			  "it names another hash than the last line of the file before "
			  "has: "
			  "that one was rewritten, hash and all");
}

/* For a line that is sound and bears the right number, but continues another line than
 * the one before it. */
static void tell_rewritten(struct teller *teller)
{
	struct log_verify_fault *fault = teller->fault;
	if (teller->behind.true_next) {
		set_fault(teller, LOG_VERIFY_INSERTED,
			  "it was put in: line %" PRIu64 " is the one that belongs here",
			  teller->behind.true_next);
		return;
	}
	/* The line before is sound as well: its hash was made anew. */
	fault->line--;
	fault->seq--;
	fault->offset = teller->place->before->last_offset;
	set_fault(teller, LOG_VERIFY_EDITED,
		  "it was rewritten, hash and all: line %" PRIu64
		  " names the hash that it had",
		  fault->line + 1);
}

static void tell_ahead(struct teller *teller)
{
	const struct behind *behind = &teller->behind;
	uint64_t seq = teller->chain->next_seq, its_seq = teller->line.seq;
	if (behind->has_copy)
		set_fault(teller, LOG_VERIFY_REPEATED,
			  "it is line %" PRIu64 ", which stands in its own place as well",
			  its_seq);
	else if (behind->true_next && behind->has_its_prev)
		set_fault(teller, LOG_VERIFY_REORDERED,
			  "it is line %" PRIu64 "; %" PRIu64
			  ", which belongs here, stands at line %" PRIu64 " of the file",
			  its_seq, seq, behind->true_next);
	else if (behind->true_next)
		set_fault(teller, LOG_VERIFY_INSERTED,
			  "it was put in: it is no part of this chain, and line %" PRIu64
			  " belongs here",
			  behind->true_next);
	else if (behind->has_next && behind->next.seq == seq + 1)
		set_fault(teller, LOG_VERIFY_EDITED,
			  "another line, %" PRIu64 ", was put in its place", its_seq);
	else if (its_seq == seq + 1)
		set_fault(teller, LOG_VERIFY_MISSING, "line %" PRIu64 " is missing", seq);
	else
		set_fault(teller, LOG_VERIFY_MISSING,
			  "lines %" PRIu64 " to %" PRIu64 " are missing", seq,
			  its_seq - 1);
}

/* Reads the last line that held. */
static int read_last(const struct teller *teller, struct chain_line *ret)
{
	struct line_stream stream;
	struct line_stream_line at;
	if (line_stream_open(teller->place->fd, teller->place->before->last_offset, 0,
			     &stream))
		return -1;
	int result = line_stream_next(&stream, &at) == LINE_STREAM_LINE
			     ? chain_read(teller->digest, at.text, at.size, ret)
			     : -1;
	line_stream_close(&stream);
	return result;
}

/* Two lines bear one number and continue the same line. The false one is the one that the
 * line behind them doesn't continue. */
static bool tell_twin(struct teller *teller)
{
	struct chain_line last;
	struct log_verify_fault *fault = teller->fault;
	if (read_last(teller, &last) || last.seq != teller->line.seq ||
	    same(last.hash, teller->line.hash) || !same(last.prev, teller->line.prev))
		return false;
	if (!teller->behind.has_next ||
	    same(teller->behind.next.prev, teller->line.hash)) {
		fault->line--;
		fault->seq--;
		fault->offset = teller->place->before->last_offset;
	}
	set_fault(
		teller, LOG_VERIFY_INSERTED,
		"it was put in: the line %s bears the same number and continues the same "
		"line",
		fault->line < teller->place->line->number ? "behind it" : "before it");
	return true;
}

static int tell_back(struct teller *teller)
{
	const struct behind *behind = &teller->behind;
	uint64_t seq = teller->chain->next_seq, its_seq = teller->line.seq;
	bool repeated;
	if (tell_twin(teller))
		return 0;
	if (is_repeated(teller, &repeated))
		return -1;
	if (!repeated && its_seq == 0 && same(teller->line.prev, zeros))
		set_fault(teller, LOG_VERIFY_NEW_CHAIN,
			  "a new chain begins here, where line %" PRIu64 " should follow",
			  seq);
	else if (behind->has_next && behind->next.seq == seq + 1)
		set_fault(teller, LOG_VERIFY_EDITED,
			  "%s, %" PRIu64 ", was put in its place",
			  repeated ? "a copy of an earlier line" : "another line",
			  its_seq);
	else if (repeated)
		set_fault(teller, LOG_VERIFY_REPEATED,
			  "it is line %" PRIu64 " again, which stands further up",
			  its_seq);
	else
		set_fault(teller, LOG_VERIFY_INSERTED,
			  "it was put in: it calls itself %" PRIu64
			  ", and is not the line that bears that number",
			  its_seq);
	return 0;
}

static void tell_torn(struct teller *teller)
{
	struct log_verify_fault *fault = teller->fault;
	fault->lacks_newline_only =
		teller->is_line &&
		(teller->place->is_free && teller->is_first
			 ? teller->line.is_sound
			 : chain_follows(teller->chain, &teller->line));
	if (fault->lacks_newline_only)
		set_fault(teller, LOG_VERIFY_TORN,
			  "the last line is whole but for its newline: its writing broke "
			  "off, "
			  "or the newline was removed");
	else
		set_fault(
			teller, LOG_VERIFY_TORN,
			"%zu bytes stand behind the last whole line: a write that broke "
			"off, or a last line that was changed or cut",
			teller->place->line->size);
}

int log_fault_tell(const struct log_fault_place *place, struct digest *digest,
		   struct log_verify_fault *ret)
{
	const struct line_stream_line *line = place->line;
	struct log_verify_fault fault = { .line = line->number,
					  .offset = line->offset,
					  .has_seq = true };
	struct teller teller = { .place = place,
				 .digest = digest,
				 .is_first = place->before->lines == 0,
				 .chain = &place->before->chain,
				 .fault = &fault };
	teller.is_line = chain_read(digest, line->text, line->size, &teller.line) == 0;
	bool is_sound = teller.is_line && teller.line.is_sound;
	fault.has_seq = teller.is_line || !place->is_free;
	fault.seq = place->is_free ? (teller.is_line ? teller.line.seq : 0)
				   : teller.chain->next_seq;
	if (place->is_partial) {
		tell_torn(&teller);
		*ret = fault;
		return 0;
	}
	fault.is_sound_behind = is_sound;
	if (look_behind(&teller))
		return -1;
	if (place->is_too_long)
		set_fault(&teller,
			  teller.is_first ? LOG_VERIFY_FOREIGN : LOG_VERIFY_EDITED,
			  "it is longer than a line of an audit log can be");
	else if (!is_sound)
		tell_unsound(&teller);
	else if (teller.is_first)
		tell_first(&teller);
	else if (teller.line.seq == teller.chain->next_seq)
		tell_rewritten(&teller);
	else if (teller.line.seq > teller.chain->next_seq)
		tell_ahead(&teller);
	else if (tell_back(&teller))
		return -1;
	*ret = fault;
	return 0;
}
