/*
 * What each fuzzer is: one function that takes any bytes. It is called by libFuzzer, or
 * by replay.c over files; it aborts when a promise of the parser's header does not hold.
 */
#ifndef CATHGATE_FUZZ_H
#define CATHGATE_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define FUZZ_REQUIRE(what)                                                      \
	do {                                                                    \
		if (!(what)) {                                                  \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, \
				__LINE__, #what);                               \
			abort();                                                \
		}                                                               \
	} while (0)

#endif
