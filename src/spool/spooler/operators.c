/* What operators ask for. A change waits for its record: the auditor is told, and when
 * the record is durable the change is made and answered. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/audit/client.h"
#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"

#define OPERATORS_MAX 8

int operators_listen(const char *directory)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int folder = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	mode_t mask;
	int rc = -1;

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s",
		 folder, SPOOL_SOCKET);
	if (folder >= 0 && (unlinkat(folder, SPOOL_SOCKET, 0) == 0 || errno == ENOENT))
		fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	if (fd >= 0)
		rc = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (rc == 0)
		rc = listen(fd, OPERATORS_MAX);
	if (rc != 0)
		log_error("the spool's socket in %s: %s; cathgate spool can't ask",
			  directory, strerror(errno));
	if (rc != 0 && fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
	return rc == 0 ? fd : -1;
}

static void end_asker(struct asker *asker)
{
	if (asker->channel >= 0)
		close(asker->channel);
	LIST_REMOVE(asker, others);
	free(asker);
}

/* What it asked for is done all the same, since the record of it may be durable by now.
 */
static void asker_leaves(struct asker *asker)
{
	if (asker->record == 0) {
		end_asker(asker);
		return;
	}
	close(asker->channel);
	asker->channel = -1;
}

bool operators_wait(const struct spooler *spooler)
{
	const struct asker *asker;

	LIST_FOREACH(asker, &spooler->operators, others)
	{
		if (asker->record != 0)
			return true;
	}
	return false;
}

void operators_clear(struct spooler *spooler)
{
	while (!LIST_EMPTY(&spooler->operators))
		end_asker(LIST_FIRST(&spooler->operators));
	if (spooler->listener >= 0)
		close(spooler->listener);
	if (spooler->auditor >= 0)
		close(spooler->auditor);
}

/* The folder's mode lets in nobody else; this is asked all the same. */
static bool is_trusted(int fd)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
	       (who.uid == 0 || who.uid == geteuid());
}

