#include "repeats.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int repeats_open(struct repeats *repeats, repeats_tell *tell, void *context)
{
	*repeats = (struct repeats){ .rows = calloc(REPEATS_ROWS, sizeof(*repeats->rows)),
				     .tell = tell,
				     .context = context };
	return repeats->rows ? 0 : -1;
}

void repeats_close(struct repeats *repeats)
{
	free(repeats->rows);
	repeats->rows = NULL;
}

/* "192.0.2.1" of "192.0.2.1:104", "2001:db8::/64" of "[2001:db8::1]:104". */
static void address_without_port(const char *peer, char ret[64])
{
	const char *end = strrchr(peer, ':');
	size_t length = end ? (size_t)(end - peer) : strlen(peer);
	struct in6_addr v6;

	if (length >= 64)
		length = 63;
	memcpy(ret, peer, length);
	ret[length] = '\0';
	if (peer[0] != '[' || length < 2)
		return;
	memmove(ret, ret + 1, length - 2);
	ret[length - 2] = '\0';
	if (inet_pton(AF_INET6, ret, &v6) != 1)
		return;
	memset(v6.s6_addr + 8, 0, 8);
	if (inet_ntop(AF_INET6, &v6, ret, 60))
		strcat(ret, "/64");
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	} while (*text++);
	return hash;
}

/* FNV-1a. It only speeds the search up: is_kind compares. */
static uint64_t hash_of_kind(const struct audit_record *kind, const char *address)
{
	uint64_t hash = 0xcbf29ce484222325 ^ ((uint64_t)kind->reason + 1);

	hash = hash_text(hash, kind->certificate);
	hash = hash_text(hash, kind->shown_certificate);
	hash = hash_text(hash, kind->calling_ae);
	hash = hash_text(hash, kind->sop_class);
	hash = hash_text(hash, kind->study);
	hash = hash_text(hash, kind->detail);
	hash = hash_text(hash, address);
	return hash ? hash : 1;
}

/* What refusals must have in common to be of one kind. */
static bool is_kind(const struct audit_record *a, const struct audit_record *b)
{
	return a->event == b->event && a->reason == b->reason &&
	       a->outcome == b->outcome && strcmp(a->certificate, b->certificate) == 0 &&
	       strcmp(a->subject, b->subject) == 0 &&
	       strcmp(a->shown_certificate, b->shown_certificate) == 0 &&
	       strcmp(a->shown_subject, b->shown_subject) == 0 &&
	       strcmp(a->calling_ae, b->calling_ae) == 0 &&
	       strcmp(a->called_ae, b->called_ae) == 0 &&
	       strcmp(a->modality, b->modality) == 0 &&
	       strcmp(a->destination, b->destination) == 0 &&
	       strcmp(a->sop_class, b->sop_class) == 0 &&
	       strcmp(a->study, b->study) == 0 && strcmp(a->detail, b->detail) == 0;
}

/* Without what is one instance's own: a summary stands for many. */
static struct audit_record kind_of(const struct audit_record *refusal)
{
	struct audit_record kind = *refusal;

	kind.sop_instance[0] = kind.patient_id[0] = '\0';
	kind.transfer_syntax[0] = kind.sha256[0] = '\0';
	kind.bytes = kind.wait_ms = kind.total_ms = -1;
	return kind;
}

/* Without what a peer can make anew each time. */
static struct audit_record kind_of_others(const struct audit_record *kind)
{
	struct audit_record others = *kind;

	if (kind->event == AUDIT_INSTANCE)
		others.sop_class[0] = others.study[0] = others.detail[0] = '\0';
	/* The detail names what was shown. */
	if (kind->shown_certificate[0])
		others.shown_certificate[0] = others.shown_subject[0] = others.detail[0] =
			'\0';
	return others;
}

static struct repeats_row *find_row(const struct repeats *repeats,
				    const struct audit_record *kind, const char *address,
				    enum repeats_scope scope)
{
	uint64_t hash = hash_of_kind(kind, address);

	for (size_t i = 0; i < REPEATS_ROWS; i++) {
		struct repeats_row *row = &repeats->rows[i];

		if (row->hash == hash && row->scope == scope &&
		    strcmp(row->address, address) == 0 && is_kind(&row->kind, kind))
			return row;
	}
	return NULL;
}

static const char *whose(const struct repeats_row *row)
{
	static const char *const of_instances[] = {
		[REPEATS_OF_KIND] = "this modality",
		[REPEATS_OF_OTHERS] = "this modality, of other kinds",
		[REPEATS_OF_ALL] = "this modality, of any kind",
	};
	static const char *const of_associations[] = {
		[REPEATS_OF_OTHERS] = "other addresses",
		[REPEATS_OF_ALL] = "any address",
	};

	if (row->kind.event == AUDIT_INSTANCE)
		return of_instances[row->scope];
	/* kind_of_others leaves no detail where certificates were shown. */
	if (row->scope == REPEATS_OF_OTHERS && !row->kind.detail[0])
		return "other addresses, or with other certificates";
	return row->scope == REPEATS_OF_KIND ? row->address : of_associations[row->scope];
}

static void tell_sum(struct repeats *repeats, struct repeats_row *row)
{
	struct audit_record summary = row->kind;

	if (row->counted == 0)
		return;
	snprintf(summary.detail, sizeof(summary.detail),
		 "%" PRIu64 " more from %s: %.150s", row->counted, whose(row),
		 row->kind.detail[0] ? row->kind.detail : reason_name(row->kind.reason));
	memcpy(summary.study, row->study, sizeof(summary.study));
	row->counted = 0;
	repeats->tell(repeats->context, row->peer, &summary);
}

