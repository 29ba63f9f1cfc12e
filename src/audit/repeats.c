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
static void address_of(const char *peer, char ret[64])
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

static uint64_t add_text(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	} while (*text++);
	return hash;
}

/* FNV-1a: it only speeds the search up, is_kind compares. */
static uint64_t hash_of(const struct audit_record *record, const char *address)
{
	uint64_t hash = 0xcbf29ce484222325 ^ ((uint64_t)record->reason + 1);

	hash = add_text(hash, record->certificate);
	hash = add_text(hash, record->calling_ae);
	hash = add_text(hash, record->detail);
	hash = add_text(hash, address);
	return hash ? hash : 1;
}

static bool is_kind(const struct audit_record *a, const struct audit_record *b)
{
	return a->reason == b->reason && a->outcome == b->outcome &&
	       strcmp(a->certificate, b->certificate) == 0 &&
	       strcmp(a->subject, b->subject) == 0 &&
	       strcmp(a->calling_ae, b->calling_ae) == 0 &&
	       strcmp(a->called_ae, b->called_ae) == 0 &&
	       strcmp(a->modality, b->modality) == 0 && strcmp(a->detail, b->detail) == 0;
}

static struct repeats_row *find(const struct repeats *repeats,
				const struct audit_record *record, const char *address)
{
	uint64_t hash = hash_of(record, address);

	for (size_t i = 0; i < REPEATS_ROWS; i++) {
		struct repeats_row *row = &repeats->rows[i];

		if (row->hash == hash && strcmp(row->address, address) == 0 &&
		    is_kind(&row->record, record))
			return row;
	}
	return NULL;
}

static void tell(struct repeats *repeats, struct repeats_row *row)
{
	struct audit_record summary = row->record;

	if (row->counted == 0)
		return;
	snprintf(summary.detail, sizeof(summary.detail),
		 "%" PRIu64 " more from %s: %.150s", row->counted,
		 row->address[0] ? row->address : "other addresses",
		 row->record.detail[0] ? row->record.detail
				       : reason_word(row->record.reason));
	row->counted = 0;
	repeats->tell(repeats->context, row->peer, &summary);
}

/* A free row, or that of the kind that has been quiet, or untold, for the longest. */
static struct repeats_row *take_row(struct repeats *repeats, int64_t now_ms,
				    const struct audit_record *record,
				    const char *address)
{
	struct repeats_row *oldest = &repeats->rows[0];

	for (size_t i = 0; i < REPEATS_ROWS && oldest->hash != 0; i++)
		if (repeats->rows[i].hash == 0 ||
		    repeats->rows[i].since_ms < oldest->since_ms)
			oldest = &repeats->rows[i];
	if (oldest->hash != 0)
		tell(repeats, oldest);
	memset(oldest, 0, sizeof(*oldest));
	oldest->hash = hash_of(record, address);
	snprintf(oldest->address, sizeof(oldest->address), "%s", address);
	oldest->since_ms = now_ms;
	oldest->record = *record;
	return oldest;
}

static bool count(struct repeats_row *row, unsigned limit, const char *peer)
{
	snprintf(row->peer, sizeof(row->peer), "%s", peer);
	if (row->recorded < limit) {
		row->recorded++;
		return false;
	}
	row->counted++;
	return true;
}

bool repeats_counts(struct repeats *repeats, int64_t now_ms, const char *peer,
		    const struct audit_record *refusal)
{
	struct repeats_row *row;
	char address[64];

	address_of(peer, address);
	row = find(repeats, refusal, address);
	if (row)
		return count(row, REPEATS_EACH, peer);
	row = find(repeats, refusal, "");
	if (!row)
		row = take_row(repeats, now_ms, refusal, "");
	if (count(row, REPEATS_TOGETHER, peer))
		return true;
	return count(take_row(repeats, now_ms, refusal, address), REPEATS_EACH, peer);
}

void repeats_flush(struct repeats *repeats, int64_t now_ms, bool all)
{
	for (size_t i = 0; i < REPEATS_ROWS; i++) {
		struct repeats_row *row = &repeats->rows[i];

		if (row->hash == 0 || (!all && now_ms - row->since_ms < REPEATS_MS))
			continue;
		/* One that goes on is only counted from here on. */
		if (row->counted == 0)
			row->hash = 0;
		row->since_ms = now_ms;
		tell(repeats, row);
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
