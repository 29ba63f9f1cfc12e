#include "plain.h"

json_t *plain(const char *value)
{
	char ascii[512];
	json_t *ret;
	size_t i;

	if (!value[0])
		return json_null();
	ret = json_string(value);
	if (ret)
		return ret;
	for (i = 0; value[i] && i < sizeof(ascii) - 1; i++)
		ascii[i] = value[i] >= 0x20 && value[i] < 0x7f ? value[i] : '?';
	ascii[i] = '\0';
	return json_string(ascii);
}
