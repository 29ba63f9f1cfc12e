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

/* The names under an earlier key have tags by that key: destination and modality get
 * those of today, and the file today's name. */
static void renew_name(struct spooler *spooler, size_t key, const char *text,
		       struct spool_name *name)
{
	const struct config *config = spooler->config;
	struct spool_name now = *name;
	uint8_t tag[SPOOL_SHORT_TAG];
	char fresh[SPOOL_NAME_SIZE];

	for (size_t i = 0; i < config->destination_count; i++)
		if (names_tag(spooler, key, "destination", config->destinations[i].name,
			      tag) == 0 &&
		    memcmp(tag, name->destination, sizeof(tag)) == 0)
			(void)!names_tag(spooler, 0, "destination",
					 config->destinations[i].name, now.destination);
	for (size_t i = 0; i < config->modality_count; i++)
		if (names_tag(spooler, key, "modality", config->modalities[i].name,
			      tag) == 0 &&
		    memcmp(tag, name->modality, sizeof(tag)) == 0)
			(void)!names_tag(spooler, 0, "modality",
					 config->modalities[i].name, now.modality);
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
	if (key > 0)
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
			      "configuration does not name any more; they wait until it "
			      "does",
			      (unsigned long long)count);
}

static int64_t wall_age(const struct object *object)
{
	return time(NULL) - (int64_t)object->name.stored;
}

int64_t store_age_seconds(const struct object *object)
{
	int64_t age = (clock_ms() - object->born_ms) / 1000, by_wall = wall_age(object);

	return by_wall < age ? by_wall : age;
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
		if (!object)
			continue;
		object->born_ms = clock_ms() - wall_age(object) * 1000;
		object->is_committed = true;
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
			      "were renamed; they are left alone; one is %s",
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

MUST_USE static int name_object(const struct spooler *spooler,
				const struct writer *writer,
				const struct spool_asked *asked, struct spool_name *ret)
{
	const struct spool_names_key *key = &spooler->keys[0];
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
	if (*ret) {
		(*ret)->born_ms = clock_ms();
		return SPOOL_TAKEN;
	}
	error = ENOMEM;
	(void)!spool_folder_remove(&spooler->folder, text);
	errno = error;
	return SPOOL_CANNOT;
}

enum spool_verdict store_add(struct spooler *spooler, const struct writer *writer,
			     const struct spool_asked *asked, struct object **ret)
{
	const struct config_spool *config = &spooler->config->spool;
	enum spool_verdict verdict = SPOOL_TAKEN, linked;
	struct object *same;
	struct spool_name name;
	bool conflicts;

	if (name_object(spooler, writer, asked, &name) != 0) {
		errno = EIO;
		return SPOOL_CANNOT;
	}
	conflicts = index_conflicts(&spooler->index, name.instance, name.content);
	same = index_same(&spooler->index, name.content);
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

	/* From here on it is remembered, or waits anew. */
	bool begins_anew = state == SPOOL_DELIVERED ||
			   (state == SPOOL_QUEUED && (object->name.state == SPOOL_HELD ||
						      object->name.state == SPOOL_DEAD));

	now.state = state;
	if (begins_anew)
		now.stored = (uint32_t)time(NULL);
	if (text_of(spooler, &object->name, from) != 0 ||
	    text_of(spooler, &now, to) != 0 ||
	    spool_folder_rename(&spooler->folder, from, to) != 0) {
		/* It is forgotten in a turn of its own: whoever called still has it. */
		object->is_gone = errno == ENOENT;
		if (!object->is_gone)
			log_error("the spool's object %016llx can't be renamed: %s",
				  (unsigned long long)object->name.sequence,
				  strerror(errno));
		object->is_in_hand = false;
		object->is_owed = true;
		object->owed = state;
		spooler->owes = true;
		return;
	}
	if (begins_anew)
		object->born_ms = clock_ms();
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

struct expiry {
	struct spooler *spooler;
	uint64_t first;
};

static bool expire_one(void *context, struct object *object)
{
	const struct expiry *expiry = context;
	int64_t hours = expiry->spooler->config->spool.duplicate_hours;

	if (object->name.state == SPOOL_DELIVERED &&
	    (object->name.sequence < expiry->first ||
	     store_age_seconds(object) > hours * 3600))
		store_abandon(expiry->spooler, object);
	return true;
}

static void expire_all(struct spooler *spooler)
{
	struct expiry expiry = { spooler,
				 tombstones_first(&spooler->index, TOMBSTONES_MAX) };

	if (expiry.first != 0)
		log_warning("more than %d objects were delivered within "
			    "spool.duplicate_hours: the oldest are not remembered",
			    TOMBSTONES_MAX);
	index_each(&spooler->index, expire_one, &expiry);
}

static bool pay_one(void *context, struct object *object)
{
	struct spooler *spooler = context;

	if (!object->is_owed)
		return true;
	object->is_owed = false;
	if (object->is_gone)
		store_forget(spooler, object);
	else if (object->owed == SPOOL_DELIVERED)
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
	expire_all(spooler);
}
