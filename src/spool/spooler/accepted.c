/* What destinations accept: of each destination a table of what couriers say, and one of
 * what each entry's associations say, which counts for that entry alone: a process that
 * talks to the network may have been taken over. Each is a file: lines "+ ABSTRACT
 * TRANSFER LEARNT" (or "-"; in microseconds since 1970, UTC), and a last one with their
 * HMAC. */
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/durable.h"
#include "cathgate/base/log.h"
#include "cathgate/base/memory_file.h"

#define PAIRS_MAX  1024 /* of a table */
#define FILE_MAX   (PAIRS_MAX * 160)
#define MAC_SIZE   (2 * SPOOL_LONG_TAG)
#define REFUSAL_US (3600 * (int64_t)1000000) /* so long a refusal holds */
#define SAVE_MS	   1000

static void path_of(const struct spooler *spooler, const struct accepted *accepted,
		    char *ret, size_t size)
{
	char target[2 * SPOOL_SHORT_TAG + 1], entry[2 * SPOOL_SHORT_TAG + 1] = "";

	digest_hex(accepted->target, SPOOL_SHORT_TAG, target);
	if (accepted->has_entry)
		digest_hex(accepted->entry, SPOOL_SHORT_TAG, entry);
	snprintf(ret, size, "%s/accepted.%s%s%s", spooler->config->spool.directory.path,
		 target, accepted->has_entry ? "-" : "", entry);
}

MUST_USE static int mac_of(const struct spooler *spooler, const struct accepted *accepted,
			   const char *text, size_t size, char ret[MAC_SIZE + 1])
{
	const void *texts[3] = { accepted->target, accepted->entry };
	size_t sizes[3] = { SPOOL_SHORT_TAG, SPOOL_SHORT_TAG };
	size_t count = accepted->has_entry ? 2 : 1;
	uint8_t mac[SPOOL_LONG_TAG];

	texts[count] = text;
	sizes[count] = size;
	if (spool_tag(&spooler->keys[0], "accepted", texts, sizes, count + 1, mac,
		      sizeof(mac)) != 0)
		return -1;
	digest_hex(mac, sizeof(mac), ret);
	return 0;
}

/* A destination may refuse for a while, as when it starts, what it takes at other times.
 * Nothing of a kind that is refused enters the spool, so no courier would ever ask again.
 * A refusal from the future is one from before the clock was set back. */
static bool holds(const struct accepted_pair *pair)
{
	int64_t age_us = clock_utc_us() - pair->learnt_us;

	return pair->is_accepted || (age_us >= 0 && age_us < REFUSAL_US);
}

static void write_all(const struct accepted *accepted, FILE *to)
{
	for (size_t i = 0; i < accepted->count; i++) {
		const struct accepted_pair *pair = &accepted->pairs[i];

		fprintf(to, "%c %s %s %" PRId64 "\n", pair->is_accepted ? '+' : '-',
			pair->abstract_syntax, pair->transfer_syntax, pair->learnt_us);
	}
}

static void save(const struct spooler *spooler, const struct accepted *accepted)
{
	static const struct durable_owner owner = { (uid_t)-1, (gid_t)-1, 0600 };
	char path[4096], mac[MAC_SIZE + 1];
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	path_of(spooler, accepted, path, sizeof(path));
	if (to) {
		write_all(accepted, to);
		fflush(to);
		if (mac_of(spooler, accepted, text, size, mac) == 0)
			fprintf(to, "%s\n", mac);
	}
	if (!to || fclose(to) != 0 ||
	    durable_put(path, DURABLE_REPLACE_UNSYNCED, text, size, &owner) != 0)
		log_error("%s can't be written: %s", path, strerror(errno));
	free(text);
}

static struct accepted_pair *find_pair(const struct accepted *accepted,
				       const char *abstract_syntax,
				       const char *transfer_syntax)
{
	for (size_t i = 0; i < accepted->count; i++)
		if (strcmp(accepted->pairs[i].abstract_syntax, abstract_syntax) == 0 &&
		    strcmp(accepted->pairs[i].transfer_syntax, transfer_syntax) == 0)
			return &accepted->pairs[i];
	return NULL;
}

/* Where the next pair goes: behind the others, or in the place of the oldest. NULL
 * without memory. */
static struct accepted_pair *make_room(struct accepted *accepted)
{
	struct accepted_pair *oldest = accepted->pairs, *more;

	if (accepted->count == PAIRS_MAX) {
		for (size_t i = 1; i < accepted->count; i++)
			if (accepted->pairs[i].learnt_us < oldest->learnt_us)
				oldest = &accepted->pairs[i];
		return oldest;
	}
	more = reallocarray(accepted->pairs, accepted->count + 1, sizeof(*more));
	if (!more)
		return NULL;
	accepted->pairs = more;
	return &more[accepted->count++];
}

/* What was said last outweighs what was said before. True when the file is to say so. */
static bool note(struct accepted *accepted, const struct accepted_pair *pair)
{
	struct accepted_pair *known =
		find_pair(accepted, pair->abstract_syntax, pair->transfer_syntax);
	bool is_news = !known || !known->is_accepted || !pair->is_accepted ||
		       accepted->has_entry;

	if (!known)
		known = make_room(accepted);
	if (known)
		*known = *pair;
	return known && is_news;
}

