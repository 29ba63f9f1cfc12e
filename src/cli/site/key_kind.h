/*
 * The kind of key that a command is to make: EC on P-256 unless RSA is asked for.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/pki/pki.h"

/* Takes the value of `--rsa[=BITS]` (NULL: without one) into an enum pki_algorithm. False
 * with a message. */
bool key_kind_take_rsa(void *field, const char *value);
/* 0 of an EC key. */
unsigned key_kind_rsa_bits(enum pki_algorithm algorithm);
