/*
 * Seeds as text: pairs of hexadecimal digits, "text" for the characters it holds, a # and
 * what follows it on the line for people; white space does not count.
 */
#ifndef CATHGATE_FUZZ_HEX_H
#define CATHGATE_FUZZ_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Reads a whole file and, if its name ends in .hex, decodes it. *ret is malloc'd, the
 * caller's. Ends the program when the file cannot be read or is no such text. */
void hex_read_file(const char *path, uint8_t **ret, size_t *ret_size);

/* Calls `each` for every plain file in a directory, or for the path itself. */
void hex_each_file(const char *path, void (*each)(const char *path, void *context),
		   void *context);

#endif
