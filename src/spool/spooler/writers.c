/* The process at a writer's far end talks to the network: a message that is out of order
 * costs it the channel. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"

#define LESSONS_MAX 128	  /* an association's presentation contexts (PS3.8 9.3.2.2) */
#define COMMAND_MAX 66000 /* bytes of a command set, and what one more segment adds */

void writers_add(struct spooler *spooler, int channel, const struct spool_opened *opened)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	const struct spool_names_key *key = &spooler->keys[0];
	const void *names[] = { opened->destination, opened->modality };
	const size_t sizes[] = { strlen(opened->destination), strlen(opened->modality) };
	uint8_t destination[SPOOL_SHORT_TAG];

	struct target *target = NULL;

	if (writer &&
	    spool_tag(key, "destination", &names[0], &sizes[0], 1, destination,
		      sizeof(destination)) == 0 &&
	    spool_tag(key, "modality", &names[1], &sizes[1], 1, writer->modality_tag,
		      sizeof(writer->modality_tag)) == 0)
		target = index_target(&spooler->index, destination);
	if (!target) {
		free(writer);
		close(channel);
		return;
	}
	writer->channel = channel;
	writer->file = -1;
	writer->target = target;
	memcpy(writer->modality, opened->modality, sizeof(writer->modality));
	memcpy(writer->destination, opened->destination, sizeof(writer->destination));
	/* An entry that was added by a reload is not in the configuration here. */
	names_add(spooler, &spooler->modalities, "modality", writer->modality);
	LIST_INSERT_HEAD(&spooler->writers, writer, others);
}

static void drop_file(struct writer *writer)
{
	if (writer->file >= 0)
		close(writer->file);
	writer->file = -1;
}

/* What was linked last and not taken back may be told of by a record: so it is delivered.
 * Nobody may have synced it yet. */
void writer_end(const struct spooler *spooler, struct writer *writer)
{
	if (writer->linked) {
		if (spool_folder_sync_file(&spooler->folder, writer->file) != 0)
			log_error("the spool's object %016llx can't be synced: %s",
				  (unsigned long long)writer->linked->name.sequence,
				  strerror(errno));
		writer->linked->is_committed = true;
		writer->target->has_changed = true;
	}
	drop_file(writer);
	close(writer->channel);
	LIST_REMOVE(writer, others);
	free(writer);
}

void writers_clear(struct spooler *spooler)
{
	while (!LIST_EMPTY(&spooler->writers))
		writer_end(spooler, LIST_FIRST(&spooler->writers));
}

/* False when the other end doesn't listen. One that is gone is heard of later. */
MUST_USE static bool answer(const struct writer *writer, const struct spool_said *said,
			    int file)
{
	return descriptors_send(writer->channel, said, sizeof(*said), &file, file >= 0,
				MSG_DONTWAIT) == 0 ||
	       errno == EPIPE || errno == ECONNRESET;
}

MUST_USE static bool give_state(struct spooler *spooler, const struct writer *writer)
{
	const struct spool_said said = {
		.kind = SPOOL_ANSWERS,
		.is_full = room_is_lacking(spooler),
		.has_backlog = index_backlog(writer->target, writer->modality_tag) > 0,
	};

	return answer(writer, &said, -1);
}

MUST_USE static bool give_accepted(struct spooler *spooler, const struct writer *writer)
{
	const struct spool_said said = { .kind = SPOOL_ANSWERS };
	int file = accepted_file(spooler, writer->target, writer->modality_tag);
	bool is_told = answer(writer, &said, file);

	if (file >= 0)
		close(file);
	return is_told;
}

MUST_USE static bool give_file(struct spooler *spooler, struct writer *writer)
{
	struct spool_said said = { .kind = SPOOL_ANSWERS };

	if (writer->linked || spooler->leave_ms != 0)
		return false;
	drop_file(writer);
	if (room_is_lacking(spooler)) {
		said.verdict = SPOOL_FULL;
		return answer(writer, &said, -1);
	}
	writer->file = spool_folder_new_file(&spooler->folder);
	if (writer->file < 0) {
		said.verdict = SPOOL_CANNOT;
		said.error = errno;
	}
	return answer(writer, &said, writer->file);
}

