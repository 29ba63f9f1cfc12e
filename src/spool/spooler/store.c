#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

#define EXPIRE_EVERY_MS 60000
#define PAY_EVERY_MS	1000

/* Equal names are equal texts, so none is kept in memory. */
MUST_USE static int text_of(const struct spooler *spooler, const struct spool_name *name,
			    char ret[SPOOL_NAME_SIZE])
{
	if (spool_name_write(name, &spooler->keys[0], ret) == 0)
		return 0;
	errno = EIO; /* OpenSSL refuses, which it never does */
	return -1;
}

/*
 * Reading the folder.
 */

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

/* Names and tags may be of an earlier key: the file gets the name of today. */
static void renew_name(struct spooler *spooler, size_t key, const char *text,
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
		return;
	if (text_of(spooler, &now, fresh) == 0 &&
	    spool_folder_rename(&spooler->folder, text, fresh) == 0)
		*name = now;
	else
		log_error("the spool's %.16s: %s", text, strerror(errno));
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
	if (spooler->key_count > 1)
		renew_name(spooler, key, text, &name);
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

int store_load(struct spooler *spooler)
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
		if (object)
			object->is_committed = true;
		if (object)
			object->is_proven = object->name.state == SPOOL_QUEUED ||
					    object->name.state == SPOOL_DELIVERED;
	}
	free(load.names);
	if (load.is_short) {
		log_error("no memory for the spool's index");
		return -1;
	}
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

/*
 * Objects that come.
 */

void store_tell_all(struct spooler *spooler)
{
	struct target *target;

	STAILQ_FOREACH(target, &spooler->index.targets, others)
	{
		target->has_changed = true;
	}
}

bool store_is_full(struct spooler *spooler)
{
	const struct config_spool *config = &spooler->config->spool;
	bool is_full =
		spooler->index.all_bytes >= (uint64_t)config->max_bytes ||
		spool_folder_room(&spooler->folder) < (uint64_t)config->min_free_bytes;

	if (is_full && !spooler->was_full)
		spooler_alert(spooler, REASON_SPOOL_FULL,
			      "the spool takes no more objects: %s",
			      spooler->index.all_bytes >= (uint64_t)config->max_bytes
				      ? "it holds spool.max_bytes"
				      : "less than spool.min_free_bytes is free on its "
					"disk");
	else if (!is_full && spooler->was_full)
		log_info("the spool takes objects again");
	if (is_full != spooler->was_full)
		store_tell_all(spooler);
	spooler->was_full = is_full;
	return is_full;
}

MUST_USE static int name_object(const struct spooler *spooler,
				const struct spool_names_key *key,
				const struct writer *writer,
				const struct spool_asked *asked, struct spool_name *ret)
{
	const void *texts[] = { writer->destination, writer->modality,
				asked->sop_instance, asked->sha256 };
	const size_t sizes[] = { strlen(writer->destination), strlen(writer->modality),
				 strlen(asked->sop_instance), sizeof(asked->sha256) };
	const void *study[] = { writer->modality, asked->study };
	const size_t study_sizes[] = { sizes[1], strlen(asked->study) };

	*ret = (struct spool_name){ .sequence = index_next_sequence(&spooler->index),
				    .data_size = asked->data_size,
				    .stored = (uint32_t)time(NULL) };
	memcpy(ret->destination, writer->target->tag, sizeof(ret->destination));
	memcpy(ret->modality, writer->modality_tag, sizeof(ret->modality));
	memcpy(ret->header, asked->header, sizeof(ret->header));
	return spool_tag(key, "study", study, study_sizes, 2, ret->study,
			 sizeof(ret->study)) == 0 &&
			       spool_tag(key, "instance", texts, sizes, 3, ret->instance,
					 sizeof(ret->instance)) == 0 &&
			       spool_tag(key, "content", texts, sizes, 4, ret->content,
					 sizeof(ret->content)) == 0
		       ? 0
		       : -1;
}

MUST_USE static enum spool_verdict link_object(struct spooler *spooler, int file,
					       const struct spool_name *name,
					       struct object **ret)
{
	char text[SPOOL_NAME_SIZE];
	int error;

	if (text_of(spooler, name, text) != 0 ||
	    spool_folder_link(&spooler->folder, file, text) != 0)
		return SPOOL_CANNOT;
	*ret = index_add(&spooler->index, name);
	if (*ret)
		return SPOOL_TAKEN;
	error = ENOMEM;
	(void)!spool_folder_remove(&spooler->folder, text);
	errno = error;
	return SPOOL_CANNOT;
}

/* What the index has of an object with these bytes, or with its SOP instance, may be
 * there by an earlier key. 0 or -1. */
MUST_USE static int look_up(const struct spooler *spooler, const struct writer *writer,
			    const struct spool_asked *asked, struct object **ret_same,
			    bool *ret_conflicts)
{
	struct object *same = NULL;
	bool conflicts = false;

	for (size_t key = 0; key < spooler->key_count; key++) {
		struct spool_name name;

		if (name_object(spooler, &spooler->keys[key], writer, asked, &name) != 0)
			return -1;
		conflicts |=
			index_conflicts(&spooler->index, name.instance, name.content);
		if (!same)
			same = index_same(&spooler->index, name.content);
	}
	*ret_same = same;
	*ret_conflicts = conflicts;
	return 0;
}

