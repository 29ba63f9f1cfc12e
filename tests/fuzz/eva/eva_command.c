/*
 * Command sets: command_parse of any bytes, and command_response to whatever was read.
 *
 * Eva sources: src/dicom/command.c src/dicom/uid.c src/base/ae_title.c
 * Eva sources: tests/fuzz/eva/libc.c
 * Eva options: -eva-auto-loop-unroll 100 -eva-split-return-function next_value:0
 * Eva options: -eva-slevel-function ae_title_parse:1000,read_all_values:100000
 * Eva split: command.c | *at += ELEMENT_HEAD + length; | length
 * Eva split: command.c | if (size - *at < ELEMENT_HEAD) | *at
 */
#include "eva.h"
#include "cathgate/dicom/command.h"

#ifndef EVA_LENGTH
#define EVA_LENGTH 20
#endif

/* The texts in it need no end: nothing says here that a set comes from command_parse. */
static void respond(void)
{
	static struct command_set set;
	uint8_t response[COMMAND_RESPONSE_MAX];

	set.field = (uint16_t)Frama_C_unsigned_short_interval(0, UINT16_MAX);
	set.has_message_id = Frama_C_nondet(false, true);
	set.message_id = (uint16_t)Frama_C_unsigned_short_interval(0, UINT16_MAX);
	Frama_C_make_unknown(set.sop_class, sizeof(set.sop_class));
	Frama_C_make_unknown(set.sop_instance, sizeof(set.sop_instance));
	(void)command_response(&set, STATUS_NOT_AUTHORISED, "a comment", response);
	(void)command_response(&set, STATUS_SUCCESS, NULL, response);
}

int main(void)
{
	uint8_t memory[EVA_LENGTH + 1];
	size_t size = Frama_C_size_t_interval(0, EVA_LENGTH);
	struct command_set set;
	const char *detail;

	respond();
	//@ split size;
	const uint8_t *bytes = eva_bytes(memory, sizeof(memory), size);

	(void)command_parse(bytes, size, &set, &detail);
	Frama_C_show_each_end();
	return 0;
}
