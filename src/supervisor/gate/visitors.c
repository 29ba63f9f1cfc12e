#include "supervisor/gate/visitors.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/settings/settings.h"

#define LOOK_MS	       1000
#define MS_PER_MINUTE  60000.0
#define BURST_AT_LEAST 30

struct rate_limit rate_limit_of(unsigned per_minute)
{
	unsigned burst = per_minute / 4;

	if (burst < BURST_AT_LEAST)
		burst = BURST_AT_LEAST;
	return (struct rate_limit){ .per_minute = per_minute,
				    .burst = burst < per_minute ? burst : per_minute };
}

static void leak(struct rate *rate, struct rate_limit limit, int64_t now_ms)
{
	rate->level -= (double)(now_ms - rate->at_ms) * limit.per_minute / MS_PER_MINUTE;
	if (rate->level < 0)
		rate->level = 0;
	rate->at_ms = now_ms;
}

bool rate_has_room(struct rate *rate, struct rate_limit limit, int64_t now_ms)
{
	leak(rate, limit, now_ms);
	return rate->level + 1 <= limit.burst;
}

void rate_count(struct rate *rate, struct rate_limit limit, double number, int64_t now_ms)
{
	leak(rate, limit, now_ms);
	rate->level += number;
	if (rate->level > limit.burst)
		rate->level = limit.burst;
}

void rate_take_back(struct rate *rate)
{
	rate->level = rate->level > 1 ? rate->level - 1 : 0;
}

int rates_renew(struct rate **rates, const struct config *before,
		const struct config *now)
{
	struct rate *next = calloc(now->modality_count, sizeof(*next));

	if (!next)
		return -1;
	for (size_t i = 0; before && i < now->modality_count; i++) {
		size_t was = settings_find_modality(before, now->modalities[i].name);

		if (was != NOWHERE)
			next[i] = (*rates)[was];
	}
	free(*rates);
	*rates = next;
	return 0;
}

static const struct rate_limit beyond_limit = { .per_minute = VISITORS_BEYOND * 60,
						.burst = VISITORS_AT_ONCE };

static bool has_good_name(const struct visitor *visitor, int64_t now_ms)
{
	return visitor->good_ms != 0 && now_ms - visitor->good_ms < VISITORS_KNOWN_MS;
}

static void add_turned_away(struct turned_away *to, unsigned count, enum reason reason,
			    const char *last)
{
	to->count += count;
	to->reason = reason;
	snprintf(to->last, sizeof(to->last), "%s", last);
}

/* Whether row `a` is given up before row `b`: an empty row comes first, then an address
 * from which no modality came, then the address that has been quiet for longer. */
static bool goes_first(const struct visitor *a, const struct visitor *b, int64_t now_ms)
{
	if (a->seen_ms != 0 && b->seen_ms != 0 &&
	    has_good_name(a, now_ms) != has_good_name(b, now_ms))
		return !has_good_name(a, now_ms);
	return a->seen_ms < b->seen_ms;
}

static struct visitor *visitor_of(struct visitors *visitors,
				  const struct address *address, int64_t now_ms)
{
	struct visitor *victim = &visitors->rows[0];

	for (size_t i = 0; i < VISITORS_MAX; i++) {
		struct visitor *row = &visitors->rows[i];

		if (row->seen_ms != 0 && address_equal(&row->address, address)) {
			row->seen_ms = now_ms;
			return row;
		}
		if (goes_first(row, victim, now_ms))
			victim = row;
	}
	if (victim->away.count > 0)
		add_turned_away(&visitors->others, victim->away.count,
				victim->away.reason, victim->away.last);
	*victim = (struct visitor){ .address = *address, .seen_ms = now_ms };
	return victim;
}

struct address visitors_address(const struct sockaddr_storage *peer)
{
	struct address address = { 0 };

	if (address_of_socket(peer, &address) == 0 && address.v6)
		memset(address.bytes + 8, 0, 8);
	return address;
}

/* Work in vain may take half of the machine's processors. */
static struct rate_limit work_limit(void)
{
	static unsigned half_ms;

	if (half_ms == 0)
		half_ms = (unsigned)sysconf(_SC_NPROCESSORS_ONLN) * 500;
	return (struct rate_limit){ .per_minute = half_ms * 60, .burst = half_ms };
}

