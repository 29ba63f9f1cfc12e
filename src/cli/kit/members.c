#include "members.h"

#include <stdio.h>
#include <stdlib.h>

#include "moment.h"
#include "shown.h"

json_t *members_read(const char *line, size_t size)
{
	json_t *read = json_loadb(line, size, 0, NULL);
	if (json_is_object(read))
		return read;
	json_decref(read);
	return NULL;
}

const char *members_text(const json_t *line, const char *name)
{
	const char *text = json_string_value(json_object_get(line, name));
	return text ? text : "";
}

int64_t members_number(const json_t *line, const char *name)
{
	const json_t *number = json_object_get(line, name);
	return json_is_integer(number) && json_integer_value(number) >= 0
		       ? json_integer_value(number)
		       : -1;
}

json_t *members_shown(const char *text)
{
	json_t *string = json_string(text);
	char *shown = NULL;
	size_t size;
	FILE *to = string ? NULL : open_memstream(&shown, &size);
	if (!to)
		return string;
	shown_text(to, text);
	if (fclose(to) == 0)
		string = json_string(shown);
	free(shown);
	return string;
}

int64_t members_moment(const json_t *line)
{
	int64_t moment;
	return moment_parse(members_text(line, "time"), true, MOMENT_START, &moment)
		       ? MOMENT_NONE
		       : moment;
}
