/*
 * Command sets (PS3.7 6.3.1, E.1): group 0000, always Implicit VR Little Endian. Only the
 * elements that the gateway judges are read; the relay passes a command set on as it
 * came. The bytes come from the network: each length is checked, and nothing is
 * allocated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/ae_title.h"
#include "cathgate/base/must_use.h"

#define COMMAND_SET_MAX (64 * 1024) /* bytes; a longer one is malformed */
#define COMMAND_UID_MAX 64

/* PS3.7 table E.1-1. */
enum command_field {
	COMMAND_C_STORE_RQ = 0x0001,
	COMMAND_C_STORE_RSP = 0x8001,
	COMMAND_C_ECHO_RQ = 0x0030,
	COMMAND_C_ECHO_RSP = 0x8030,
	COMMAND_C_CANCEL_RQ = 0x0FFF,
	COMMAND_RSP_BIT = 0x8000
};

/* PS3.7 Annex C; PS3.4 table B.2-1. */
enum command_status {
	STATUS_SUCCESS = 0x0000,
	STATUS_PROCESSING_FAILURE = 0x0110,
	STATUS_NOT_AUTHORISED = 0x0124,
	STATUS_UNRECOGNISED_OPERATION = 0x0211,
	STATUS_MISTYPED_ARGUMENT = 0x0212,
	STATUS_OUT_OF_RESOURCES = 0xA700,
	STATUS_CANNOT_UNDERSTAND = 0xC000
};

struct command_set {
	const char *fault;   /* static text: what is wrong; NULL: nothing */
	uint16_t field;	     /* (0000,0100) */
	bool has_message_id; /* (0000,0110) */
	uint16_t message_id;
	bool has_responded_to; /* (0000,0120) */
	uint16_t responded_to;
	bool has_data_set_type; /* (0000,0800) is there and can be read ... */
	bool has_data_set;	/* ... and is not 0101 */
	bool has_status;	/* (0000,0900) */
	uint16_t status;
	char sop_class[COMMAND_UID_MAX + 1];	/* (0000,0002); "" when absent */
	char sop_instance[COMMAND_UID_MAX + 1]; /* (0000,1000); "" when absent */
	bool has_move_originator; /* (0000,1030) has a value, or (0000,1031) one but 0 */
	struct ae_title move_originator; /* empty when what came is no AE title */
};

/* A message's command set as it came (PS3.7 6.3.1), and what was read of it. */
struct command_message {
	uint8_t context;
	uint8_t bytes[COMMAND_SET_MAX];
	size_t size;
	struct command_set command;
};

struct ul_pdv;

/* Adds a fragment: 0; or -1 when it is none of this message. Before the first the caller
 * sets `size` to 0, and `context` to the id that must come, or to 0 for any. */
MUST_USE int command_add(struct command_message *message, const struct ul_pdv *pdv);

/* 0; or -1 with *ret untouched when the command can't be told: the command field is
 * missing, or stands behind an element that is too long or of another group. *detail
 * (static text) then says what is wrong.
 *
 * Other faults leave a command that can be answered, and are its `fault`: such an element
 * behind the command field, a UID that is too long or has wrong characters (it is then
 * ""), a number of a wrong size, two of an element that is read (the first counts), and a
 * request without data set type. The elements' order and a wrong group length don't
 * matter. Unknown elements are skipped. */
MUST_USE int command_parse(const uint8_t *bytes, size_t size, struct command_set *ret,
			   const char **detail);

#define COMMAND_RESPONSE_MAX 512

/* Writes the response to a request: the command field with the response bit, the message
 * id, SOP class and instance if the request has them, no data set, the status and, unless
 * NULL, an error comment (0000,0902) cut at 64 characters. Returns the size. */
size_t command_response(const struct command_set *request, uint16_t status,
			const char *comment, uint8_t ret[COMMAND_RESPONSE_MAX]);

#define COMMAND_ECHO_MAX 128

/* Writes a C-ECHO-RQ (PS3.7 9.3.5.1). Returns the size. */
size_t command_echo(uint16_t message_id, uint8_t ret[COMMAND_ECHO_MAX]);

/* Whether a status is success or a warning (PS3.7 Annex C): Bxxx, 0001, 0107, 0116. */
bool command_status_stored(uint16_t status);
/* Whether no further response follows. Pending (FF00, FF01) isn't final, nor is any
 * other, undefined status FFxx. */
bool command_status_final(uint16_t status);
