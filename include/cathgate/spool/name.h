/*
 * Names of the spool's files (docs/SPOOL.md, Names). All that the spooler has to know of
 * an object stands sealed in its name, so the names are the index: no object is opened at
 * a start. Whoever lacks the names key can neither read nor make one, nor change the
 * state that it says.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"
#include "cathgate/spool/key.h"

#define SPOOL_NAME_SIZE 140 /* with its NUL */
#define SPOOL_SHORT_TAG 8
#define SPOOL_LONG_TAG	16

enum spool_state {
	SPOOL_QUEUED,	 /* 'q' */
	SPOOL_HELD,	 /* 'h': an operator says when it goes on */
	SPOOL_DEAD,	 /* 'x': not sent again by itself */
	SPOOL_DELIVERED, /* 'd': the file is empty, and stands for what it held */
	/* 'n': queued, but its sender has not said that it stays: after a crash it may be
	 * torn. */
	SPOOL_NAMED,
	SPOOL_STATE_COUNT
};

/* Tags are HMACs of names and UIDs, cut. */
struct spool_name {
	uint64_t sequence; /* none is given twice; the order of objects */
	enum spool_state state;
	uint8_t destination[SPOOL_SHORT_TAG], modality[SPOOL_SHORT_TAG];
	uint8_t study[SPOOL_SHORT_TAG];	   /* of modality and study */
	uint8_t instance[SPOOL_SHORT_TAG]; /* of destination, modality, SOP instance */
	uint8_t content[SPOOL_LONG_TAG];   /* of these and the data set's SHA-256 */
	uint8_t header[SPOOL_LONG_TAG];	   /* the header's SHA-256, cut */
	uint64_t data_size;		   /* below 2^48 */
	/* When it was named, queued again or delivered: seconds since 1970, UTC. */
	uint32_t stored;
};

/* 0; or -1 when OpenSSL refuses, or there can be no such name. Equal names are equal
 * texts. */
MUST_USE int spool_name_write(const struct spool_name *name,
			      const struct spool_names_key *key,
			      char ret[SPOOL_NAME_SIZE]);
/* False where it is no name that this key has made. */
MUST_USE bool spool_name_read(const char *text, const struct spool_names_key *key,
			      struct spool_name *ret);

/* The tag of `count` texts, each with its length, for a purpose ("study"); `size` is one
 * of the two above. 0 or -1. */
MUST_USE int spool_tag(const struct spool_names_key *key, const char *purpose,
		       const void *const *texts, const size_t *sizes, size_t count,
		       uint8_t *ret, size_t size);
