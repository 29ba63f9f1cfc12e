#include "key_kind.h"

#include <stddef.h>
#include <stdlib.h>

#include "cli/kit/complain.h"

static const unsigned rsa_bits[] = {
	[PKI_EC_P256] = 0,
	[PKI_RSA_2048] = 2048,
	[PKI_RSA_3072] = 3072,
	[PKI_RSA_4096] = 4096,
};

unsigned key_kind_rsa_bits(enum pki_algorithm algorithm)
{
	return rsa_bits[algorithm];
}

bool key_kind_take_rsa(void *field, const char *value)
{
	static const enum pki_algorithm algorithms[] = { PKI_RSA_2048, PKI_RSA_3072,
							 PKI_RSA_4096 };
	char *end = NULL;
	unsigned long bits = value ? strtoul(value, &end, 10) : 2048;

	for (size_t i = 0; (!end || *end == '\0') && i < 3; i++) {
		if (bits == key_kind_rsa_bits(algorithms[i])) {
			*(enum pki_algorithm *)field = algorithms[i];
			return true;
		}
	}
	complain("--rsa: \"%s\" is no size; write 2048, 3072 or 4096", value);
	return false;
}