/* The file has no more than the object of which its sender tells: what else it had would
 * be in no account of the spool's room. */
static bool has_right_size(const struct writer *writer, const struct spool_asked *asked)
{
	const struct spool_name name = { .state = SPOOL_NAMED,
					 .data_size = asked->data_size };
	struct stat file;

	return fstat(writer->file, &file) == 0 &&
	       (uint64_t)file.st_size <= index_weight(&name) + COMMAND_MAX;
}

MUST_USE static bool link_file(struct spooler *spooler, struct writer *writer,
			       const struct spool_asked *asked)
{
	struct spool_said said = { .kind = SPOOL_ANSWERS };
	struct object *object = NULL;

	if (writer->file < 0 || writer->linked || !ENDS(asked->sop_instance) ||
	    !ENDS(asked->study) || asked->data_size >= 1ULL << 48 ||
	    !has_right_size(writer, asked))
		return false;
	said.verdict = store_add(spooler, writer, asked, &object);
	said.error = said.verdict == SPOOL_CANNOT ? errno : 0;
	said.object = object ? object->name.sequence : 0;
	if (said.verdict != SPOOL_KNOWN && object && !object->is_committed) {
		writer->linked = object;
		said.must_sync = spooler->folder.must_sync;
	} else {
		drop_file(writer);
	}
	return answer(writer, &said, -1);
}

MUST_USE static bool sync_folder(const struct spooler *spooler,
				 const struct writer *writer)
{
	struct spool_said said = { .kind = SPOOL_ANSWERS };

	if (!writer->linked)
		return false;
	if (spool_folder_sync(&spooler->folder) != 0) {
		said.verdict = SPOOL_CANNOT;
		said.error = errno;
	}
	return answer(writer, &said, -1);
}

static void settle(struct spooler *spooler, struct writer *writer, bool is_kept)
{
	if (writer->linked && is_kept) {
		store_commit(spooler, writer->linked);
		writer->target->has_changed = true;
	} else if (writer->linked) {
		store_abandon(spooler, writer->linked);
	}
	writer->linked = NULL;
	drop_file(writer);
}

MUST_USE static bool obey(struct spooler *spooler, struct writer *writer,
			  const struct spool_asked *asked)
{
	switch (asked->kind) {
	case SPOOL_ASKS_STATE:
		return give_state(spooler, writer);
	case SPOOL_ASKS_ACCEPTED:
		return give_accepted(spooler, writer);
	case SPOOL_ASKS_FILE:
		return give_file(spooler, writer);
	case SPOOL_LINKS:
		return link_file(spooler, writer, asked);
	case SPOOL_SYNCS:
		return sync_folder(spooler, writer);
	case SPOOL_COMMITS:
	case SPOOL_ABANDONS:
		settle(spooler, writer, asked->kind == SPOOL_COMMITS);
		return true;
	case SPOOL_HAS_LEARNT:
		/* None tells of a refusal. */
		if (!asked->accepted || !ENDS(asked->abstract_syntax) ||
		    !ENDS(asked->transfer_syntax))
			return false;
		if (writer->lessons++ < LESSONS_MAX)
			accepted_learn(spooler, writer->target, writer->modality_tag,
				       asked);
		return true;
	default:
		return false;
	}
}

void writer_hear(struct spooler *spooler, struct writer *writer)
{
	struct spool_asked asked;
	ssize_t size = recv(writer->channel, &asked, sizeof(asked), MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size == (ssize_t)sizeof(asked) && obey(spooler, writer, &asked))
		return;
	if (size > 0 && spooler->leave_ms == 0 && !has_hung_up(writer->channel))
		log_bug("an association of %s broke the spooler's rules, or doesn't "
			"listen: its channel is closed",
			writer->modality);
	writer_end(spooler, writer);
}
