#include "supervisor/settings/changes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/log.h"
#include "cathgate/base/utc.h"

#define KEYS_SIZE 400

void changes_add(struct changes *changes, const char *format, ...)
{
	char **items = reallocarray(changes->items, changes->count + 1, sizeof(*items));
	va_list arguments;
	char *text = NULL;

	if (!items) {
		log_error("no memory to say what has changed");
		return;
	}
	changes->items = items;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	if (!text)
		return;
	/* Two listeners can name one file: once is enough. */
	for (size_t i = 0; i < changes->count; i++) {
		if (strcmp(items[i], text) == 0) {
			free(text);
			return;
		}
	}
	items[changes->count++] = text;
}

void changes_clear(struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		free(changes->items[i]);
	free(changes->items);
	*changes = (struct changes){ 0 };
}

static void note_key(char *keys, const char *key, bool is_same)
{
	size_t used = strlen(keys);

	if (!is_same)
		snprintf(keys + used, KEYS_SIZE - used, "%s%s", used ? ", " : "", key);
}

static void compare_modality(const struct config *was, const struct config_modality *a,
			     const struct config *is, const struct config_modality *b,
			     struct changes *changes)
{
	char keys[KEYS_SIZE];

	config_entry_changes(a, b, keys, sizeof(keys));
	note_key(keys, "destination",
		 strcmp(was->destinations[a->destination].name,
			is->destinations[b->destination].name) == 0);
	if (keys[0])
		changes_add(changes, "modality %s changed (%s)", b->name, keys);
}

static void list_modalities(const struct config *was, const struct config *is,
			    struct changes *changes)
{
	for (size_t i = 0; i < is->modality_count; i++) {
		const struct config_modality *entry = &is->modalities[i];
		size_t before = settings_find_modality(was, entry->name);

		if (before == NOWHERE)
			changes_add(changes, "modality %s added", entry->name);
		else
			compare_modality(was, &was->modalities[before], is, entry,
					 changes);
	}
	for (size_t i = 0; i < was->modality_count; i++)
		if (settings_find_modality(is, was->modalities[i].name) == NOWHERE)
			changes_add(changes, "modality %s removed",
				    was->modalities[i].name);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_files(const struct config_files *a, const struct config_files *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; same && i < a->count; i++)
		same = same_text(a->items[i].path, b->items[i].path);
	return same;
}

bool changes_same_strings(const struct config_strings *a, const struct config_strings *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; same && i < a->count; i++)
		same = strcmp(a->items[i], b->items[i]) == 0;
	return same;
}

static void compare_tls(const struct config_tls *a, const struct config_tls *b,
			char *keys)
{
	note_key(keys, "tls", a->none == b->none);
	note_key(keys, "tls.certificate", same_files(&a->certificate, &b->certificate));
	note_key(keys, "tls.key", same_files(&a->key, &b->key));
	note_key(keys, "tls.ca", same_text(a->ca.path, b->ca.path));
	note_key(keys, "tls.crl", same_files(&a->crl, &b->crl));
	note_key(keys, "tls.min_version", a->min_version == b->min_version);
	note_key(keys, "tls.server_name", same_text(a->server_name, b->server_name));
	note_key(keys, "tls.public_key_sha256",
		 changes_same_strings(&a->public_key_sha256, &b->public_key_sha256));
}

static void compare_destination(const struct config_destination *a,
				const struct config_destination *b,
				struct changes *changes)
{
	char keys[KEYS_SIZE] = "";

	note_key(keys, "host", strcmp(a->host, b->host) == 0);
	note_key(keys, "port", a->port == b->port);
	note_key(keys, "called_ae_title",
		 ae_title_equal(&a->called_ae_title, &b->called_ae_title));
	note_key(keys, "calling_ae_title",
		 ae_title_equal(&a->calling_ae_title, &b->calling_ae_title));
	note_key(keys, "key_exchange", a->tls.key_exchange == b->tls.key_exchange);
	compare_tls(&a->tls, &b->tls, keys);
	if (keys[0])
		changes_add(changes, "destination %s changed (%s)", b->name, keys);
}

