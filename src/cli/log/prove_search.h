/*
 * Finds the records of an object in a log, and looks on the way whether the hash chain of
 * each file holds.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/kit/log_source.h"
#include "prove_object.h"

/* A file that was read. */
struct prove_file {
	char *path;
	uint64_t lines;
	uint64_t broken_at; /* the first line that doesn't hold; 0: all do */
	const char *why;    /* it doesn't */
};

struct prove_record {
	size_t file; /* index */
	uint64_t number, seq;
	json_t *line;
	bool is_delivery;	 /* from the spool: it can't prove who sent the object */
	bool has_hash, is_sound; /* its own hash: there, and that of its bytes */
	bool same_bytes;	 /* its SHA-256 and length are the object's */
	bool same_syntax;	 /* or the object doesn't say its transfer syntax */
};

struct prove_search {
	const struct prove_object *object;
	struct prove_record *records; /* in the log's order */
	size_t record_count;
	uint64_t more_records; /* than are kept */
	struct prove_file *files;
	size_t file_count;
};

/* Reads all of the log. -1 after saying what is wrong; to be closed in any case. */
MUST_USE int prove_search_run(struct prove_search *search,
			      const struct prove_object *object,
			      struct log_source *source);
void prove_search_close(struct prove_search *search);

/* Whether that record is of the object's bytes, its own hash holds, and so does the chain
 * of its file. */
bool prove_search_is_sound(const struct prove_search *search,
			   const struct prove_record *record);
/* Whether it proves besides who sent them: the auditor writes into an instance's record
 * which association had it, while a delivery's says so by a courier's word. */
bool prove_search_is_proof(const struct prove_search *search,
			   const struct prove_record *record);
