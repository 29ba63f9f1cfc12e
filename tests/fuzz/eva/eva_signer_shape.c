/*
 * What the keeper is asked to sign: signer_shape_of, of a server's side up to the longest
 * message of TLS 1.2 and 1.3, and of a client's up to EVA_LENGTH bytes. A transcript that
 * is one has 45 at least.
 *
 * Eva sources: src/signer/shape.c
 * Eva options: -eva-auto-loop-unroll 300
 * Eva split: shape.c | if (size - at < HEAD_SIZE) | at
 */
#include "eva.h"
#include "cathgate/signer/shape.h"

#ifndef EVA_LENGTH
#define EVA_LENGTH 56
#endif
#define SERVER_LENGTH 210

static void ask(enum signer_side side, size_t most)
{
	uint8_t memory[SERVER_LENGTH + 1];
	size_t size = Frama_C_size_t_interval(0, most);

	//@ split size;
	const uint8_t *bytes = eva_bytes(memory, sizeof(memory), size);

	(void)signer_shape_of(side, bytes, size);
}

int main(void)
{
	if (Frama_C_nondet(0, 1))
		ask(SIGNER_SERVER, SERVER_LENGTH);
	else
		ask(SIGNER_CLIENT, EVA_LENGTH);
	Frama_C_show_each_end();
	return 0;
}
