#include "internal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"
#include "cathgate/base/polls.h"
#include "cathgate/spool/unwrap.h"

#define KEEPER_MS     10000 /* within which the spool keeper gives the names keys */
#define LEAVE_MS      4000  /* less than the supervisor waits for it */
#define LEAVE_LOOK_MS 50
#define TICK_MS	      30000

/*
 * Begin: the names keys, then the folder.
 */

/* 1 with a key, 0 when there is none of that number, -1. */
MUST_USE static int fetch_key(int keeper, uint32_t number, struct spool_names_key *ret)
{
	const struct spool_unwrap_asked asked = { .kind = SPOOL_UNWRAP_NAMES,
						  .number = number };
	struct pollfd polled = { .fd = keeper, .events = POLLIN };
	struct spool_unwrap_said said;
	int rc = -1;

	if (send(keeper, &asked, sizeof(asked), MSG_NOSIGNAL) == (ssize_t)sizeof(asked) &&
	    poll(&polled, 1, KEEPER_MS) > 0 &&
	    recv(keeper, &said, sizeof(said), MSG_DONTWAIT) == (ssize_t)sizeof(said))
		rc = said.is_good ? 1 : 0;
	if (rc == 1)
		*ret = said.names;
	OPENSSL_cleanse(&said, sizeof(said));
	return rc;
}

/* What came before is forgotten: the keeper is another. */
MUST_USE static int fetch_keys(struct spooler *spooler, int keeper)
{
	int got = 1;

	while (got == 1 && spooler->key_count < SPOOL_KEYS_MAX) {
		got = fetch_key(keeper, (uint32_t)spooler->key_count,
				&spooler->keys[spooler->key_count]);
		spooler->key_count += got == 1;
	}
	return got >= 0 && spooler->key_count > 0 ? 0 : -1;
}

MUST_USE static int begin(struct spooler *spooler, int keeper)
{
	static const struct spooler_word ready = { .kind = SPOOLER_READY };
	int64_t began_ms = clock_ms();

	if (spooler->key_count > 0)
		return 0;
	if (fetch_keys(spooler, keeper) != 0) {
		log_error("the spool keeper gave no names key");
		return -1;
	}
	if (loading_read(spooler) != 0)
		return -1;
	log_info("the spool is ready after %lld ms: %zu objects, those delivered lately "
		 "among them",
		 (long long)(clock_ms() - began_ms), spooler->index.count);
	spooler_tell(spooler, &ready);
	return 0;
}

static bool names_end(const struct spool_opened *opened)
{
	return memchr(opened->modality, 0, sizeof(opened->modality)) &&
	       memchr(opened->destination, 0, sizeof(opened->destination));
}

/* 0; or -1, and the process ends. */
MUST_USE static int obey(struct spooler *spooler, const struct spool_opened *opened,
			 int channel)
{
	int rc = 0;

	if (channel < 0 || !names_end(opened)) {
		log_bug("the supervisor sent the spooler a message it doesn't know");
		return channel < 0 ? 0 : -1;
	}
	switch (opened->kind) {
	case SPOOL_OPENS_ASSOCIATION:
		writers_add(spooler, channel, opened);
		return 0;
	case SPOOL_OPENS_COURIER:
		workers_add(spooler, channel, opened);
		return 0;
	case SPOOL_BRINGS_KEEPER:
		rc = begin(spooler, channel);
		break;
	case SPOOL_BRINGS_AUDITOR:
		if (spooler->auditor >= 0)
			close(spooler->auditor);
		spooler->auditor = channel;
		return 0;
	default:
		break;
	}
	close(channel);
	return rc;
}