enum spool_verdict store_add(struct spooler *spooler, const struct writer *writer,
			     const struct spool_asked *asked, struct object **ret)
{
	const struct config_spool *config = &spooler->config->spool;
	enum spool_verdict verdict = SPOOL_TAKEN, linked;
	struct object *same;
	struct spool_name name;
	bool conflicts;

	if (look_up(spooler, writer, asked, &same, &conflicts) != 0 ||
	    name_object(spooler, &spooler->keys[0], writer, asked, &name) != 0) {
		errno = EIO;
		return SPOOL_CANNOT;
	}
	if (same && config->resend == CONFIG_RESEND_ONCE) {
		*ret = same;
		return same->name.state == SPOOL_HELD && conflicts &&
				       config->on_conflict == CONFIG_CONFLICT_QUARANTINE
			       ? SPOOL_QUARANTINED
			       : SPOOL_KNOWN;
	}
	name.state = SPOOL_NAMED;
	if (conflicts) {
		verdict = config->on_conflict == CONFIG_CONFLICT_FORWARD
				  ? SPOOL_CONFLICTS
				  : SPOOL_QUARANTINED;
		if (verdict == SPOOL_QUARANTINED)
			name.state = SPOOL_HELD;
		spooler_alert(spooler, REASON_SPOOL_CONFLICT,
			      "%s has sent SOP instance %s again with other bytes: "
			      "object %016llx %s",
			      writer->modality, asked->sop_instance,
			      (unsigned long long)name.sequence,
			      verdict == SPOOL_CONFLICTS
				      ? "is delivered behind the first"
				      : "is held until an operator decides");
	}
	linked = link_object(spooler, writer->file, &name, ret);
	return linked == SPOOL_TAKEN ? verdict : linked;
}

void store_commit(struct spooler *spooler, struct object *object)
{
	object->is_committed = object->is_proven = true;
	if (object->name.state == SPOOL_NAMED)
		store_move(spooler, object, SPOOL_QUEUED);
}

void store_abandon(struct spooler *spooler, struct object *object)
{
	char text[SPOOL_NAME_SIZE];

	if (text_of(spooler, &object->name, text) != 0 ||
	    spool_folder_remove(&spooler->folder, text) != 0)
		log_error("the spool's object %016llx can't be removed: %s",
			  (unsigned long long)object->name.sequence, strerror(errno));
	index_remove(&spooler->index, object);
}

/*
 * Objects that change, and go.
 */

void store_move(struct spooler *spooler, struct object *object, enum spool_state state)
{
	struct spool_name now = object->name;
	char from[SPOOL_NAME_SIZE], to[SPOOL_NAME_SIZE];

	now.state = state;
	if (state == SPOOL_DELIVERED) /* it is remembered from here on */
		now.stored = (uint32_t)time(NULL);
	if (text_of(spooler, &object->name, from) != 0 ||
	    text_of(spooler, &now, to) != 0 ||
	    spool_folder_rename(&spooler->folder, from, to) != 0) {
		log_error("the spool's object %016llx can't be renamed: %s",
			  (unsigned long long)object->name.sequence, strerror(errno));
		object->is_in_hand = false;
		object->is_owed = true;
		object->owed = state;
		spooler->owes = true;
		return;
	}
	if (index_move(&spooler->index, object, &now) != 0)
		log_error("no memory for the spool's object %016llx: it waits for the "
			  "next start",
			  (unsigned long long)object->name.sequence);
}

/* First another name, then no content: an empty file that is queued would look torn. */
void store_done(struct spooler *spooler, struct object *object)
{
	char text[SPOOL_NAME_SIZE];

	if (spooler->config->spool.duplicate_hours == 0) {
		store_abandon(spooler, object);
		return;
	}
	store_move(spooler, object, SPOOL_DELIVERED);
	if (object->name.state == SPOOL_DELIVERED &&
	    text_of(spooler, &object->name, text) == 0 &&
	    spool_folder_empty(&spooler->folder, text) != 0)
		log_error("the spool's object %016llx can't be emptied: %s",
			  (unsigned long long)object->name.sequence, strerror(errno));
}

int store_read(const struct spooler *spooler, const struct object *object)
{
	char text[SPOOL_NAME_SIZE];

	return text_of(spooler, &object->name, text) == 0
		       ? spool_folder_read(&spooler->folder, text)
		       : -1;
}

void store_forget(struct spooler *spooler, struct object *object)
{
	spooler_alert(
		spooler, REASON_SPOOL_CORRUPT,
		"the file of the spool's object %016llx is gone; the audit log says "
		"which object that was",
		(unsigned long long)object->name.sequence);
	index_remove(&spooler->index, object);
}

static bool expire_one(void *context, struct object *object)
{
	struct spooler *spooler = context;
	int64_t hours = spooler->config->spool.duplicate_hours;

	if (object->name.state == SPOOL_DELIVERED &&
	    (int64_t)object->name.stored + hours * 3600 < time(NULL))
		store_abandon(spooler, object);
	return true;
}

static bool pay_one(void *context, struct object *object)
{
	struct spooler *spooler = context;

	if (!object->is_owed)
		return true;
	object->is_owed = false;
	if (object->owed == SPOOL_DELIVERED)
		store_done(spooler, object);
	else
		store_move(spooler, object, object->owed);
	return true;
}

/* What was delivered isn't sent again because a disk refused another name. */
static void pay(struct spooler *spooler)
{
	if (!spooler->owes || clock_ms() < spooler->pay_ms)
		return;
	spooler->owes = false;
	spooler->pay_ms = clock_ms() + PAY_EVERY_MS;
	index_each(&spooler->index, pay_one, spooler);
}

int64_t store_wait_ms(const struct spooler *spooler)
{
	return spooler->owes ? spooler->pay_ms : 0;
}

void store_expire(struct spooler *spooler)
{
	pay(spooler);
	if (clock_ms() < spooler->expire_ms)
		return;
	spooler->expire_ms = clock_ms() + EXPIRE_EVERY_MS;
	index_each(&spooler->index, expire_one, spooler);
}
