/*
 * The heads of PDUs and of PDVs: pdu_head_read, and pdv_take until nothing is left.
 *
 * Eva sources: src/dicom/pdu.c
 * Eva options: -eva-split-return auto -eva-slevel-function main:100000
 * Eva split: pdu.c | *ret = (struct ul_pdv){ | size
 */
#include "eva.h"
#include "dicom/pdu.h"

#ifndef EVA_LENGTH
#define EVA_LENGTH 32
#endif

int main(void)
{
	uint8_t head[PDU_HEAD_SIZE], memory[EVA_LENGTH + 1];
	unsigned allowed = Frama_C_unsigned_int_interval(0, UINT32_MAX);
	size_t left = Frama_C_size_t_interval(0, EVA_LENGTH);
	struct pdu_head pdu;
	struct ul_pdv pdv;

	Frama_C_make_unknown((char *)head, sizeof(head));
	(void)!pdu_head_read(head, allowed, &pdu);
	//@ split left;
	const uint8_t *bytes = eva_bytes(memory, sizeof(memory), left);

	/* A PDV has six bytes at least. */
	//@ loop unroll EVA_LENGTH;
	while (pdv_take(&bytes, &left, &pdv)) {
		//@ split left;
		eva_read(pdv.data, pdv.size);
	}
	Frama_C_show_each_end();
	return 0;
}
