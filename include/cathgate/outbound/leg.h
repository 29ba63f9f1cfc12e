/*
 * A leg is the stream to one peer and all waiting for that peer: deadlines, silence, and
 * whatever the leg's owner has to hear or watch meanwhile.
 *
 * A read or write on a leg fails when the wait was interrupted; `interrupted` then says
 * why. The owner's functions are called within each wait, and every 100 ms while bytes
 * are always ready, so that nothing is put off by a peer that never lets the process
 * wait.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"
#include "cathgate/base/reason.h"
#include "cathgate/dicom/upper_layer.h"
#include "cathgate/net/transport.h"

/* How long a goodbye may take: the response to our A-RELEASE-RQ, the last words to a
 * modality that is refused. */
#define LEG_PARTING_SECONDS 5

#define LEG_POLLED 3

/* What one wait polls. */
struct leg_poll {
	struct pollfd fds[LEG_POLLED]; /* the leg's own first; an fd of -1 is none */
	int64_t until_ms;	       /* clock_ms() for the owner's sake; 0: no limit */
};

/* What the owner of a leg does meanwhile. A function may be NULL. */
struct leg_owner {
	/* A wait begins: fills in what else to poll, and until when at most. */
	void (*begin)(void *context, struct leg_poll *ret);
	/* poll(2) has returned: hears what came beside the leg's own, and may change what
	 * is polled next. Why the wait must end, or REASON_NONE. */
	enum reason (*heard)(void *context, struct leg_poll *poll);
	/* The same without a wait. */
	enum reason (*look_up)(void *context);
	void *context;
};

struct leg {
	struct leg_owner owner;
	struct transport carrier; /* TLS or plain; empty while there is none */
	struct transport stream;  /* what the upper layer uses: the carrier, watched */
	struct waiter waiter;
	struct ul_association *ul; /* NULL before and after */

	int64_t deadline_ms;	 /* absolute; 0: none */
	int64_t silence_ms;	 /* the longest time without data; 0: any */
	int64_t read_since_ms;	 /* when the read in hand began */
	int64_t wait_began_us;	 /* when its last wait did */
	enum reason late;	 /* the reason when either has passed */
	enum reason interrupted; /* why a wait gave up, and each later one will until the
				    owner sets REASON_NONE */
	int64_t looked_up_ms;	 /* when a deadline was last looked at without waiting */
};

void leg_init(struct leg *leg, const struct leg_owner *owner);
/* Makes `stream` of a carrier that has just been opened. */
void leg_opened(struct leg *leg);
/* Closes and empties what is open. */
void leg_close(struct leg *leg);

/* The moment (clock_ms()) from which on waits give up, for the reason `late`; 0: never.
 * Takes the place of a limit on silence. */
void leg_deadline(struct leg *leg, int64_t deadline_ms, enum reason late);
/* 0 seconds: for ever. */
void leg_deadline_in(struct leg *leg, unsigned seconds, enum reason late);
/* How long one read or write may go without data, else its wait gives up for the reason
 * `late`. Takes the place of a deadline. */
void leg_silence(struct leg *leg, unsigned seconds, enum reason late);
/* Whether the deadline has passed; silence is not looked at. */
bool leg_is_late(const struct leg *leg);

/* The `wait` of the leg's waiter, with the leg as context. */
MUST_USE int leg_wait(void *leg, int fd, short events);
/* The two steps of the stream's read, for an owner that puts something between them: 0,
 * or -1 when it is interrupted; then as struct transport reads. */
MUST_USE int leg_look_up(struct leg *leg);
MUST_USE ssize_t leg_read(struct leg *leg, void *buffer, size_t size);

/* For other waits of the owner: the sooner of two moments, 0 being never; and the time
 * until one, as poll(2) wants it. */
int64_t leg_sooner(int64_t a_ms, int64_t b_ms);
int leg_poll_timeout(int64_t until_ms);
