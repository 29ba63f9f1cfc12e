/*
 * Messages on their way into the files: gathered in memory, written and made durable
 * together, and left out where the files hold them already.
 *
 * After a restart lines come again of which messages were written. Every message follows
 * from the log alone. So messages up to the last line that a written one names, by number
 * and hash, are not written again. Until that line comes, or one that shows that the log
 * has other lines now under those numbers, messages wait in memory.
 */
#pragma once

#include <stdbool.h>

#include "position.h"
#include "text.h"
#include "written.h"

struct outbox {
	struct message_files files;
	struct text waiting;		     /* whole messages, each with its newline */
	uint64_t waiting_seq, waiting_again; /* of the first of them */

	struct written_line line; /* whose messages are being made */
	unsigned told;		  /* how many of them the files hold */
	size_t began;		  /* where the message in hand begins */

	bool has_begun;	   /* a line has come */
	bool is_comparing; /* the files may hold what waits */
	uint64_t compared_from;
	struct written written;

	bool is_failing; /* which has been logged */
};

/* 0; -1 with errno. *ret_resume: where in the log the files end, without marks if they
 * hold nothing. */
MUST_USE int outbox_open(const struct config_audit *audit, struct outbox *ret,
			 struct position *ret_resume);
void outbox_close(struct outbox *outbox);

/* The line whose messages come next. `again`: the first line that the messages after
 * it may need. 0; -1 with errno, to be called again with the same line. */
MUST_USE int outbox_line(struct outbox *outbox, uint64_t seq, const char *hash,
			 uint64_t again);

/* What is put into the text between these two calls is one message. */
struct text *outbox_begin(struct outbox *outbox);
void outbox_end(struct outbox *outbox);

/* Writes all that waits, unless the files may hold it. 0; -1 after logging: then it waits
 * on. */
MUST_USE int outbox_flush(struct outbox *outbox);
bool outbox_is_full(const struct outbox *outbox);
/* The first line whose messages aren't in the files; UINT64_MAX when all are. */
uint64_t outbox_needed_seq(const struct outbox *outbox);
