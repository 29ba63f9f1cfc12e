#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"

#define RATE_OLD_SHARE 0.5 /* smoothed, so that people can read it */

size_t observer_snapshot_size(const struct observer_head *head)
{
	return sizeof(*head) +
	       head->association_count * sizeof(struct observer_association) +
	       head->end_count * sizeof(struct observer_end) +
	       head->spool_count * sizeof(struct spooler_figures) +
	       ((size_t)head->modality_count + head->destination_count) *
		       sizeof(struct observer_name);
}

void snapshot_free(struct snapshot *snapshot)
{
	free(snapshot->memory);
	free(snapshot->rates);
	paces_clear(&snapshot->paces);
	*snapshot = (struct snapshot){ 0 };
}

static bool is_whole(const void *memory, size_t size)
{
	struct observer_head head;

	if (size < sizeof(head))
		return false;
	memcpy(&head, memory, sizeof(head));
	return observer_snapshot_size(&head) == size;
}

static void lay_out(struct snapshot *snapshot, char *memory)
{
	struct observer_head *head = &snapshot->head;

	snapshot->memory = memory;
	memcpy(head, memory, sizeof(*head));
	memory += sizeof(*head);
	snapshot->associations = (const void *)memory;
	memory += head->association_count * sizeof(struct observer_association);
	snapshot->ends = (const void *)memory;
	memory += head->end_count * sizeof(struct observer_end);
	snapshot->spool = (const void *)memory;
	memory += head->spool_count * sizeof(struct spooler_figures);
	snapshot->modalities = (const void *)memory;
	memory += head->modality_count * sizeof(struct observer_name);
	snapshot->destinations = (const void *)memory;
}

static double rate_of(const struct snapshot *before,
		      const struct observer_association *now, int64_t passed_us)
{
	for (uint32_t i = 0; passed_us > 0 && i < before->head.association_count; i++) {
		const struct observer_association *was = &before->associations[i];
		double rate;

		if (memcmp(was->id, now->id, sizeof(now->id)) != 0)
			continue;
		rate = (double)(now->figures.bytes - was->figures.bytes) * 1e6 /
		       (double)passed_us;
		return RATE_OLD_SHARE * before->rates[i] + (1 - RATE_OLD_SHARE) * rate;
	}
	return 0;
}

static int adopt_snapshot(struct snapshot *snapshot, char *memory)
{
	struct snapshot next = { .told_us = clock_us() };

	lay_out(&next, memory);
	next.rates = calloc(next.head.association_count + 1, sizeof(double));
	if (!next.rates)
		return -1;
	for (uint32_t i = 0; i < next.head.association_count; i++)
		next.rates[i] = rate_of(snapshot, &next.associations[i],
					next.told_us - snapshot->told_us);
	for (uint32_t i = 0; i < next.head.spool_count; i++)
		paces_take(&snapshot->paces, &next.spool[i], next.told_us);
	next.paces = snapshot->paces;
	snapshot->paces = (struct paces){ .items = NULL };
	snapshot_free(snapshot);
	*snapshot = next;
	return 0;
}

static int read_file(struct snapshot *snapshot, int fd)
{
	struct stat status;
	char *memory = NULL;
	size_t size;

	if (fstat(fd, &status) != 0 || status.st_size <= 0)
		return -1;
	size = (size_t)status.st_size;
	memory = malloc(size);
	if (memory && pread(fd, memory, size, 0) == (ssize_t)size &&
	    is_whole(memory, size) && adopt_snapshot(snapshot, memory) == 0)
		return 0;
	free(memory);
	return -1;
}

enum snapshot_result snapshot_receive(struct snapshot *snapshot, int socket)
{
	char byte;
	int fd, result;
	ssize_t size = descriptor_receive(socket, &byte, sizeof(byte), &fd, MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN))
		return SNAPSHOT_NONE;
	if (size <= 0)
		return SNAPSHOT_HUNG_UP;
	if (fd < 0)
		return SNAPSHOT_NONE;
	result = read_file(snapshot, fd);
	if (result != 0)
		log_bug("a snapshot of the supervisor's can't be read");
	close(fd);
	return result == 0 ? SNAPSHOT_NEW : SNAPSHOT_NONE;
}
