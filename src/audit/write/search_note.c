#include "search.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cathgate/base/log.h"
#include "audit/read/log_listing.h"

static bool is_rotated(const struct search *search, uint64_t first_seq,
		       char ret_note[LOG_NAME_SIZE])
{
	for (size_t i = search->rotated_count; i-- > 0;) {
		if (search->rotated[i].first_seq != first_seq)
			continue;
		log_name_rotated(ret_note, search->path, &search->rotated[i],
				 ".checkpoint");
		return true;
	}
	return false;
}

/* Whether the note is that of an earlier file: a rotated one, or one whose loss the live
 * file tells of. */
static bool is_earlier_note(const struct search *search,
			    const struct search_beginning *live, uint64_t first_seq,
			    char ret_name[LOG_NAME_SIZE])
{
	struct log_rotated gone = { .first_seq = first_seq };
	if (live->has_line && first_seq == live->first.seq)
		return false;
	if (is_rotated(search, first_seq, ret_name))
		return true;
	log_name_rotated(ret_name, search->path, &gone, ".checkpoint");
	return live->has_line && live->goes_on && first_seq < live->first.seq;
}

void search_read_note(struct search *search, const struct search_beginning *live)
{
	char path[LOG_NAME_SIZE], earlier[LOG_NAME_SIZE];
	uint64_t first_seq = 0;
	log_name(path, search->path, ".checkpoint");
	if (log_get_note(path, &search->note)) {
		if (errno != ENOENT)
			log_warning("%s: it holds no checkpoint: %m; the log is not "
				    "compared with it",
				    path);
		return;
	}
	search->has_note = true;
	if (checkpoint_first_seq(search->note.origin, &first_seq)) {
		log_warning("%s: its origin is none of a gateway's log", path);
		search->has_note = false;
	} else if (is_earlier_note(search, live, first_seq, earlier)) {
		if (rename(path, earlier))
			log_warning("%s: it can't be renamed: %m", path);
		search->has_note = false;
	}
}

void search_check_note(struct search *search)
{
	uint64_t first_seq = 0;
	if (!search->has_note || search->why[0])
		return;
	if (search->key &&
	    checkpoint_verify_own(&search->note, search->key) == CHECKPOINT_FORGED)
		search_set_broken(search, "the signature of its checkpoint is forged");
	const struct log_end *end = &search->ret->end;
	if (checkpoint_first_seq(search->note.origin, &first_seq) ||
	    end->tree.size == 0 || end->first_seq != first_seq)
		search_set_broken(search,
				  "the %" PRIu64 " lines from number %" PRIu64
				  " on, of which its checkpoint tells, are gone",
				  search->note.size, first_seq);
}

static bool is_behind(const struct log_rotated *one, const struct log_rotated *other)
{
	return one->first_seq != other->first_seq ? one->first_seq > other->first_seq
						  : one->again > other->again;
}

int search_check_lost(struct search *search)
{
	struct log_rotated *notes;
	char path[LOG_NAME_SIZE];
	struct checkpoint note;
	size_t count, rotated_count = search->rotated_count;
	if (log_stray_notes(search->path, search->rotated, rotated_count, &notes, &count))
		return search_cannot_read(search->path);
	const struct log_rotated *last = count > 0 ? &notes[count - 1] : NULL;
	if (last && (rotated_count == 0 ||
		     is_behind(last, &search->rotated[rotated_count - 1]))) {
		log_name_rotated(path, search->path, last, ".checkpoint");
		uint64_t size = log_get_note(path, &note) ? 0 : note.size;
		search_set_broken(search,
				  "the %" PRIu64 " lines from number %" PRIu64
				  " on, of which %.60s tells, are gone",
				  size, last->first_seq, log_name_base(path));
	}
	free(notes);
	return 0;
}
