#include "outbox.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cathgate/base/log.h"

#define WAITING_MAX   (1024 * 1024)
#define COMPARING_MAX (16 * 1024 * 1024) /* beyond, messages may be written twice */

/* The lines that the last messages follow from, as marks. */
static struct position end_of_written(const struct written *written)
{
	size_t from =
		written->count > POSITION_MARKS ? written->count - POSITION_MARKS : 0;
	struct position end = { 0 };

	for (size_t i = from; i < written->count; i++) {
		const struct written_line *line = &written->lines[i];
		struct position_mark mark = { .seq = line->seq };

		memcpy(mark.hash, line->hash, sizeof(mark.hash));
		position_add(&end, &mark);
		end.restart = line->again;
	}
	return end;
}

int outbox_open(const struct config_audit *audit, struct outbox *ret,
		struct position *ret_resume)
{
	struct outbox outbox = { 0 };
	struct written written;
	int error;

	if (message_files_open(audit, &outbox.files) != 0)
		return -1;
	/* The newest file that holds any message tells where to go on. */
	if (written_load(&outbox.files, UINT64_MAX, &written) != 0) {
		error = errno;
		message_files_close(&outbox.files);
		errno = error;
		return -1;
	}
	*ret_resume = end_of_written(&written);
	written_free(&written);
	*ret = outbox;
	return 0;
}

void outbox_close(struct outbox *outbox)
{
	message_files_close(&outbox->files);
	written_free(&outbox->written);
	text_free(&outbox->waiting);
}

static void stop_comparing(struct outbox *outbox)
{
	outbox->is_comparing = false;
	written_free(&outbox->written);
}

/* Looks which messages of this line the files hold. */
static void compare_line(struct outbox *outbox)
{
	const struct written *written = &outbox->written;
	const struct written_line *known = written_find(written, outbox->line.seq);

	if (known && strcmp(known->hash, outbox->line.hash) == 0) {
		outbox->waiting.size = 0;
		outbox->told = known->parts;
		if (known == &written->lines[written->count - 1])
			stop_comparing(outbox);
	} else if (known || outbox->line.seq > written->lines[written->count - 1].seq ||
		   outbox->waiting.size > COMPARING_MAX) {
		stop_comparing(outbox);
	}
}

int outbox_line(struct outbox *outbox, uint64_t seq, const char *hash, uint64_t again)
{
	if (!outbox->has_begun) {
		if (written_load(&outbox->files, seq, &outbox->written) != 0)
			return -1;
		outbox->has_begun = true;
		outbox->compared_from = seq;
		outbox->is_comparing = outbox->written.count > 0;
	}
	outbox->line = (struct written_line){ .seq = seq, .again = again };
	snprintf(outbox->line.hash, sizeof(outbox->line.hash), "%s",
		 hash[0] ? hash : "0");
	outbox->told = 0;
	if (outbox->is_comparing)
		compare_line(outbox);
	return 0;
}

struct text *outbox_begin(struct outbox *outbox)
{
	if (outbox->waiting.size == 0) {
		outbox->waiting_seq = outbox->line.seq;
		outbox->waiting_again = outbox->line.again;
	}
	outbox->began = outbox->waiting.size;
	return &outbox->waiting;
}

void outbox_end(struct outbox *outbox)
{
	unsigned part = outbox->line.parts++;

	if (part < outbox->told) {
		outbox->waiting.size = outbox->began;
		return;
	}
	written_mark(&outbox->waiting, &outbox->line, part);
	text_put(&outbox->waiting, "\n");
}

int outbox_flush(struct outbox *outbox)
{
	if (outbox->is_comparing || outbox->waiting.size == 0)
		return 0;
	if (message_files_append(&outbox->files, outbox->waiting_seq,
				 outbox->waiting.bytes, outbox->waiting.size) != 0) {
		if (!outbox->is_failing)
			log_error(
				"%s: audit messages can't be written: %s; free space, "
				"or let the gateway's user write there. None is lost, it "
				"is tried again",
				outbox->files.path, strerror(errno));
		outbox->is_failing = true;
		return -1;
	}
	if (outbox->is_failing)
		log_info("%s: audit messages can be written again", outbox->files.path);
	outbox->is_failing = false;
	outbox->waiting.size = 0;
	return 0;
}

bool outbox_is_full(const struct outbox *outbox)
{
	return !outbox->is_comparing && outbox->waiting.size >= WAITING_MAX;
}

uint64_t outbox_needed_seq(const struct outbox *outbox)
{
	if (outbox->is_comparing)
		return outbox->compared_from;
	return outbox->waiting.size > 0 ? outbox->waiting_again : UINT64_MAX;
}
