/* What operators may know of an object: names in the place of its tags. */
#include "internal.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cathgate/base/clock.h"

static const char *find_name(const struct spooler *spooler, const char *purpose,
			     const uint8_t wanted[SPOOL_SHORT_TAG], const char *first,
			     size_t size, size_t count)
{
	uint8_t tag[SPOOL_SHORT_TAG];

	for (size_t i = 0; i < count; i++) {
		const char *name;

		memcpy(&name, first + i * size, sizeof(name));
		if (store_tag(spooler, 0, purpose, name, tag) == 0 &&
		    memcmp(tag, wanted, sizeof(tag)) == 0)
			return name;
	}
	return "";
}

void store_describe(const struct spooler *spooler, const struct object *object,
		    struct spool_item *ret)
{
	const struct config *config = spooler->config;
	const struct spool_name *name = &object->name;
	int64_t left_ms = object->again_ms - clock_ms();

	memset(ret, 0, sizeof(*ret)); /* it crosses to another process */
	ret->object = name->sequence;
	ret->bytes = name->data_size;
	ret->came = name->stored;
	ret->again = left_ms > 0 ? time(NULL) + left_ms / 1000 + 1 : 0;
	ret->state = name->state == SPOOL_NAMED ? SPOOL_QUEUED : name->state;
	ret->is_in_hand = object->is_in_hand;
	ret->is_committed = object->is_committed;
	ret->losses = object->losses;
	ret->delays = object->delays;
	snprintf(ret->destination, sizeof(ret->destination), "%s",
		 find_name(spooler, "destination", name->destination,
			   (const char *)config->destinations +
				   offsetof(struct config_destination, name),
			   sizeof(*config->destinations), config->destination_count));
	snprintf(ret->modality, sizeof(ret->modality), "%s",
		 find_name(spooler, "modality", name->modality,
			   (const char *)config->modalities +
				   offsetof(struct config_modality, name),
			   sizeof(*config->modalities), config->modality_count));
}

bool store_is_of(const struct spooler *spooler, const struct object *object,
		 const char *modality, const char *study, const char *sop_instance)
{
	const struct spool_names_key *key = &spooler->keys[0];
	const struct target *target;
	const void *texts[] = { NULL, modality, sop_instance };
	size_t sizes[] = { 0, strlen(modality), strlen(sop_instance) };
	const void *studies[] = { modality, study };
	const size_t study_sizes[] = { sizes[1], strlen(study) };
	uint8_t tag[SPOOL_SHORT_TAG];

	if (study[0] &&
	    (spool_tag(key, "study", studies, study_sizes, 2, tag, sizeof(tag)) != 0 ||
	     memcmp(tag, object->name.study, sizeof(tag)) != 0))
		return false;
	if (!sop_instance[0])
		return true;
	STAILQ_FOREACH(target, &spooler->index.targets, others)
	{
		if (!target->config ||
		    memcmp(target->tag, object->name.destination, sizeof(tag)) != 0)
			continue;
		texts[0] = target->config->name;
		sizes[0] = strlen(target->config->name);
		return spool_tag(key, "instance", texts, sizes, 3, tag, sizeof(tag)) ==
			       0 &&
		       memcmp(tag, object->name.instance, sizeof(tag)) == 0;
	}
	return false;
}
