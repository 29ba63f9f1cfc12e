#include "cathgate/audit/members.h"

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

	/* jansson returns 0 for what is no integer. */
	return json_is_integer(number) && json_integer_value(number) >= 0
		       ? json_integer_value(number)
		       : -1;
}
