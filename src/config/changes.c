/* The keys in which two configurations differ. */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cathgate/config/config.h"

struct list {
	char *text;
	size_t size, used;
};

static void add_change(struct list *list, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_change(struct list *list, const char *format, ...)
{
	va_list arguments;

	if (list->used > 0 && list->used < list->size)
		list->used += (size_t)snprintf(list->text + list->used,
					       list->size - list->used, ", ");
	if (list->used >= list->size)
		return;
	va_start(arguments, format);
	list->used += (size_t)vsnprintf(list->text + list->used, list->size - list->used,
					format, arguments);
	va_end(arguments);
}

#define LIMIT(key)                                        \
	{                                                 \
#key, offsetof(struct config_limits, key) \
	}

struct number {
	const char *key;
	size_t offset;
};

static const struct number long_numbers[] = {
	LIMIT(max_bytes_per_address_per_second),
	LIMIT(max_object_bytes),
};

static const struct number numbers[] = {
	LIMIT(max_associations),
	LIMIT(max_handshakes),
	LIMIT(max_associations_per_address),
	LIMIT(handshakes_per_address_per_minute),
	LIMIT(instances_per_address_per_minute),
	LIMIT(max_pdu_bytes),
	LIMIT(handshake_seconds),
	LIMIT(associate_seconds),
	LIMIT(idle_seconds),
	LIMIT(store_seconds),
	LIMIT(min_bytes_per_second),
	LIMIT(connect_seconds),
	LIMIT(response_seconds),
	LIMIT(grace_seconds),
};

void config_limits_changes(const struct config_limits *before,
			   const struct config_limits *now, char *ret, size_t size)
{
	struct list list = { .text = ret, .size = size };

	ret[0] = '\0';
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		unsigned was, is;

		memcpy(&was, (const char *)before + numbers[i].offset, sizeof(was));
		memcpy(&is, (const char *)now + numbers[i].offset, sizeof(is));
		if (was != is)
			add_change(&list, "limits.%s %u to %u", numbers[i].key, was, is);
	}
	for (size_t i = 0; i < sizeof(long_numbers) / sizeof(long_numbers[0]); i++) {
		int64_t was, is;

		memcpy(&was, (const char *)before + long_numbers[i].offset, sizeof(was));
		memcpy(&is, (const char *)now + long_numbers[i].offset, sizeof(is));
		if (was != is)
			add_change(&list, "limits.%s %" PRId64 " to %" PRId64,
				   long_numbers[i].key, was, is);
	}
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

void config_fixed_changes(const struct config *before, const struct config *now,
			  char *ret, size_t size)
{
	const struct config_audit *was = &before->audit, *is = &now->audit;
	const struct {
		const char *key;
		bool same;
	} keys[] = {
		{ "gateway.name", same_text(before->gateway_name, now->gateway_name) },
		{ "audit.file", same_text(was->file.path, is->file.path) },
		{ "audit.signing_key",
		  same_text(was->signing_key.path, is->signing_key.path) },
		{ "audit.pseudonym_key",
		  same_text(was->pseudonym_key.path, is->pseudonym_key.path) },
		{ "audit.patient_id", was->patient_id == is->patient_id },
		{ "audit.checkpoint_records",
		  was->checkpoint_records == is->checkpoint_records },
		{ "audit.checkpoint_seconds",
		  was->checkpoint_seconds == is->checkpoint_seconds },
		{ "audit.rotate_bytes", was->rotate_bytes == is->rotate_bytes },
		{ "audit.rotate_hours", was->rotate_hours == is->rotate_hours },
		{ "audit.reserve_bytes", was->reserve_bytes == is->reserve_bytes },
		{ "audit.keep_days", was->keep_days == is->keep_days },
		{ "audit.messages", same_text(was->messages.path, is->messages.path) },
		{ "audit.journal", was->journal == is->journal },
		{ "spool.directory",
		  same_text(before->spool.directory.path, now->spool.directory.path) },
		{ "sandbox.landlock", before->sandbox.landlock == now->sandbox.landlock },
	};
	struct list list = { .text = ret, .size = size };

	ret[0] = '\0';
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!keys[i].same)
			add_change(&list, "%s", keys[i].key);
}
