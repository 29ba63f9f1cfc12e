/* What destinations accept, in a file each: lines "+ ABSTRACT TRANSFER" (or "-", and '!'
 * behind it where it was asked for alone), and a last one with their HMAC. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/durable.h"
#include "cathgate/base/log.h"
#include "cathgate/base/memory_file.h"

#define PAIRS_MAX 4096
#define FILE_MAX  (PAIRS_MAX * 160)
#define MAC_SIZE  (2 * SPOOL_LONG_TAG)

static struct accepted *find(const struct spooler *spooler, const uint8_t *target)
{
	struct accepted *accepted;

	STAILQ_FOREACH(accepted, &spooler->accepted, others)
	{
		if (memcmp(accepted->target, target, SPOOL_SHORT_TAG) == 0)
			return accepted;
	}
	return NULL;
}

static void path_of(const struct spooler *spooler, const uint8_t *target, char *ret,
		    size_t size)
{
	char hex[2 * SPOOL_SHORT_TAG + 1];

	digest_hex(target, SPOOL_SHORT_TAG, hex);
	snprintf(ret, size, "%s/accepted.%s", spooler->config->spool.directory.path, hex);
}

MUST_USE static int mac_of(const struct spooler *spooler, const uint8_t *target,
			   const char *text, size_t size, char ret[MAC_SIZE + 1])
{
	const void *texts[] = { target, text };
	const size_t sizes[] = { SPOOL_SHORT_TAG, size };
	uint8_t mac[SPOOL_LONG_TAG];

	if (spool_tag(&spooler->keys[0], "accepted", texts, sizes, 2, mac, sizeof(mac)) !=
	    0)
		return -1;
	digest_hex(mac, sizeof(mac), ret);
	return 0;
}

static void write_pairs(const struct accepted *accepted, FILE *to, bool is_for_file)
{
	for (size_t i = 0; i < accepted->count; i++) {
		const struct accepted_pair *pair = &accepted->pairs[i];

		fprintf(to, "%c%s %s %s\n", pair->is_accepted ? '+' : '-',
			is_for_file && pair->is_certain ? "!" : "", pair->abstract_syntax,
			pair->transfer_syntax);
	}
}

static void save(const struct spooler *spooler, const struct accepted *accepted)
{
	static const struct durable_owner owner = { (uid_t)-1, (gid_t)-1, 0600 };
	char path[4096], mac[MAC_SIZE + 1];
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	path_of(spooler, accepted->target, path, sizeof(path));
	if (to) {
		write_pairs(accepted, to, true);
		fflush(to);
		if (mac_of(spooler, accepted->target, text, size, mac) == 0)
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

/* True when that is news. */
static bool note(struct accepted *accepted, const struct accepted_pair *pair)
{
	struct accepted_pair *known =
		find_pair(accepted, pair->abstract_syntax, pair->transfer_syntax);

	if (known) {
		bool is_news = known->is_accepted != pair->is_accepted ||
			       known->is_certain < pair->is_certain;

		/* What an association says does not outweigh what a courier found. */
		if (!is_news || (known->is_certain && !pair->is_certain))
			return false;
		*known = *pair;
		return true;
	}
	known = accepted->count < PAIRS_MAX
			? reallocarray(accepted->pairs, accepted->count + 1,
				       sizeof(*known))
			: NULL;
	if (!known)
		return false;
	accepted->pairs = known;
	accepted->pairs[accepted->count++] = *pair;
	return true;
}

static struct accepted *find_or_make(struct spooler *spooler, const uint8_t *target)
{
	struct accepted *accepted = find(spooler, target);

	if (accepted)
		return accepted;
	accepted = calloc(1, sizeof(*accepted));
	if (!accepted)
		return NULL;
	memcpy(accepted->target, target, sizeof(accepted->target));
	STAILQ_INSERT_TAIL(&spooler->accepted, accepted, others);
	return accepted;
}

static bool is_uid(const char *text)
{
	return text[0] && strspn(text, "0123456789.") == strlen(text);
}

void accepted_learn(struct spooler *spooler, const struct target *target,
		    const struct spool_asked *asked, bool is_certain)
{
	struct accepted *accepted = find_or_make(spooler, target->tag);
	struct accepted_pair pair = { .is_accepted = asked->accepted,
				      .is_certain = is_certain };

	if (!accepted || !is_uid(asked->abstract_syntax) ||
	    !is_uid(asked->transfer_syntax))
		return;
	memcpy(pair.abstract_syntax, asked->abstract_syntax,
	       sizeof(pair.abstract_syntax));
	memcpy(pair.transfer_syntax, asked->transfer_syntax,
	       sizeof(pair.transfer_syntax));
	if (note(accepted, &pair))
		save(spooler, accepted);
}

static void read_lines(struct accepted *accepted, char *text)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		struct accepted_pair pair = { .is_accepted = line[0] == '+',
					      .is_certain = line[1] == '!' };

		if (sscanf(line + 1 + pair.is_certain, " %64[0-9.] %64[0-9.]",
			   pair.abstract_syntax, pair.transfer_syntax) == 2)
			note(accepted, &pair);
	}
}

static void load_one(struct spooler *spooler, const struct target *target)
{
	char path[4096], mac[MAC_SIZE + 1];
	struct accepted *accepted;
	size_t size, body;
	char *text;

	path_of(spooler, target->tag, path, sizeof(path));
	if (durable_read(path, FILE_MAX, &text, &size) != 0)
		return;
	body = size > MAC_SIZE ? size - MAC_SIZE - 1 : 0;
	if (body == 0 || mac_of(spooler, target->tag, text, body, mac) != 0 ||
	    memcmp(mac, text + body, MAC_SIZE) != 0) {
		log_warning("%s was changed, was not written to its end, or belongs "
			    "to another key: what the destination accepts is learnt anew",
			    path);
	} else {
		text[body] = '\0';
		accepted = find_or_make(spooler, target->tag);
		if (accepted)
			read_lines(accepted, text);
	}
	free(text);
}

void accepted_load(struct spooler *spooler)
{
	const struct target *target;

	STAILQ_FOREACH(target, &spooler->index.targets, others)
	{
		if (target->config)
			load_one(spooler, target);
	}
}

static int write_known(const void *context, FILE *to)
{
	write_pairs(context, to, false);
	return 0;
}

int accepted_file(const struct spooler *spooler, const struct target *target)
{
	const struct accepted *accepted = find(spooler, target->tag);

	return accepted && accepted->count > 0 ? memory_file_make(write_known, accepted)
					       : -1;
}

void accepted_clear(struct spooler *spooler)
{
	struct accepted *accepted;

	while ((accepted = STAILQ_FIRST(&spooler->accepted)) != NULL) {
		STAILQ_REMOVE_HEAD(&spooler->accepted, others);
		free(accepted->pairs);
		free(accepted);
	}
}
