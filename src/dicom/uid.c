#include "uid.h"

#include <string.h>

int uid_copy(const uint8_t *bytes, size_t size, char ret[UID_MAX + 1])
{
	while (size > 0 && (bytes[size - 1] == '\0' || bytes[size - 1] == ' '))
		size--;
	if (size > UID_MAX)
		return -1;
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != '.' && (bytes[i] < '0' || bytes[i] > '9'))
			return -1;
	if (size > 0)
		memcpy(ret, bytes, size);
	ret[size] = '\0';
	return 0;
}
