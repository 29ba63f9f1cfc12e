#include "cathgate/audit/summed.h"

#include <stdlib.h>
#include <string.h>

#define FROM		 " more from "
#define FROM_OTHERS	 " more from other addresses"
#define FROM_ANY	 " more from any address: "
#define AT_ACCEPT	 " connections closed at accept"
#define ACCEPT_OF_OTHERS AT_ACCEPT ", from other addresses"
#define COUNT_DIGITS_MAX 18

/* What follows the number at the beginning; NULL where there is none. */
static const char *behind_number(const char *association, const char *detail)
{
	size_t digits = strspn(detail, "0123456789");

	return association[0] || digits == 0 || digits > COUNT_DIGITS_MAX
		       ? NULL
		       : detail + digits;
}

static bool begins(const char *text, const char *with)
{
	return text && strncmp(text, with, strlen(with)) == 0;
}

bool summed_is(const char *association, const char *detail)
{
	const char *behind = behind_number(association, detail);

	return begins(behind, FROM) || begins(behind, AT_ACCEPT);
}

uint64_t summed_count(const char *association, const char *detail)
{
	return summed_is(association, detail) ? strtoull(detail, NULL, 10) : 1;
}

const char *summed_detail(const char *association, const char *detail)
{
	const char *behind = behind_number(association, detail);
	const char *colon = begins(behind, FROM) ? strstr(behind, ": ") : NULL;

	return colon ? colon + 2 : detail;
}

bool summed_is_of_others(const char *association, const char *detail)
{
	const char *behind = behind_number(association, detail);

	return begins(behind, FROM_OTHERS) || begins(behind, FROM_ANY) ||
	       begins(behind, ACCEPT_OF_OTHERS);
}