static void read_lines(struct accepted *accepted, char *text)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		struct accepted_pair pair = { .is_accepted = line[0] == '+' };

		if (sscanf(line + 1, " %64[0-9.] %64[0-9.] %" SCNd64,
			   pair.abstract_syntax, pair.transfer_syntax,
			   &pair.learnt_us) == 3)
			note(accepted, &pair);
	}
}

static void load(const struct spooler *spooler, struct accepted *accepted)
{
	char path[4096], mac[MAC_SIZE + 1];
	size_t size, body;
	char *text;

	path_of(spooler, accepted, path, sizeof(path));
	if (durable_read(path, FILE_MAX, &text, &size) != 0)
		return;
	body = size > MAC_SIZE ? size - MAC_SIZE - 1 : 0;
	if (body == 0 || mac_of(spooler, accepted, text, body, mac) != 0 ||
	    memcmp(mac, text + body, MAC_SIZE) != 0) {
		log_warning(
			"%s was changed, was cut, or belongs to another key: what the "
			"destination accepts is learnt anew",
			path);
	} else {
		text[body] = '\0';
		read_lines(accepted, text);
	}
	free(text);
}

/* The table, which is read when it is needed first; NULL without memory. */
static struct accepted *table_of(struct spooler *spooler, const uint8_t *target,
				 const uint8_t *entry)
{
	struct accepted *accepted;

	STAILQ_FOREACH(accepted, &spooler->accepted, others)
	{
		if (memcmp(accepted->target, target, SPOOL_SHORT_TAG) == 0 &&
		    accepted->has_entry == (entry != NULL) &&
		    (!entry || memcmp(accepted->entry, entry, SPOOL_SHORT_TAG) == 0))
			return accepted;
	}
	accepted = calloc(1, sizeof(*accepted));
	if (!accepted)
		return NULL;
	memcpy(accepted->target, target, sizeof(accepted->target));
	accepted->has_entry = entry != NULL;
	if (entry)
		memcpy(accepted->entry, entry, sizeof(accepted->entry));
	load(spooler, accepted);
	STAILQ_INSERT_TAIL(&spooler->accepted, accepted, others);
	return accepted;
}

static bool is_uid(const char *text)
{
	return text[0] && strspn(text, "0123456789.") == strlen(text);
}

void accepted_learn(struct spooler *spooler, const struct target *target,
		    const uint8_t *entry, const struct spool_asked *asked)
{
	struct accepted *accepted = table_of(spooler, target->tag, entry);
	struct accepted_pair pair = { .is_accepted = asked->accepted,
				      .learnt_us = clock_utc_us() };

	if (!accepted || !is_uid(asked->abstract_syntax) ||
	    !is_uid(asked->transfer_syntax))
		return;
	memcpy(pair.abstract_syntax, asked->abstract_syntax,
	       sizeof(pair.abstract_syntax));
	memcpy(pair.transfer_syntax, asked->transfer_syntax,
	       sizeof(pair.transfer_syntax));
	if (!note(accepted, &pair))
		return;
	accepted->is_unsaved = true;
	if (spooler->save_ms == 0)
		spooler->save_ms = clock_ms() + SAVE_MS;
}

static void save_all(struct spooler *spooler)
{
	struct accepted *accepted;

	STAILQ_FOREACH(accepted, &spooler->accepted, others)
	{
		if (accepted->is_unsaved)
			save(spooler, accepted);
		accepted->is_unsaved = false;
	}
	spooler->save_ms = 0;
}

int64_t accepted_maintain(struct spooler *spooler)
{
	if (spooler->save_ms != 0 && clock_ms() >= spooler->save_ms)
		save_all(spooler);
	return spooler->save_ms;
}

struct view {
	const struct accepted *couriers, *own; /* NULL: none */
};

/* Those pairs of which the other table doesn't know better. */
static void write_known(const struct accepted *accepted, const struct accepted *other,
			FILE *to)
{
	for (size_t i = 0; accepted && i < accepted->count; i++) {
		const struct accepted_pair *pair = &accepted->pairs[i];
		const struct accepted_pair *rival =
			other ? find_pair(other, pair->abstract_syntax,
					  pair->transfer_syntax)
			      : NULL;

		if (holds(pair) &&
		    (!rival || !holds(rival) || rival->learnt_us <= pair->learnt_us))
			fprintf(to, "%c %s %s\n", pair->is_accepted ? '+' : '-',
				pair->abstract_syntax, pair->transfer_syntax);
	}
}

static int write_view(const void *context, FILE *to)
{
	const struct view *view = context;

	write_known(view->couriers, view->own, to);
	write_known(view->own, view->couriers, to);
	return 0;
}

int accepted_file(struct spooler *spooler, const struct target *target,
		  const uint8_t *entry)
{
	const struct view view = { table_of(spooler, target->tag, NULL),
				   entry ? table_of(spooler, target->tag, entry) : NULL };

	return (view.couriers && view.couriers->count > 0) ||
			       (view.own && view.own->count > 0)
		       ? memory_file_make(write_view, &view)
		       : -1;
}

void accepted_clear(struct spooler *spooler)
{
	struct accepted *accepted;

	save_all(spooler);
	while ((accepted = STAILQ_FIRST(&spooler->accepted)) != NULL) {
		STAILQ_REMOVE_HEAD(&spooler->accepted, others);
		free(accepted->pairs);
		free(accepted);
	}
}
