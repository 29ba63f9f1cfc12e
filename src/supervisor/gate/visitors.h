/*
 * The addresses that connections come from: how often, whether a modality has been given
 * a place from there, how many were closed at accept. The table has VISITORS_MAX
 * rows and never grows, because an attacker chooses how many addresses come.
 *
 * A connection costs its address one of its handshakes a minute, until it has proved to
 * be a modality's and has a place: places have a count of their own. So a flood uses up
 * what is for strangers only. Whoever comes beyond that is not shut out at once, since a
 * modality may be among a flood from its own address, behind NAT say: such connections
 * share what the machine can bear, and an address from which a modality has had a place
 * within a week has as much for itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/base/address.h"
#include "cathgate/base/reason.h"
#include "cathgate/config/config.h"

/* How often in a minute: a leaky count of events. Times are clock_ms(). */
struct rate {
	double level;
	int64_t at_ms;
};

/* How many events a minute are allowed, and how many of them may come at once. */
struct rate_limit {
	unsigned per_minute, burst;
};

/* A quarter of a minute's at once; of small limits 30, or all. */
struct rate_limit rate_limit_of(unsigned per_minute);
bool rate_has_room(struct rate *rate, struct rate_limit limit, int64_t now_ms);
void rate_count(struct rate *rate, struct rate_limit limit, double number,
		int64_t now_ms);
void rate_take_back(struct rate *rate);

/* Replaces the counts, one a modality, by those of another configuration: entries of the
 * same name go on. `*rates` and `before` may be NULL. 0 or -1. */
MUST_USE int rates_renew(struct rate **rates, const struct config *before,
			 const struct config *now);

#define VISITORS_MAX	  1024
#define VISITORS_TOLD	  100 /* addresses a minute by name; then one line for the rest */
#define VISITORS_TELL_MS  60000
#define VISITORS_BEYOND	  250 /* connections a second beyond their address's limit ... */
#define VISITORS_AT_ONCE  50  /* ... and at once */
#define VISITORS_KNOWN_MS (7LL * 24 * 3600 * 1000)

/* Connections that were closed at accept, and are still to be told of. */
struct turned_away {
	unsigned count;
	enum reason reason; /* of the last */
	char last[ADDRESS_TEXT_SIZE];
	int64_t told_ms; /* 0: never */
};

struct visitor {
	struct address address;
	int64_t seen_ms;       /* 0: nobody's row */
	int64_t good_ms;       /* when a modality was given a place; 0: never */
	struct rate strangers; /* connections without a place ... */
	struct rate beyond;    /* ... and those beyond that, when it is known */
	struct rate places;    /* that were asked for by right */
	struct turned_away away;
};

struct visitors {
	struct visitor rows[VISITORS_MAX];
	struct rate work_ms;	   /* of processes that came to nothing */
	struct rate beyond;	   /* of all addresses that aren't known */
	struct turned_away others; /* whose rows are gone, or had no line left */
	uint64_t turned_away;	   /* all that ever were */
	int64_t minute_ms;	   /* when the present minute of lines began */
	unsigned lines;		   /* in it */
	int64_t look_ms;	   /* when somebody was last told, or could have been */
};

/* How a connection was let in. */
struct visit {
	bool is_known;	 /* a modality has had a place from its address */
	bool is_charged; /* to what its address has for strangers */
};

/* What counts as one address: of IPv6 the /64, since a host has as many as it likes. */
struct address visitors_address(const struct sockaddr_storage *peer);
/* Such an address as text, of IPv6 as a network. */
#define VISITORS_NAME_SIZE 64
void visitors_name(const struct address *address, char ret[VISITORS_NAME_SIZE]);

/* Times are clock_ms(). Whether one more connection may come in from there; counts it. */
bool visitors_let_in(struct visitors *visitors, const struct address *address,
		     unsigned per_minute, int64_t now_ms, struct visit *ret);
/* A process that was never given a place has ended, and used the processor for so long.
 * Counted for all addresses together. */
void visitors_worked(struct visitors *visitors, double ms, int64_t now_ms);
/* The count of places asked for from there. */
struct rate *visitors_places(struct visitors *visitors, const struct address *address,
			     int64_t now_ms);
/* The connection is a modality's, and has its place: its address gets back what `visit`
 * was charged, and is known from now on. */
void visitors_placed(struct visitors *visitors, const struct address *address,
		     const struct visit *visit, int64_t now_ms);

/* A connection from there was closed at accept. */
void visitors_turned_away(struct visitors *visitors, const struct address *address,
			  const char *peer, enum reason reason, int64_t now_ms);
/* False when it can't be told now. */
typedef bool visitors_teller(void *context, const char *peer, enum reason reason,
			     const char *detail);
/* Tells how many, address by address: of each at once, then once a minute; of all that is
 * still untold with `all`. What can't be told now is kept for the next time. */
void visitors_tell(struct visitors *visitors, bool all, int64_t now_ms,
		   visitors_teller *tell, void *context);