void operators_accept(struct spooler *spooler)
{
	int fd = accept4(spooler->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct asker *asker;
	unsigned count = 0;

	if (fd < 0)
		return;
	LIST_FOREACH(asker, &spooler->operators, others)
	{
		count++;
	}
	asker = count < OPERATORS_MAX && is_trusted(fd) ? calloc(1, sizeof(*asker))
							: NULL;
	if (!asker) {
		close(fd);
		return;
	}
	asker->channel = fd;
	LIST_INSERT_HEAD(&spooler->operators, asker, others);
}

static void answer(const struct asker *asker, int error, uint32_t count, int file)
{
	const struct spool_reply reply = { .error = error, .count = count };

	/* One that has left, or doesn't read its answer, loses it. */
	if (asker->channel < 0)
		return;
	(void)!descriptors_send(asker->channel, &reply, sizeof(reply), &file, file >= 0,
				MSG_DONTWAIT);
}

static void list_objects(struct spooler *spooler, const struct asker *asker,
			 const struct spool_filter *filter)
{
	uint32_t count = 0;
	int file = listing_make(spooler, filter, &count);

	answer(asker, file >= 0 ? 0 : errno, count, file);
	if (file >= 0)
		close(file);
}

/*
 * Changes.
 */

/* 0, or an errno. */
MUST_USE static int judge(const struct object *object, enum spool_operation operation)
{
	if (!object || object->name.state == SPOOL_DELIVERED)
		return ENOENT;
	if (operation == SPOOL_EXPORTED)
		return 0;
	if (object->is_in_hand || object->is_claimed || !object->is_committed)
		return EBUSY;
	/* Its name alone says that it may be torn, until it was read in whole. */
	if (operation == SPOOL_HOLDS && object->name.state == SPOOL_NAMED)
		return EBUSY;
	if (operation == SPOOL_HOLDS && object->name.state == SPOOL_HELD)
		return EINVAL;
	return 0;
}

#define PUT(field, text) snprintf(ret->field, sizeof(ret->field), "%s", text)

static void describe(const struct spooler *spooler, const struct object *object,
		     const struct spool_request *request, struct audit_record *ret)
{
	static const enum audit_outcome outcomes[SPOOL_OPERATIONS] = {
		[SPOOL_HOLDS] = AUDIT_HELD,
		[SPOOL_QUEUES] = AUDIT_QUEUED,
		[SPOOL_DROPS] = AUDIT_DROPPED,
		[SPOOL_EXPORTED] = AUDIT_EXPORTED,
	};
	struct spool_item item;

	audit_record_init(ret);
	listing_describe(spooler, object, &item);
	ret->event = AUDIT_DELIVERY;
	ret->outcome = outcomes[request->operation];
	PUT(destination, item.destination);
	PUT(modality, item.modality);
	snprintf(ret->detail, sizeof(ret->detail), "object %016" PRIx64 "%s%s",
		 item.object, request->detail[0] ? "; " : "", request->detail);
	if (request->knows_metadata)
		spool_metadata_tell(&request->metadata, ret);
}

static void begin_change(struct spooler *spooler, struct asker *asker,
			 const struct spool_request *request)
{
	enum spool_operation operation = (enum spool_operation)request->operation;
	struct object *object = index_find(&spooler->index, request->filter.object);
	struct audit_record record;
	int error = judge(object, operation);

	if (error == 0) {
		describe(spooler, object, request, &record);
		asker->record = spooler->auditor >= 0
					? audit_submit_soon(spooler->auditor, &record)
					: 0;
		if (asker->record == 0)
			error = EAGAIN;
	}
	if (error != 0) {
		answer(asker, error, 0, -1);
		return;
	}
	asker->operation = operation;
	asker->object = request->filter.object;
	if (operation != SPOOL_EXPORTED)
		object->is_claimed = true;
}

/* At once, also where the destination is left alone. */
static void queue_object(struct spooler *spooler, struct object *object)
{
	struct target *target = index_target(&spooler->index, object->name.destination);

	/* One that was never read in whole may be torn, also after the next start. */
	store_move(spooler, object, object->is_proven ? SPOOL_QUEUED : SPOOL_NAMED);
	object->again_ms = 0;
	object->losses = object->delays = 0;
	if (target) {
		target->again_ms = 0;
		target->has_changed = true;
	}
}

/* The record is durable, or, with the errno, isn't. */
static void end_change(struct spooler *spooler, struct asker *asker, int error)
{
	struct object *object = index_find(&spooler->index, asker->object);

	asker->record = 0;
	if (object && asker->operation != SPOOL_EXPORTED)
		object->is_claimed = false;
	if (error == 0)
		error = judge(object, asker->operation);
	if (error == 0 && asker->operation == SPOOL_HOLDS)
		store_move(spooler, object, SPOOL_HELD);
	else if (error == 0 && asker->operation == SPOOL_QUEUES)
		queue_object(spooler, object);
	else if (error == 0 && asker->operation == SPOOL_DROPS)
		store_abandon(spooler, object);
	answer(asker, error, error == 0, -1);
	if (asker->channel < 0)
		end_asker(asker);
}

void operators_hear_auditor(struct spooler *spooler)
{
	for (;;) {
		struct asker *asker, *next;
		uint32_t number = 0;
		enum audit_taken taken = audit_taken_of(spooler->auditor, &number);

		if (taken == AUDIT_SLOW)
			return;
		for (asker = LIST_FIRST(&spooler->operators); asker; asker = next) {
			next = LIST_NEXT(asker, others);
			if (asker->record != 0 &&
			    (taken == AUDIT_GONE || asker->record == number))
				end_change(spooler, asker,
					   taken == AUDIT_DURABLE ? 0 : EAGAIN);
		}
		if (taken == AUDIT_GONE) {
			close(spooler->auditor);
			spooler->auditor = -1;
			return;
		}
	}
}

static void read_object(struct spooler *spooler, const struct asker *asker,
			uint64_t number)
{
	const struct object *object = index_find(&spooler->index, number);
	int error = judge(object, SPOOL_EXPORTED);
	int file = error == 0 ? store_read(spooler, object) : -1;

	if (error == 0 && file < 0)
		error = errno;
	answer(asker, error, file >= 0, file);
	if (file >= 0)
		close(file);
}

static bool is_sound(const struct spool_request *request)
{
	const struct spool_filter *filter = &request->filter;
	const struct spool_metadata *metadata = &request->metadata;

	return request->operation < SPOOL_OPERATIONS && ENDS(filter->destination) &&
	       ENDS(filter->modality) && ENDS(filter->study) &&
	       ENDS(filter->sop_instance) && ENDS(request->detail) &&
	       ENDS(metadata->association) && ENDS(metadata->modality) &&
	       ENDS(metadata->destination) && ENDS(metadata->calling_ae) &&
	       ENDS(metadata->called_ae) && ENDS(metadata->sop_class) &&
	       ENDS(metadata->sop_instance) && ENDS(metadata->study) &&
	       ENDS(metadata->patient_id) && ENDS(metadata->transfer_syntax);
}

void operator_hear(struct spooler *spooler, struct asker *asker)
{
	struct spool_request request;
	ssize_t size = recv(asker->channel, &request, sizeof(request), MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size != (ssize_t)sizeof(request) || asker->record != 0 ||
	    !is_sound(&request)) {
		asker_leaves(asker);
		return;
	}
	if (request.operation == SPOOL_LISTS)
		list_objects(spooler, asker, &request.filter);
	else if (request.operation == SPOOL_READS)
		read_object(spooler, asker, request.filter.object);
	else
		begin_change(spooler, asker, &request);
}