static const char *const kinds[] = { [TLS_END_CERTIFICATE] = "certificate",
				     [TLS_END_CA] = "CA",
				     [TLS_END_CRL] = "CRL of" };

/* The ends of one context. */
struct ends {
	const struct tls_end *items;
	size_t count;
};

static bool is_held(const struct ends *ends, const struct tls_end *wanted)
{
	for (size_t i = 0; i < ends->count; i++)
		if (ends->items[i].kind == wanted->kind &&
		    strcmp(ends->items[i].sha256, wanted->sha256) == 0)
			return true;
	return false;
}

/* How many are of that subject; *ret_same_file: whether one of these is in that file. */
static size_t count_alike(const struct ends *ends, const struct tls_end *wanted,
			  bool *ret_same_file)
{
	size_t count = 0;

	*ret_same_file = false;
	for (size_t i = 0; i < ends->count; i++) {
		const struct tls_end *end = &ends->items[i];

		if (end->kind != wanted->kind ||
		    strcmp(end->subject, wanted->subject) != 0)
			continue;
		count++;
		if (strcmp(end->path, wanted->path) == 0)
			*ret_same_file = true;
	}
	return count;
}

/* Whether `others` has one in the place of `end`, one of `ends`. Where two certificates
 * of ours have one subject, with different keys, the file tells them apart. */
static bool has_counterpart(const struct ends *others, const struct ends *ends,
			    const struct tls_end *end)
{
	bool is_there, is_here;
	size_t there = count_alike(others, end, &is_there);

	if (end->kind != TLS_END_CERTIFICATE)
		return there > 0;
	return is_there || (there == 1 && count_alike(ends, end, &is_here) == 1);
}

static void add_end(const struct ends *ends, const struct tls_end *end, const char *how,
		    struct changes *changes)
{
	char until[UTC_TEXT_SIZE];
	bool is_here;

	utc_date(end->until, until);
	if (end->kind == TLS_END_CERTIFICATE && count_alike(ends, end, &is_here) > 1)
		changes_add(changes, "%s %s (%s) %s, good until %s", kinds[end->kind],
			    end->subject, end->key, how, until);
	else if (end->kind == TLS_END_CRL && end->number[0])
		changes_add(changes, "%s %s %s, number %s, good until %s",
			    kinds[end->kind], end->subject, how, end->number, until);
	else
		changes_add(changes, "%s %s %s, good until %s", kinds[end->kind],
			    end->subject, how, until);
}

static void add_gone(const struct ends *ends, const struct tls_end *end,
		     struct changes *changes)
{
	bool is_here;

	if (end->kind == TLS_END_CERTIFICATE && count_alike(ends, end, &is_here) > 1)
		changes_add(changes, "%s %s (%s) gone", kinds[end->kind], end->subject,
			    end->key);
	else
		changes_add(changes, "%s %s gone", kinds[end->kind], end->subject);
}

/* Says which certificates and CRLs are new, and which are gone without a successor. */
static void compare_contexts(const struct tls_context *was, const struct tls_context *is,
			     struct changes *changes)
{
	struct ends before, now;

	if (!was || !is)
		return;
	before.items = tls_context_ends(was, &before.count);
	now.items = tls_context_ends(is, &now.count);
	for (size_t i = 0; i < now.count; i++)
		if (!is_held(&before, &now.items[i]))
			add_end(&now, &now.items[i],
				has_counterpart(&before, &now, &now.items[i]) ? "renewed"
									      : "added",
				changes);
	for (size_t i = 0; i < before.count; i++)
		if (!is_held(&now, &before.items[i]) &&
		    !has_counterpart(&now, &before, &before.items[i]))
			add_gone(&before, &before.items[i], changes);
}