void visitors_worked(struct visitors *visitors, double ms, int64_t now_ms)
{
	rate_count(&visitors->work_ms, work_limit(), ms, now_ms);
}

/* Whether the machine can bear one more connection beyond its address's limit. */
static bool can_be_borne(struct visitors *visitors, struct visitor *visitor, bool known,
			 int64_t now_ms)
{
	if (known)
		return rate_has_room(&visitor->beyond, beyond_limit, now_ms);
	return rate_has_room(&visitors->beyond, beyond_limit, now_ms) &&
	       rate_has_room(&visitors->work_ms, work_limit(), now_ms);
}

bool visitors_let_in(struct visitors *visitors, const struct address *address,
		     unsigned per_minute, int64_t now_ms, struct visit *ret)
{
	struct visitor *visitor = visitor_of(visitors, address, now_ms);
	struct rate_limit limit = rate_limit_of(per_minute);
	bool known = has_good_name(visitor, now_ms);
	struct rate *beyond = known ? &visitor->beyond : &visitors->beyond;
	bool is_within = rate_has_room(&visitor->strangers, limit, now_ms);

	if (!is_within && !can_be_borne(visitors, visitor, known, now_ms))
		return false;
	if (is_within)
		rate_count(&visitor->strangers, limit, 1, now_ms);
	/* Connections beyond a limit get what unknown addresses within theirs leave. */
	if (!is_within || !known)
		rate_count(beyond, beyond_limit, 1, now_ms);
	*ret = (struct visit){ .is_known = known, .is_charged = is_within };
	return true;
}

struct rate *visitors_places(struct visitors *visitors, const struct address *address,
			     int64_t now_ms)
{
	return &visitor_of(visitors, address, now_ms)->places;
}

void visitors_placed(struct visitors *visitors, const struct address *address,
		     const struct visit *visit, int64_t now_ms)
{
	struct visitor *visitor = visitor_of(visitors, address, now_ms);

	visitor->good_ms = now_ms;
	if (visit->is_charged)
		rate_take_back(&visitor->strangers);
}

void visitors_turned_away(struct visitors *visitors, const struct address *address,
			  const char *peer, enum reason reason, int64_t now_ms)
{
	visitors->turned_away++;
	add_turned_away(&visitor_of(visitors, address, now_ms)->away, 1, reason, peer);
}

void visitors_name(const struct address *address, char ret[VISITORS_NAME_SIZE])
{
	inet_ntop(address->v6 ? AF_INET6 : AF_INET, address->bytes, ret,
		  INET6_ADDRSTRLEN);
	if (address->v6)
		strcat(ret, "/64");
}

static bool is_due(const struct turned_away *away, bool all, int64_t now_ms)
{
	return away->count > 0 &&
	       (all || away->told_ms == 0 || now_ms - away->told_ms >= VISITORS_TELL_MS);
}

static bool tell_one(struct turned_away *away, const char *who, int64_t now_ms,
		     visitors_teller *tell, void *context)
{
	char detail[128];

	snprintf(detail, sizeof(detail), "%u %s closed at accept, from %s", away->count,
		 away->count == 1 ? "connection" : "connections", who);
	if (!tell(context, away->last, away->reason, detail))
		return false;
	away->count = 0;
	away->told_ms = now_ms;
	return true;
}

void visitors_tell(struct visitors *visitors, bool all, int64_t now_ms,
		   visitors_teller *tell, void *context)
{
	char name[VISITORS_NAME_SIZE];

	if (!all && now_ms - visitors->look_ms < LOOK_MS)
		return;
	visitors->look_ms = now_ms;
	if (now_ms - visitors->minute_ms >= VISITORS_TELL_MS) {
		visitors->minute_ms = now_ms;
		visitors->lines = 0;
	}
	for (size_t i = 0; i < VISITORS_MAX; i++) {
		struct visitor *row = &visitors->rows[i];

		if (!is_due(&row->away, all, now_ms))
			continue;
		if (visitors->lines >= VISITORS_TOLD) {
			add_turned_away(&visitors->others, row->away.count,
					row->away.reason, row->away.last);
			row->away.count = 0;
			continue;
		}
		visitors_name(&row->address, name);
		if (!tell_one(&row->away, name, now_ms, tell, context))
			return;
		visitors->lines++;
	}
	if (is_due(&visitors->others, all, now_ms))
		tell_one(&visitors->others, "other addresses", now_ms, tell, context);
}
