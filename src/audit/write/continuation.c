#include "continuation.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/log.h"
#include "cathgate/audit/log_verify.h"
#include "audit/read/last_line.h"

/* Judges a newest rotated file that doesn't end where the live one begins. That is well
 * after a failed sync, which can leave more lines in a file than count, and after a whole
 * file in between was moved away. */
static int judge_gap(const struct continuation *at, int fd,
		     char ret_why[ASIDE_FINDING_SIZE],
		     char ret_missing[ASIDE_FINDING_SIZE])
{
	const struct chain_line *first = at->first;
	struct log_verify_file found;
	struct chain before = { .next_seq = first->seq };
	struct log_verify_options options = { .fork = &before };
	memcpy(before.last_hash, first->prev, sizeof(before.last_hash));
	if (log_verify_scan(fd, &options, &found))
		return -1;
	bool is_finished = found.fault.kind == LOG_VERIFY_NO_FAULT &&
			   found.checkpoints > 0 && found.lines_behind_checkpoint == 0;
	if (found.has_fork && at->is_told)
		return 0;
	if ((is_finished || at->is_told) && found.chain.next_seq < first->seq) {
		snprintf(ret_missing, ASIDE_FINDING_SIZE,
			 "lines %" PRIu64 " to %" PRIu64 " are in no file here",
			 found.chain.next_seq, first->seq - 1);
		log_warning("%s: %s", at->path, ret_missing);
		return 0;
	}
	snprintf(ret_why, ASIDE_FINDING_SIZE, "line 1 of %.60s does not go on from %.60s",
		 log_name_base(at->path), log_name_base(at->newest));
	return 0;
}

int continuation_check(const struct continuation *continuation,
		       char ret_why[ASIDE_FINDING_SIZE],
		       char ret_missing[ASIDE_FINDING_SIZE])
{
	struct last_line last;
	struct chain before = { .next_seq = 0 };
	int fd = open(continuation->newest, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int result = 0;
	if (fd < 0)
		return -1;
	if (last_line_read(fd, continuation->digest, continuation->buffer, &last) == 0)
		before = chain_behind(&last.chain);
	if (!chain_follows(&before, continuation->first))
		result = judge_gap(continuation, fd, ret_why, ret_missing);
	close(fd);
	return result;
}
