/*
 * A script: what two peers send, in order, written so that a fuzzer that knows nothing of
 * DICOM gets far. An input is a row of steps, each a byte that says what and of whom, a
 * length (one byte, or two for raw bytes), and so many bytes. Lengths of PDUs, PDVs and
 * command sets are put right here; a raw step can put them wrong.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum script_side { SCRIPT_MODALITY, SCRIPT_PACS, SCRIPT_SIDES };

/* The first byte of a step: the kind, and SCRIPT_OF_PACS. */
enum script_kind {
	SCRIPT_RAW,	  /* bytes as they are */
	SCRIPT_PDU,	  /* a type, then a body (PS3.8 9.3) */
	SCRIPT_PDV,	  /* a context, a control header, then a fragment (PS3.8 9.3.5) */
	SCRIPT_COMMAND,	  /* see script.c: a command set (PS3.7 6.3.1) in one PDV */
	SCRIPT_ASSOCIATE, /* see script.c: an A-ASSOCIATE-RQ, or the PACS's AC */
	SCRIPT_CLOSE,
	SCRIPT_TIME, /* so many seconds pass */
	SCRIPT_KINDS
};
#define SCRIPT_OF_PACS 0x80

struct script_step {
	enum script_side side;
	bool is_close, is_over;
	unsigned seconds; /* of SCRIPT_TIME, which is nobody's */
	uint8_t *bytes;
	size_t size, used;
};

#define SCRIPT_STEPS_MAX 64

struct script {
	struct script_step steps[SCRIPT_STEPS_MAX];
	size_t count;
};

void script_read(const uint8_t *bytes, size_t size, struct script *ret);
void script_clear(struct script *script);

/* The first step that isn't over; NULL at the end. */
struct script_step *script_next(struct script *script);
/* The first of that side's. */
struct script_step *script_next_of(struct script *script, enum script_side side);
