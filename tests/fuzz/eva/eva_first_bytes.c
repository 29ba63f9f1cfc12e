/*
 * The peer's first bytes on a TLS port, by which the gateway tells plain DICOM and HTTP
 * from TLS: other_language, which is static.
 *
 * Eva sources:
 * Eva options: -eva-auto-loop-unroll 100
 */
#include "eva.h"
#include "tls/handshake.c"

int main(void)
{
	uint8_t memory[4 + 1];
	size_t size = Frama_C_size_t_interval(1, 4);

	//@ split size;
	const uint8_t *bytes = eva_bytes(memory, sizeof(memory), size);

	(void)other_language(bytes, size, Frama_C_nondet(false, true));
	Frama_C_show_each_end();
	return 0;
}
