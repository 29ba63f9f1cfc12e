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

int store_text_of(const struct spooler *spooler, const struct spool_name *name,
		  char ret[SPOOL_NAME_SIZE])
{
	if (spool_name_write(name, &spooler->keys[0], ret) == 0)
		return 0;
	errno = EIO; /* OpenSSL refuses, which it never does */
	return -1;
}

int store_note_misnamed(struct spooler *spooler, const char *text,
			const struct spool_name *name)
{
	struct misnamed *more = reallocarray(spooler->misnamed,
					     spooler->misnamed_count + 1, sizeof(*more));

	if (!more)
		return -1;
	spooler->misnamed = more;
	more += spooler->misnamed_count++;
	more->sequence = name->sequence;
	snprintf(more->text, sizeof(more->text), "%s", text);
	return 0;
}

static struct misnamed *find_misnamed(const struct spooler *spooler,
				      const struct object *object)
{
	for (size_t i = 0; i < spooler->misnamed_count; i++)
		if (spooler->misnamed[i].sequence == object->name.sequence)
			return &spooler->misnamed[i];
	return NULL;
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

/* The object's file. */
MUST_USE static int file_of(const struct spooler *spooler, const struct object *object,
			    char ret[SPOOL_NAME_SIZE])
{
	const struct misnamed *misnamed = find_misnamed(spooler, object);

	if (!misnamed)
		return store_text_of(spooler, &object->name, ret);
	memcpy(ret, misnamed->text, SPOOL_NAME_SIZE);
	return 0;
}

/* The file has the name that it should have, or is gone. */
static void name_is_right(struct spooler *spooler, const struct object *object)
{
	struct misnamed *misnamed = find_misnamed(spooler, object);

	if (misnamed)
		*misnamed = spooler->misnamed[--spooler->misnamed_count];
}

void store_clear(struct spooler *spooler)
{
	index_clear(&spooler->index);
	free(spooler->misnamed);
	spooler->misnamed = NULL;
	spooler->misnamed_count = 0;
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

	if (store_text_of(spooler, name, text) != 0 ||
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

/* What the index has of an object with these bytes, or with its SOP instance, may be
 * there by an earlier key. Where another edition is, the name gets its tag, since it is
 * to wait behind that one. 0 or -1. */
MUST_USE static int look_up(const struct spooler *spooler, const struct writer *writer,
			    const struct spool_asked *asked, struct spool_name *ret_name,
			    struct object **ret_same, bool *ret_conflicts)
{
	*ret_same = NULL;
	*ret_conflicts = false;
	for (size_t key = 0; key < spooler->key_count; key++) {
		struct spool_name name;

		if (name_object(spooler, &spooler->keys[key], writer, asked, &name) != 0)
			return -1;
		if (key == 0)
			*ret_name = name;
		if (!*ret_same)
			*ret_same = index_same(&spooler->index, name.content);
		if (!*ret_conflicts &&
		    index_conflicts(&spooler->index, name.instance, name.content)) {
			*ret_conflicts = true;
			memcpy(ret_name->instance, name.instance, sizeof(name.instance));
		}
	}
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

	if (look_up(spooler, writer, asked, &name, &same, &conflicts) != 0) {
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

	if (file_of(spooler, object, text) != 0 ||
	    spool_folder_remove(&spooler->folder, text) != 0)
		log_error("the spool's object %016llx can't be removed: %s",
			  (unsigned long long)object->name.sequence, strerror(errno));
	name_is_right(spooler, object);
	index_remove(&spooler->index, object);
}

/*
 * Objects that change, and go.
 */

/* Once, however many they are, until all have their names. */
static void tell_of_names(struct spooler *spooler, const struct object *object, int error)
{
	if (!spooler->is_owing_told)
		spooler_alert(spooler, REASON_SPOOL_UNAVAILABLE,
			      "the spool's object %016llx can't be renamed: %s; what was "
			      "delivered since may be sent again after a restart",
			      (unsigned long long)object->name.sequence, strerror(error));
	spooler->is_owing_told = true;
}

void store_move(struct spooler *spooler, struct object *object, enum spool_state state)
{
	struct spool_name now = object->name;
	char from[SPOOL_NAME_SIZE], to[SPOOL_NAME_SIZE];

	/* From here on it is remembered, or, by an operator's word, waits anew. */
	bool begins_anew = state == SPOOL_DELIVERED || state == SPOOL_NAMED ||
			   (state == SPOOL_QUEUED && object->name.state != SPOOL_NAMED);

	now.state = state;
	if (begins_anew)
		now.stored = (uint32_t)time(NULL);
	if (file_of(spooler, object, from) != 0 ||
	    store_text_of(spooler, &now, to) != 0 ||
	    spool_folder_rename(&spooler->folder, from, to) != 0) {
		/* It is forgotten in a turn of its own: whoever called still has it. */
		object->is_gone = errno == ENOENT;
		object->is_in_hand = false;
		if (!object->is_gone && state == object->name.state)
			return; /* its age alone stays what it was */
		if (!object->is_gone)
			tell_of_names(spooler, object, errno);
		object->is_owed = true;
		object->owed = state;
		spooler->owes = true;
		return;
	}
	name_is_right(spooler, object);
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
	    store_text_of(spooler, &object->name, text) == 0 &&
	    spool_folder_empty(&spooler->folder, text) != 0)
		log_error("the spool's object %016llx can't be emptied: %s",
			  (unsigned long long)object->name.sequence, strerror(errno));
}

int store_read(const struct spooler *spooler, const struct object *object)
{
	char text[SPOOL_NAME_SIZE];

	return file_of(spooler, object, text) == 0
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
	name_is_right(spooler, object);
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
	if (!spooler->owes && spooler->is_owing_told) {
		log_info("the spool's objects can be renamed again");
		spooler->is_owing_told = false;
	}
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
