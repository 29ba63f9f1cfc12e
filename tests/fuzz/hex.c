#include "hex.h"

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (4 * 1024 * 1024)

static int digit(int character)
{
	if (isdigit(character))
		return character - '0';
	return tolower(character) - 'a' + 10;
}

/* In place: the bytes are never more than the text. */
static bool decode(uint8_t *text, size_t size, size_t *ret_size)
{
	size_t out = 0;

	for (size_t i = 0; i < size; i++) {
		if (text[i] == '#') {
			while (i < size && text[i] != '\n')
				i++;
		} else if (text[i] == '"') {
			while (++i < size && text[i] != '"')
				text[out++] = text[i];
			if (i == size)
				return false;
		} else if (!isspace(text[i])) {
			if (i + 1 == size || !isxdigit(text[i]) || !isxdigit(text[i + 1]))
				return false;
			text[out++] = (uint8_t)(digit(text[i]) << 4 | digit(text[i + 1]));
			i++;
		}
	}
	*ret_size = out;
	return true;
}

void hex_read_file(const char *path, uint8_t **ret, size_t *ret_size)
{
	FILE *file = fopen(path, "rb");
	const char *suffix = strrchr(path, '.');

	*ret = malloc(FILE_MAX);
	if (file == NULL || *ret == NULL)
		err(2, "%s", path);
	*ret_size = fread(*ret, 1, FILE_MAX, file);
	if (ferror(file))
		err(2, "%s", path);
	fclose(file);
	if (suffix != NULL && strcmp(suffix, ".hex") == 0 &&
	    !decode(*ret, *ret_size, ret_size))
		errx(2, "%s: not hexadecimal digits, \"text\" and # comments", path);
}

void hex_each_file(const char *path, void (*each)(const char *path, void *context),
		   void *context)
{
	struct dirent **names;
	struct stat status;
	int count;

	if (stat(path, &status) < 0)
		err(2, "%s", path);
	if (!S_ISDIR(status.st_mode)) {
		each(path, context);
		return;
	}
	count = scandir(path, &names, NULL, alphasort);
	if (count < 0)
		err(2, "%s", path);
	for (int i = 0; i < count; i++) {
		char *file;

		if (asprintf(&file, "%s/%s", path, names[i]->d_name) < 0)
			err(2, "%s", path);
		if (stat(file, &status) == 0 && S_ISREG(status.st_mode))
			each(file, context);
		free(file);
		free(names[i]);
	}
	free(names);
}
