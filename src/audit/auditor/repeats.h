/*
 * Refusals that repeat: the first of each kind are recorded, the rest counted and told
 * once a minute, so that a flood fills neither log nor disk and costs no sync.
 *
 * A kind is reason, certificate, subject, AE titles and detail; of an association also
 * the address that it came from (of IPv6 the /64), of an instance its SOP class and
 * study. A kind that wasn't there in the last minute is always recorded by itself. One
 * that comes from very many addresses is counted for all of them together. So is one
 * with very many certificates that were refused, as anybody can make them; and so are the
 * instances of a modality that have very many SOP classes, studies or details. A sum
 * bears a study if all that it stands for have it. No refusal is lost: recorded lines
 * and counts add up to what was refused, unless the auditor is killed with counts in
 * hand.
 */
#pragma once

#include "cathgate/audit/record.h"

#define REPEATS_EACH	 10  /* recorded by themselves, of one kind ... */
#define REPEATS_TOGETHER 100 /* ... and of kinds that differ in the address alone ... */
#define REPEATS_SHOWN	 500 /* ... or in a certificate that was shown ... */
#define REPEATS_CLASSES	 20  /* ... or in class, study and detail; the rest are counted */
#define REPEATS_ROWS	 1024
#define REPEATS_MS	 60000

/* Which refusals a row counts. */
enum repeats_scope {
	REPEATS_OF_KIND,
	REPEATS_OF_OTHERS, /* all that have no row of their own */
	REPEATS_OF_ALL	   /* of any kind: repeats_count_together */
};

struct repeats_row {
	uint64_t hash; /* of kind and address; 0: free */
	enum repeats_scope scope;
	char address[64]; /* of associations */
	unsigned recorded;
	uint64_t counted; /* since the last summary ... */
	char study[65];	  /* ... and what these all have; "" when they don't */
	bool goes_on;	  /* something was counted in this minute */
	bool was_told;	  /* a sum was told in this minute, at an association's end */
	int64_t since_ms;
	char peer[ADDRESS_TEXT_SIZE]; /* the last */
	struct audit_record kind;     /* what all of them have in common */
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
MUST_USE int repeats_open(struct repeats *repeats, repeats_tell *tell, void *context);
void repeats_close(struct repeats *repeats);

/* Whether the refusal is only counted. False: it is to be recorded. */
bool repeats_take(struct repeats *repeats, int64_t now_ms, const char *peer,
		  const struct audit_record *refusal);

/* Counts the refusal together with all of the same outcome, reason, modality and
 * destination: none of them is recorded. */
void repeats_count_together(struct repeats *repeats, int64_t now_ms, const char *peer,
			    const struct audit_record *refusal);

/* Tells what was counted of a modality's instances, since its association ends. Each sum
 * is told so at most once a minute; what is counted then waits for the minute's end. */
void repeats_tell_instances(struct repeats *repeats, const char *modality);

/* Tells what is due, or with `all` whatever was counted. */
void repeats_flush(struct repeats *repeats, int64_t now_ms, bool all);

/* How long until something is due; -1: for ever. */
int repeats_wait_ms(const struct repeats *repeats, int64_t now_ms);
