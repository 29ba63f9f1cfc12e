#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cathgate/config/config.h"
#include "cathgate/base/log.h"

bool config_fault_is_error(const struct config_fault *fault)
{
	return fault->kind == CONFIG_ERROR || fault->kind == CONFIG_REFUSED;
}

static void out_of_memory(void)
{
	log_error("out of memory while reading the configuration");
	abort();
}

static char *fault_text(const struct config_place *place, const char *what)
{
	bool file = place && place->file;
	bool key = place && place->key;
	char line[16] = "";
	char *text;

	if (file && place->line > 0)
		snprintf(line, sizeof(line), ":%d", place->line);
	if (asprintf(&text, "%s%s%s%s%s%s", file ? place->file : "", line,
		     file ? ": " : "", key ? place->key : "", key ? ": " : "", what) < 0)
		out_of_memory();
	return text;
}

__attribute__((format(printf, 4, 0))) static void add_fault(
	struct config_faults *faults, struct config_fault fault,
	const struct config_place *place, const char *format, va_list arguments)
{
	struct config_fault *items;
	char *what;

	if (vasprintf(&what, format, arguments) < 0)
		out_of_memory();
	items = reallocarray(faults->items, faults->count + 1, sizeof(*items));
	if (!items)
		out_of_memory();
	fault.text = fault_text(place, what);
	items[faults->count++] = fault;
	faults->items = items;
	if (config_fault_is_error(&fault))
		faults->error_count++;
	if (fault.kind == CONFIG_CALENDAR)
		faults->calendar_count++;
	free(what);
}

void config_fault_add(struct config_faults *faults, enum config_fault_kind kind,
		      const struct config_place *place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_fault(faults, (struct config_fault){ .kind = kind }, place, format,
		  arguments);
	va_end(arguments);
}

void config_fault_calendar(struct config_faults *faults, enum reason reason,
			   const struct config_place *place, const char *format, ...)
{
	struct config_fault fault = { .kind = CONFIG_CALENDAR, .reason = reason };
	va_list arguments;

	va_start(arguments, format);
	add_fault(faults, fault, place, format, arguments);
	va_end(arguments);
}

const struct config_fault *config_faults_refused(const struct config_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++)
		if (faults->items[i].kind == CONFIG_REFUSED)
			return &faults->items[i];
	return NULL;
}

void config_faults_clear(struct config_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++)
		free(faults->items[i].text);
	free(faults->items);
	*faults = (struct config_faults){ 0 };
}
