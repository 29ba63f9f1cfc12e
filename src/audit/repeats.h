/*
 * Refusals that repeat: the first of each kind are recorded, the rest counted and told
 * once a minute, so that a flood fills neither log nor disk and costs no sync.
 *
 * A kind is reason, certificate, subject, AE titles and detail, from one address (of IPv6
 * the /64). A kind that wasn't there in the last minute is always recorded by itself. One
 * that comes from very many addresses is counted for all of them together. No refusal is
 * lost: recorded lines and counts add up to what was refused, unless the auditor is
 * killed with counts in hand.
 */
#ifndef AUDIT_REPEATS_H
#define AUDIT_REPEATS_H

#include "cathgate/audit.h"

#define REPEATS_EACH	 10  /* recorded by themselves, of one kind and address ... */
#define REPEATS_TOGETHER 100 /* ... and of one kind, before new addresses are counted */
#define REPEATS_ROWS	 1024
#define REPEATS_MS	 60000

struct repeats_row {
	uint64_t hash;	  /* of kind and address; 0: free */
	char address[64]; /* "": all that have no row of their own */
	unsigned recorded;
	uint64_t counted; /* since the last summary */
	int64_t since_ms;
	char peer[ADDRESS_TEXT_SIZE]; /* the last */
	struct audit_record record;   /* likewise */
};

/* Writes a summary. */
typedef void repeats_tell(void *context, const char *peer,
			  const struct audit_record *summary);

struct repeats {
	struct repeats_row *rows;
	repeats_tell *tell;
	void *context;
};

/* 0, or -1 without memory. */
int repeats_open(struct repeats *repeats, repeats_tell *tell, void *context);
void repeats_close(struct repeats *repeats);

/* Whether the refusal is only counted. False: it is to be recorded. */
bool repeats_counts(struct repeats *repeats, int64_t now_ms, const char *peer,
		    const struct audit_record *refusal);

/* Tells what is due, or with `all` whatever was counted. */
void repeats_flush(struct repeats *repeats, int64_t now_ms, bool all);

/* How long until something is due; -1: for ever. */
int repeats_wait_ms(const struct repeats *repeats, int64_t now_ms);

#endif