/* 0; or -1 when the process is to end. */
MUST_USE static int hear_supervisor(struct spooler *spooler)
{
	struct spool_opened opened;
	int channel;
	ssize_t size = descriptor_receive(spooler->control, &opened, sizeof(opened),
					  &channel, MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (size == (ssize_t)sizeof(opened))
		return obey(spooler, &opened, channel);
	if (channel >= 0)
		close(channel);
	return -1;
}

/*
 * The loop. What is polled is gathered afresh for each turn: control channel, auditor,
 * operators' listener; then the writers, the workers and the operators.
 */

MUST_USE static bool fill(struct polls *polls, const struct spooler *spooler)
{
	const struct writer *writer;
	const struct worker *worker;
	bool is_good;

	const struct asker *asker;

	polls_clear(polls);
	is_good = polls_add(polls, spooler->control) &&
		  polls_add(polls, spooler->auditor) &&
		  polls_add(polls, spooler->key_count > 0 ? spooler->listener : -1);
	LIST_FOREACH(writer, &spooler->writers, others)
	{
		is_good = is_good && polls_add(polls, writer->channel);
	}
	LIST_FOREACH(worker, &spooler->workers, others)
	{
		is_good = is_good && polls_add(polls, worker->channel);
	}
	LIST_FOREACH(asker, &spooler->operators, others)
	{
		is_good = is_good && polls_add(polls, asker->channel);
	}
	return is_good;
}

enum { POLLS_CONTROL, POLLS_AUDITOR, POLLS_LISTENER, POLLS_FIRST };

/* Those of writers, workers and operators, in their lists' order. */
static void hear_channels(struct spooler *spooler, const struct pollfd *at)
{
	struct writer *writer = LIST_FIRST(&spooler->writers), *next_writer;
	struct worker *worker = LIST_FIRST(&spooler->workers), *next_worker;
	struct asker *asker = LIST_FIRST(&spooler->operators), *next_asker;

	for (; writer; writer = next_writer, at++) {
		next_writer = LIST_NEXT(writer, others);
		if (at->revents)
			writer_hear(spooler, writer);
	}
	for (; worker; worker = next_worker, at++) {
		next_worker = LIST_NEXT(worker, others);
		if (at->revents)
			worker_hear(spooler, worker);
	}
	for (; asker; asker = next_asker, at++) {
		next_asker = LIST_NEXT(asker, others);
		if (at->revents)
			operator_hear(spooler, asker);
	}
}

/* 0; or -1 when the supervisor is gone. */
MUST_USE static int take_turn(struct spooler *spooler, struct polls *polls,
			      int64_t wait_ms)
{

	if (!fill(polls, spooler))
		return -1;
	if (poll(polls->fds, polls->count, (int)wait_ms) <= 0)
		return 0;
	hear_channels(spooler, polls->fds + POLLS_FIRST);
	if (polls->fds[POLLS_AUDITOR].revents)
		operators_hear_auditor(spooler);
	if (polls->fds[POLLS_LISTENER].revents)
		operators_accept(spooler);
	return polls->fds[POLLS_CONTROL].revents ? hear_supervisor(spooler) : 0;
}

static void leave(struct spooler *spooler)
{
	if (spooler->leave_ms != 0)
		return;
	spooler->leave_ms = clock_ms() + LEAVE_MS;
	close(spooler->control);
	spooler->control = -1;
}

/* Told to end, it sees to what is in hand: another spooler is about to take its place,
 * and no object is to fail for that. Whoever asks for more goes to that one. False when
 * there is nothing in hand any more, or it takes too long. */
MUST_USE static bool has_in_hand(struct spooler *spooler)
{
	struct writer *writer = LIST_FIRST(&spooler->writers), *next_writer;
	struct worker *worker = LIST_FIRST(&spooler->workers), *next_worker;

	for (; writer; writer = next_writer) {
		next_writer = LIST_NEXT(writer, others);
		if (!writer->linked && writer->file < 0)
			writer_end(spooler, writer);
	}
	for (; worker; worker = next_worker) {
		next_worker = LIST_NEXT(worker, others);
		if (!worker->object)
			worker_end(spooler, worker);
	}
	return (!LIST_EMPTY(&spooler->writers) || !LIST_EMPTY(&spooler->workers) ||
		operators_wait(spooler)) &&
	       clock_ms() < spooler->leave_ms;
}

static void serve(struct spooler *spooler)
{
	struct polls polls = { .fds = NULL };
	int64_t again_ms = 0;

	while (spooler->leave_ms == 0 || has_in_hand(spooler)) {
		int64_t most_ms = spooler->leave_ms ? LEAVE_LOOK_MS : TICK_MS;
		int64_t wait_ms = again_ms ? again_ms - clock_ms() : most_ms, save_ms;

		if (wait_ms > most_ms)
			wait_ms = most_ms;
		if (take_turn(spooler, &polls, wait_ms > 0 ? wait_ms : 0) != 0)
			leave(spooler);
		again_ms = 0;
		if (spooler->key_count == 0)
			continue;
		store_expire(spooler);
		again_ms = workers_maintain(spooler);
		if (store_wait_ms(spooler) != 0 &&
		    (again_ms == 0 || store_wait_ms(spooler) < again_ms))
			again_ms = store_wait_ms(spooler);
		save_ms = accepted_maintain(spooler);
		if (save_ms != 0 && (again_ms == 0 || save_ms < again_ms))
			again_ms = save_ms;
	}
	free(polls.fds);
}

int spooler_run(int control, const struct config *config,
		const struct sandbox_program *sandbox)
{
	const char *path = config->spool.directory.path;
	const struct sandbox_path reached = { path, SANDBOX_CHANGE };
	struct spooler *spooler = calloc(1, sizeof(*spooler));
	int status = 1;

	if (!spooler)
		return 1;
	spooler->control = control;
	spooler->config = config;
	spooler->auditor = spooler->listener = -1;
	index_init(&spooler->index);
	STAILQ_INIT(&spooler->accepted);
	spool_init();
	if (spool_folder_open(&spooler->folder, path) == 0)
		spooler->listener = operators_listen(path);
	if (spooler->folder.fd >= 0 && sandbox_enter(sandbox, &reached, 1) == 0) {
		serve(spooler);
		status = 0;
	}
	writers_clear(spooler);
	workers_clear(spooler);
	operators_clear(spooler);
	accepted_clear(spooler);
	names_clear(&spooler->destinations);
	names_clear(&spooler->modalities);
	store_clear(spooler);
	spool_folder_close(&spooler->folder);
	OPENSSL_cleanse(spooler->keys, sizeof(spooler->keys));
	free(spooler);
	return status;
}
