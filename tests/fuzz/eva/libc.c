/* Functions of libc of which Eva knows the contract alone. It couldn't tell then what
 * they make of bytes that it knows in part. */
#include <string.h>

size_t strnlen(const char *text, size_t most)
{
	size_t size = 0;

	while (size < most && text[size] != '\0')
		size++;
	return size;
}
