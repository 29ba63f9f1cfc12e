#include "late_note.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/log.h"
#include "cathgate/audit/log_verify.h"
#include "audit/read/last_line.h"

struct late_note {
	const struct signing_key *key;
	struct digest *digest;
	char *buffer; /* of LOG_VERIFY_LINE_MAX bytes */
};

/* The checkpoint with which a file ends; -1 when it ends with none. */
static int read_end(const struct late_note *at, int fd, uint64_t first_seq,
		    uint64_t next_seq, struct checkpoint *ret)
{
	struct last_line last;
	uint64_t its_first;
	if (last_line_read(fd, at->digest, at->buffer, &last) ||
	    last.chain.seq >= next_seq ||
	    checkpoint_read_line(last.text, last.size, ret) ||
	    checkpoint_first_seq(ret->origin, &its_first) || its_first != first_seq)
		return -1;
	return 0;
}

/* Whether the note should be that checkpoint. `old`: the note that is there, or NULL. */
static bool note_holds(const struct late_note *at, int fd, const struct checkpoint *end,
		       const struct checkpoint *old)
{
	struct log_verify_file found;
	struct log_verify_options options = { .checkpoints = old,
					      .checkpoint_count = old ? 1 : 0 };
	if (at->key && checkpoint_verify_own(end, at->key) != CHECKPOINT_HOLDS)
		return false;
	return log_verify_scan(fd, &options, &found) == 0 &&
	       found.fault.kind == LOG_VERIFY_NO_FAULT && found.checkpoints > 0 &&
	       found.lines_behind_checkpoint == 0;
}

/* `next_seq`: where the next file begins. */
static void make_good(const struct late_note *at, int fd, const char *note_path,
		      uint64_t first_seq, uint64_t next_seq)
{
	char text[CHECKPOINT_TEXT_SIZE];
	struct checkpoint end, old;
	bool has_old = log_get_note(note_path, &old) == 0;
	if (!has_old && errno != ENOENT)
		return;
	if (read_end(at, fd, first_seq, next_seq, &end) ||
	    (has_old && old.size >= end.size) ||
	    !note_holds(at, fd, &end, has_old ? &old : NULL))
		return;
	if (log_put_file(note_path, text, checkpoint_note(&end, text)))
		log_warning("%s: the checkpoint's note can't be written: %m", note_path);
	else
		log_info("%s: it was missing or behind its file, and is made good",
			 note_path);
}

void late_note_make_good(const char *path, const struct log_rotated *rotated,
			 size_t count, uint64_t live_seq, const struct signing_key *key)
{
	struct late_note at = { .key = key,
				.digest = digest_new(),
				.buffer = malloc(LOG_VERIFY_LINE_MAX) };
	for (size_t i = 0; i < count && at.digest && at.buffer; i++) {
		char file[LOG_NAME_SIZE], note[LOG_NAME_SIZE];
		log_name_rotated(file, path, &rotated[i], ".jsonl");
		log_name_rotated(note, path, &rotated[i], ".checkpoint");
		int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			continue;
		make_good(&at, fd, note, rotated[i].first_seq,
			  i + 1 < count ? rotated[i + 1].first_seq : live_seq);
		close(fd);
	}
	digest_free(at.digest);
	free(at.buffer);
}
