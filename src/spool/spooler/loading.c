/* The folder is read at the start. Names and tags by an earlier key become those of
 * today. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

struct load {
	struct spooler *spooler;
	struct spool_name *names;
	size_t count, room;
	unsigned foreign;
	char first_foreign[64];
	bool is_short; /* of memory */
};

/* What stands in the folder besides objects. */
static bool is_ours(const char *text)
{
	return strncmp(text, "accepted.", strlen("accepted.")) == 0 ||
	       strcmp(text, "socket") == 0 || strcmp(text, "lost+found") == 0;
}

/* By which key the name's tag of a destination or an entry ever was made: it gets that of
 * today. One that the configuration does not name now keeps its tag, and gets today's
 * when it is back, as long as its key is there. */
static void renew_tag(const struct spooler *spooler, const char *purpose,
		      const char *text, uint8_t tag[SPOOL_SHORT_TAG])
{
	for (size_t key = 1; key < spooler->key_count; key++) {
		uint8_t was[SPOOL_SHORT_TAG], is[SPOOL_SHORT_TAG];

		if (names_tag(spooler, key, purpose, text, was) != 0 ||
		    memcmp(was, tag, sizeof(was)) != 0 ||
		    names_tag(spooler, 0, purpose, text, is) != 0)
			continue;
		memcpy(tag, is, sizeof(is));
		return;
	}
}

/* Names and tags may be of an earlier key: the file gets the name of today, at the next
 * start at the latest. 0, or -1 without memory. */
MUST_USE static int renew_name(struct spooler *spooler, size_t key, const char *text,
			       struct spool_name *name)
{
	const struct config *config = spooler->config;
	struct spool_name now = *name;
	char fresh[SPOOL_NAME_SIZE];

	for (size_t i = 0; i < config->destination_count; i++)
		renew_tag(spooler, "destination", config->destinations[i].name,
			  now.destination);
	for (size_t i = 0; i < config->modality_count; i++)
		renew_tag(spooler, "modality", config->modalities[i].name, now.modality);
	if (key == 0 &&
	    memcmp(now.destination, name->destination, sizeof(now.destination)) == 0 &&
	    memcmp(now.modality, name->modality, sizeof(now.modality)) == 0)
		return 0;
	*name = now;
	if (store_text_of(spooler, &now, fresh) == 0 &&
	    spool_folder_rename(&spooler->folder, text, fresh) == 0)
		return 0;
	log_error("the spool's object %.16s can't be renamed: %s", text, strerror(errno));
	return store_note_misnamed(spooler, text, &now);
}

static void see_name(void *context, const char *text)
{
	struct load *load = context;
	struct spooler *spooler = load->spooler;
	struct spool_name name;
	size_t key = 0;

	while (key < spooler->key_count &&
	       !spool_name_read(text, &spooler->keys[key], &name))
		key++;
	if (key == spooler->key_count) {
		if (!is_ours(text) && load->foreign++ == 0)
			snprintf(load->first_foreign, sizeof(load->first_foreign),
				 "%.60s", text);
		return;
	}
	if (spooler->key_count > 1 && renew_name(spooler, key, text, &name) != 0)
		load->is_short = true;
	if (load->count == load->room) {
		size_t room = load->room ? 2 * load->room : 1024;
		struct spool_name *more = reallocarray(load->names, room, sizeof(*more));

		if (!more) {
			load->is_short = true;
			return;
		}
		load->names = more;
		load->room = room;
	}
	load->names[load->count++] = name;
}

static int by_sequence(const void *a, const void *b)
{
	const struct spool_name *one = a, *other = b;

	return (one->sequence > other->sequence) - (one->sequence < other->sequence);
}

MUST_USE static int add_targets(struct spooler *spooler)
{
	const struct config *config = spooler->config;

	for (size_t i = 0; i < config->destination_count; i++) {
		uint8_t tag[SPOOL_SHORT_TAG];
		struct target *target;

		if (names_tag(spooler, 0, "destination", config->destinations[i].name,
			      tag) != 0)
			return -1;
		target = index_target(&spooler->index, tag);
		if (!target)
			return -1;
		target->config = &config->destinations[i];
		names_add(spooler, &spooler->destinations, "destination",
			  config->destinations[i].name);
	}
	for (size_t i = 0; i < config->modality_count; i++)
		names_add(spooler, &spooler->modalities, "modality",
			  config->modalities[i].name);
	return 0;
}

/* Objects for a destination that is not configured any more. */
static void tell_orphans(struct spooler *spooler)
{
	const struct target *target;
	uint64_t count = 0;

	STAILQ_FOREACH(target, &spooler->index.targets, others)
	{
		if (!target->config)
			count += target->queued;
	}
	if (count > 0)
		spooler_alert(spooler, REASON_SPOOL_UNAVAILABLE,
			      "%llu objects in the spool are for a destination that the "
			      "configuration does not name any more, or whose names' key "
			      "is not in spool.key any more; they wait until it is",
			      (unsigned long long)count);
}

int loading_read(struct spooler *spooler)
{
	struct load load = { .spooler = spooler };
	int rc = -1;

	if (add_targets(spooler) != 0)
		load.is_short = true;
	else if (spool_folder_list(&spooler->folder, see_name, &load) != 0)
		log_error("the spool's folder can't be read: %s", strerror(errno));
	else
		rc = 0;
	if (load.count > 0)
		qsort(load.names, load.count, sizeof(*load.names), by_sequence);
	for (size_t i = 0; i < load.count; i++) {
		struct object *object = index_add(&spooler->index, &load.names[i]);

		load.is_short |= !object;
		if (!object)
			continue;
		object->born_ms =
			clock_ms() - (time(NULL) - (int64_t)object->name.stored) * 1000;
		object->is_committed = true;
		object->is_proven = object->name.state == SPOOL_QUEUED ||
				    object->name.state == SPOOL_DELIVERED;
	}
	free(load.names);
	if (load.is_short) {
		log_error("no memory for the spool's index");
		return -1;
	}
	spooler->strangers = load.foreign;
	if (load.foreign > 0)
		spooler_alert(spooler, REASON_SPOOL_CORRUPT,
			      "%u files in the spool's folder are none of its own, or "
			      "were renamed, or are of a key that isn't in spool.key; "
			      "they are left alone; one is %s",
			      load.foreign, load.first_foreign);
	tell_orphans(spooler);
	/* What a process has written, and nobody synced, is not to be delivered and then
	 * lost without a trace. */
	if (rc == 0 && spool_folder_sync_all(&spooler->folder) != 0)
		log_error("the spool's disk can't be synced: %s", strerror(errno));
	return rc;
}
