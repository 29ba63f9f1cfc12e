/*
 * Letting modalities in: all of a list, or none of them. Everything is judged and made
 * first: the certificates and hand-outs in a hidden folder, the entries in it, too, where
 * the configuration is read with them as if they counted. Only then is anything written
 * beside the configuration: copies of the certificates, the entries, and last the folder
 * of hand-outs is put in its place. Whatever fails takes all back.
 *
 * A tool that is killed meanwhile leaves one of these, never a configuration with faults:
 * a hidden folder, which the next run removes; copies of certificates that no entry is
 * bound to, which let nobody in; and, within the writing of the entries, some or all of
 * these without their hand-outs. Nobody has the keys of those: `cathgate modality remove`
 * takes them out.
 */
#pragma once

#include "handout.h"

struct admission {
	struct modality_options asked;
	bool is_bad;	   /* it was found wrong already, and is passed over */
	const char *where; /* it was asked for, in messages; NULL: there is one alone */
	struct handout handout;
	/* What comes of it. */
	char uri[PKI_UUID_SIZE];
	const char *entry; /* its text; NULL: it can't be let in */
};

struct admissions {
	struct admission *items;
	size_t count;
	const char *folder; /* of the hand-out; of several, one folder for each in it */
	const char *passwords; /* a new file for them; NULL: none is wanted */
	bool is_shelf;	       /* the folder holds one for each */
	bool is_open;
	struct staging staging;
};

/* Judges each and makes what is needed, but changes nothing that is there. `site` then
 * has the configuration as it would be. -1 after naming all faults of all. */
MUST_USE int admissions_prepare(struct admissions *list, struct site *site);
/* Lets them in. -1 with a message, when all was taken back. */
MUST_USE int admissions_commit(struct admissions *list, struct site *site);
void admissions_close(struct admissions *list);