/* A free row, or the one whose minute began first. */
static struct repeats_row *take_row(struct repeats *repeats, int64_t now_ms,
				    const struct audit_record *kind, const char *address,
				    enum repeats_scope scope)
{
	struct repeats_row *oldest = &repeats->rows[0];

	for (size_t i = 0; i < REPEATS_ROWS && oldest->hash != 0; i++)
		if (repeats->rows[i].hash == 0 ||
		    repeats->rows[i].since_ms < oldest->since_ms)
			oldest = &repeats->rows[i];
	if (oldest->hash != 0)
		tell_sum(repeats, oldest);
	memset(oldest, 0, sizeof(*oldest));
	oldest->hash = hash_of_kind(kind, address);
	snprintf(oldest->address, sizeof(oldest->address), "%s", address);
	oldest->scope = scope;
	oldest->since_ms = now_ms;
	oldest->kind = *kind;
	return oldest;
}

static bool count_refusal(struct repeats_row *row, unsigned limit, const char *peer,
			  const char *study)
{
	snprintf(row->peer, sizeof(row->peer), "%s", peer);
	if (row->recorded < limit) {
		row->recorded++;
		return false;
	}
	if (row->counted == 0)
		snprintf(row->study, sizeof(row->study), "%s", study);
	else if (strcmp(row->study, study) != 0)
		row->study[0] = '\0';
	row->counted++;
	row->goes_on = true;
	return true;
}

/* A row of many kinds, by what they have in common. */
static struct repeats_row *row_of_many(struct repeats *repeats, int64_t now_ms,
				       const struct audit_record *kind,
				       enum repeats_scope scope)
{
	struct repeats_row *row = find_row(repeats, kind, "", scope);

	return row ? row : take_row(repeats, now_ms, kind, "", scope);
}

/* How many kinds are recorded by themselves that differ only in what `others` lacks. */
static unsigned kinds_apart(const struct audit_record *kind)
{
	return kind->event == AUDIT_INSTANCE ? REPEATS_CLASSES
	       : kind->shown_certificate[0]  ? REPEATS_SHOWN
					     : REPEATS_TOGETHER;
}

bool repeats_take(struct repeats *repeats, int64_t now_ms, const char *peer,
		  const struct audit_record *refusal)
{
	bool is_instance = refusal->event == AUDIT_INSTANCE;
	struct audit_record kind = kind_of(refusal), others = kind_of_others(&kind);
	struct repeats_row *row;
	char address[64] = "";

	if (!is_instance)
		address_without_port(peer, address);
	row = find_row(repeats, &kind, address, REPEATS_OF_KIND);
	if (row)
		return count_refusal(row, REPEATS_EACH, peer, kind.study);
	row = row_of_many(repeats, now_ms, &others, REPEATS_OF_OTHERS);
	if (count_refusal(row, kinds_apart(&kind), peer, kind.study))
		return true;
	return count_refusal(take_row(repeats, now_ms, &kind, address, REPEATS_OF_KIND),
			     REPEATS_EACH, peer, kind.study);
}

void repeats_count_together(struct repeats *repeats, int64_t now_ms, const char *peer,
			    const struct audit_record *refusal)
{
	struct audit_record kind;

	audit_record_init(&kind);
	kind.event = refusal->event;
	kind.outcome = refusal->outcome;
	kind.reason = refusal->reason;
	memcpy(kind.modality, refusal->modality, sizeof(kind.modality));
	memcpy(kind.destination, refusal->destination, sizeof(kind.destination));
	count_refusal(row_of_many(repeats, now_ms, &kind, REPEATS_OF_ALL), 0, peer,
		      refusal->study);
}

void repeats_tell_instances(struct repeats *repeats, const char *modality)
{
	for (size_t i = 0; i < REPEATS_ROWS; i++) {
		struct repeats_row *row = &repeats->rows[i];

		if (row->counted == 0 || row->was_told ||
		    row->kind.event != AUDIT_INSTANCE ||
		    strcmp(row->kind.modality, modality) != 0)
			continue;
		row->was_told = true;
		tell_sum(repeats, row);
	}
}

void repeats_flush(struct repeats *repeats, int64_t now_ms, bool all)
{
	for (size_t i = 0; i < REPEATS_ROWS; i++) {
		struct repeats_row *row = &repeats->rows[i];

		if (row->hash == 0 || (!all && now_ms - row->since_ms < REPEATS_MS))
			continue;
		/* A kind that goes on keeps its row, and is only counted from here on. */
		if (!row->goes_on)
			row->hash = 0;
		row->goes_on = row->was_told = false;
		row->since_ms = now_ms;
		tell_sum(repeats, row);
	}
}

int repeats_wait_ms(const struct repeats *repeats, int64_t now_ms)
{
	int64_t wait_ms = -1;

	for (size_t i = 0; i < REPEATS_ROWS; i++) {
		const struct repeats_row *row = &repeats->rows[i];
		int64_t left_ms = row->since_ms + REPEATS_MS - now_ms;

		if (row->hash == 0)
			continue;
		if (left_ms < 0)
			left_ms = 0;
		if (wait_ms < 0 || left_ms < wait_ms)
			wait_ms = left_ms;
	}
	return (int)wait_ms;
}