static void list_destinations(const struct settings *before, const struct settings *now,
			      struct changes *changes)
{
	const struct config *was = before->config, *is = now->config;

	for (size_t i = 0; i < is->destination_count; i++) {
		const struct config_destination *destination = &is->destinations[i];
		size_t at = settings_find_destination(was, destination->name);

		if (at == NOWHERE) {
			changes_add(changes, "destination %s added", destination->name);
			continue;
		}
		compare_destination(&was->destinations[at], destination, changes);
		compare_contexts(before->clients[at], now->clients[i], changes);
	}
	for (size_t i = 0; i < was->destination_count; i++)
		if (settings_find_destination(is, was->destinations[i].name) == NOWHERE)
			changes_add(changes, "destination %s removed",
				    was->destinations[i].name);
}

static void add_listener(struct changes *changes, const struct config_listen *listen,
			 const char *what)
{
	if (listen->socket)
		changes_add(changes, "listener %s %s", listen->socket, what);
	else
		changes_add(changes, "listener %s port %u %s", listen->address,
			    listen->port, what);
}

static void list_listeners(const struct settings *before, const struct settings *now,
			   struct changes *changes)
{
	const struct config *was = before->config, *is = now->config;

	for (size_t i = 0; i < is->listen_count; i++) {
		const struct config_listen *listen = &is->listen[i];
		size_t at = settings_find_listen(was, is, i);
		char keys[KEYS_SIZE] = "", what[KEYS_SIZE + 16];

		if (at == NOWHERE) {
			add_listener(changes, listen, "added");
			continue;
		}
		compare_tls(&was->listen[at].tls, &listen->tls, keys);
		if (keys[0]) {
			snprintf(what, sizeof(what), "changed (%s)", keys);
			add_listener(changes, listen, what);
		}
		compare_contexts(before->servers[at], now->servers[i], changes);
	}
	for (size_t i = 0; i < was->listen_count; i++)
		if (settings_find_listen(is, was, i) == NOWHERE)
			add_listener(changes, &was->listen[i], "removed");
}

/* Its mode is in the entries, and its folder stays until a restart. */
static void compare_spool(const struct config_spool *a, const struct config_spool *b,
			  struct changes *changes)
{
	char keys[KEYS_SIZE] = "";

	note_key(keys, "key", same_files(&a->key, &b->key));
	note_key(keys, "public_key", same_text(a->public_key.path, b->public_key.path));
	note_key(keys, "max_bytes", a->max_bytes == b->max_bytes);
	note_key(keys, "min_free_bytes", a->min_free_bytes == b->min_free_bytes);
	note_key(keys, "accept", changes_same_strings(&a->accept, &b->accept));
	note_key(keys, "retry_first_seconds",
		 a->retry_first_seconds == b->retry_first_seconds);
	note_key(keys, "retry_max_seconds", a->retry_max_seconds == b->retry_max_seconds);
	note_key(keys, "give_up_hours", a->give_up_hours == b->give_up_hours);
	note_key(keys, "duplicate_hours", a->duplicate_hours == b->duplicate_hours);
	note_key(keys, "resend", a->resend == b->resend);
	note_key(keys, "on_conflict", a->on_conflict == b->on_conflict);
	if (keys[0])
		changes_add(changes, "spool changed (%s)", keys);
}

void changes_list(const struct settings *before, const struct settings *now,
		  struct changes *ret)
{
	char keys[2 * KEYS_SIZE];

	list_modalities(before->config, now->config, ret);
	list_destinations(before, now, ret);
	list_listeners(before, now, ret);
	compare_spool(&before->config->spool, &now->config->spool, ret);
	config_limits_changes(&before->config->limits, &now->config->limits, keys,
			      sizeof(keys));
	if (keys[0])
		changes_add(ret, "%s", keys);
	if (!changes_same_strings(&before->config->alerts.command,
				  &now->config->alerts.command))
		changes_add(ret, "alerts.command changed");
}
