/*
 * Which messages the files hold already. Behind its XML each message has a processing
 * instruction that names the line of the log that caused it, by number and hash, and says
 * which of that line's messages it is:
 *
 *	<?cathgate line="12" part="0" hash="…" again="9"?>
 *
 * Receivers and schemas ignore it, as XML 1.0 lets them. `again` is the first line that
 * must be read again to go on behind this message.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/digest.h"
#include "message_file.h"
#include "text.h"

struct written_line {
	uint64_t seq;
	uint64_t again;
	char hash[DIGEST_HEX_SIZE];
	unsigned parts; /* how many of its messages there are */
};

struct written {
	struct written_line *lines; /* ascending */
	size_t count;
};

/* Writes the instruction for the message number `part` of that line. */
void written_mark(struct text *to, const struct written_line *line, unsigned part);

/* Reads the files' newest messages, back to the line `from_seq` or to where the log's
 * numbers began anew. 0; -1 with errno. */
MUST_USE int written_load(const struct message_files *files, uint64_t from_seq,
			  struct written *ret);
void written_free(struct written *written);

/* NULL when no message of that line is known to be written. */
const struct written_line *written_find(const struct written *written, uint64_t seq);
