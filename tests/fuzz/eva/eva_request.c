/*
 * The A-ASSOCIATE-RQ: ul_mend_request, which reads its structure and writes it anew. Once
 * with any bytes, up to EVA_LENGTH of them, 74 of which are the fixed part; and to see
 * more of the items' insides, with one presentation context of any EVA_BODY bytes or
 * fewer, and with a context without syntaxes and user information of as many.
 *
 * Eva sources: src/dicom/request.c src/dicom/uid.c
 * Eva options: -eva-auto-loop-unroll 300 -eva-min-loop-unroll 8
 * Eva options: -eva-slevel 500 -eva-split-return auto
 * Eva split: request.c | *ret_type = list->at[0]; | size
 * Eva split: request.c | *ret_field = (struct span){ | size
 * Eva split: request.c | if (type == ITEM_CONTEXT) | left.left
 * Eva split: request.c | if (type == ITEM_TRANSFER_SYNTAX && | body.left
 * Eva split: request.c | fault = mend_user_item( | body.left
 * Eva split: request.c | if (type == ITEM_USER_INFORMATION) | items.left
 * Eva split: uid.c | if (size > 0) | size
 * Eva alarm: request.c:end_item 1: what is written only grows, so size >= began
 */
#include "eva.h"
#include "cathgate/dicom/upper_layer.h"

#include <stdlib.h>

#ifndef EVA_LENGTH
#define EVA_LENGTH 82
#endif
#ifndef EVA_BODY
#define EVA_BODY 12
#endif
#define FIXED 74
#define HEAD  4 /* of an item */

static void mend(const uint8_t *bytes, size_t size)
{
	uint8_t *mended;
	size_t mended_size;
	const char *detail;

	if (ul_mend_request(bytes, size, &mended, &mended_size, &detail) == UL_REQUEST_OK)
		free(mended);
}

static void any(void)
{
	uint8_t memory[EVA_LENGTH + 1];
	size_t size = Frama_C_size_t_interval(0, EVA_LENGTH);

	//@ split size;
	mend(eva_bytes(memory, sizeof(memory), size), size);
}

static void put_head(uint8_t *at, uint8_t type, size_t size)
{
	at[0] = type;
	at[1] = 0;
	at[2] = 0;
	at[3] = (uint8_t)size;
}

static void one_context(void)
{
	uint8_t memory[FIXED + HEAD + EVA_BODY + 1];
	size_t body = Frama_C_size_t_interval(0, EVA_BODY);

	//@ split body;
	eva_bytes(memory, sizeof(memory), FIXED + HEAD + body);
	put_head(memory + sizeof(memory) - body - HEAD, 0x20, body);
	mend(memory + sizeof(memory) - body - HEAD - FIXED, FIXED + HEAD + body);
}

static void user_information(void)
{
	uint8_t memory[FIXED + HEAD + HEAD + HEAD + EVA_BODY + 1];
	size_t body = Frama_C_size_t_interval(0, EVA_BODY);

	//@ split body;
	uint8_t *items = memory + sizeof(memory) - body - 3 * HEAD;

	eva_bytes(memory, sizeof(memory), FIXED + 3 * HEAD + body);
	put_head(items, 0x20, HEAD);
	put_head(items + HEAD, 1, 0); /* the context's id */
	put_head(items + HEAD + HEAD, 0x50, body);
	mend(items - FIXED, FIXED + 3 * HEAD + body);
}

int main(void)
{
	switch (Frama_C_interval(0, 2)) {
	case 0:
		any();
		break;
	case 1:
		one_context();
		break;
	default:
		user_information();
	}
	Frama_C_show_each_end();
	return 0;
}
