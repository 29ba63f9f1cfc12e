#include "supervisor/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"
#include "cathgate/observer/observer.h"

#define TELL_MS	      1000
#define HEARD_AT_ONCE 64

void snapshot_add_association(struct snapshot *snapshot,
			      struct association_figures *before,
			      const struct association_figures *now)
{
	if (now->instances < before->instances || now->bytes < before->bytes)
		return;
	histogram_add_since(&snapshot->first_byte, &before->first_byte, &now->first_byte);
	*before = *now;
	before->calling_ae.text[AE_TITLE_MAX] = '\0';
}

void snapshot_add_sync(struct snapshot *snapshot, const struct histogram *sync)
{
	/* A new auditor counts from nothing. */
	if (histogram_total(sync) < histogram_total(&snapshot->sync_told))
		snapshot->sync_told = (struct histogram){ 0 };
	histogram_add_since(&snapshot->sync, &snapshot->sync_told, sync);
	snapshot->sync_told = *sync;
}

static void write_associations(const struct server *server, FILE *to)
{
	const struct config *config = server->settings.config;

	for (const struct place *p = server->gate.places.first; p; p = p->next) {
		struct observer_association item = { .since = p->since,
						     .figures = p->figures };

		if (p->state != PLACE_HELD)
			continue;
		memcpy(item.id, p->id, sizeof(item.id));
		memcpy(item.peer, p->peer, sizeof(item.peer));
		if (p->modality != NOWHERE)
			snprintf(item.modality, sizeof(item.modality), "%s",
				 config->modalities[p->modality].name);
		if (p->destination != NOWHERE)
			snprintf(item.destination, sizeof(item.destination), "%s",
				 config->destinations[p->destination].name);
		fwrite(&item, sizeof(item), 1, to);
	}
}

/* Several warnings may have one name, and one of them is shown: of our own that which
 * ends first, of another's that which was seen last. */
static bool is_shown(const struct warning_list *list, size_t at)
{
	const struct warning *item = &list->items[at];
	bool is_own = item->owner == WARNING_OWN;

	if (is_own && !item->in_force)
		return false;
	for (size_t i = 0; i < list->count; i++) {
		const struct warning *other = &list->items[i];

		if (i == at || other->owner != item->owner || other->kind != item->kind ||
		    (is_own && !other->in_force) || strcmp(other->name, item->name) != 0)
			continue;
		if (is_own ? other->until < item->until
			   : other->seen > item->seen ||
				     (other->seen == item->seen && i > at))
			return false;
	}
	return true;
}

static void write_ends(const struct warning_list *list, FILE *to)
{
	static const enum observer_owner owners[] = {
		[WARNING_OWN] = OBSERVER_OWN,
		[WARNING_MODALITY] = OBSERVER_MODALITY,
		[WARNING_DESTINATION] = OBSERVER_DESTINATION,
	};

	for (size_t i = 0; i < list->count; i++) {
		const struct warning *from = &list->items[i];
		struct observer_end item = { .owner = owners[from->owner],
					     .is_crl = from->owner == WARNING_OWN &&
						       from->kind == TLS_END_CRL,
					     .until = from->until };

		if (!is_shown(list, i))
			continue;
		snprintf(item.name, sizeof(item.name), "%s", from->name);
		fwrite(&item, sizeof(item), 1, to);
	}
}

/* Those of a destination that the configuration doesn't name any more; NULL: there are
 * none. */
static const struct spooler_figures *find_strays(const struct server *server)
{
	const struct spooler_figures *strays = spooling_figures(&server->spooling, "");

	return strays && strays->objects + strays->held + strays->dead > 0 ? strays
									   : NULL;
}

static uint32_t count_spool(const struct server *server)
{
	const struct config *config = server->settings.config;

	return config_has_spool(config) ? (uint32_t)config->destination_count +
						  (find_strays(server) != NULL)
					: 0;
}

/* Each destination has its figures from the start, also before the spooler tells any. */
static void write_spool(const struct server *server, FILE *to)
{
	const struct config *config = server->settings.config;
	const struct spooler_figures *strays = find_strays(server);

	if (!config_has_spool(config))
		return;
	for (size_t i = 0; i < config->destination_count; i++) {
		const char *name = config->destinations[i].name;
		const struct spooler_figures *known =
			spooling_figures(&server->spooling, name);
		struct spooler_figures figures = { .objects = 0 };

		if (known)
			figures = *known;
		snprintf(figures.destination, sizeof(figures.destination), "%s", name);
		fwrite(&figures, sizeof(figures), 1, to);
	}
	if (strays)
		fwrite(strays, sizeof(*strays), 1, to);
}

static struct observer_spool describe_spool(const struct server *server)
{
	const struct config *config = server->settings.config;
	const struct spooler_figures *last = &server->spooling.last;

	return (struct observer_spool){
		.is_there = config_has_spool(config),
		.is_full = last->is_full,
		.give_up_hours = config->spool.give_up_hours,
		.missing_seconds = spooling_missing_seconds(&server->spooling),
		.used = last->used,
		.most = (uint64_t)config->spool.max_bytes,
		.room = server->spooling.count > 0 ? last->room : UINT64_MAX,
		.strangers = last->strangers,
	};
}

static void write_name(const char *text, FILE *to)
{
	struct observer_name name = { "" };

	snprintf(name.text, sizeof(name.text), "%s", text);
	fwrite(&name, sizeof(name), 1, to);
}

static void write_totals(const struct server *server, FILE *to)
{
	const struct snapshot *snapshot = &server->snapshot;
	const struct auditing *auditing = &server->auditing;
	const struct warning_list *list = &server->warnings.list;
	struct observer_head head = {
		.started = server->started_utc_us / 1000000,
		.started_us = server->started_us,
		.pid = server->parent.pid,
		.is_ready = server->is_ready,
		.is_stopping = server->is_stopping,
		.is_auditor_ready = auditing->helper->is_ready,
		.is_keeper_ready = server->keeping.helper->is_ready,
		.is_log_stuck = auditing->log_is_stuck || server->manager.disk_waits,
		.log_lacks_room = auditing->log_lacks_room,
		.handshaking = server->gate.places.handshaking,
		.placed = server->gate.places.held,
		.association_count = server->gate.places.held,
		.handshakes = histogram_total(&snapshot->handshake),
		.turned_away = server->gate.visitors.turned_away,
		.verdict = snapshot->verdict,
		.files = snapshot->files,
		.handshake = snapshot->handshake,
		.first_byte = snapshot->first_byte,
		.alerts = snapshot->alerts,
		.sync = snapshot->sync,
		.spool = describe_spool(server),
		.modality_count = (uint32_t)server->settings.config->modality_count,
		.destination_count = (uint32_t)server->settings.config->destination_count,
	};

	snprintf(head.lacks_landlock, sizeof(head.lacks_landlock), "%s",
		 server->sandboxes.lacks_landlock);
	for (size_t i = 0; i < list->count; i++)
		head.end_count += is_shown(list, i);
	head.spool_count = count_spool(server);
	fwrite(&head, sizeof(head), 1, to);
}

static void write_snapshot(const struct server *server, FILE *to)
{
	const struct config *config = server->settings.config;

	write_totals(server, to);
	write_associations(server, to);
	write_ends(&server->warnings.list, to);
	write_spool(server, to);
	for (size_t i = 0; i < config->modality_count; i++)
		write_name(config->modalities[i].name, to);
	for (size_t i = 0; i < config->destination_count; i++)
		write_name(config->destinations[i].name, to);
}

/* What can't be told is told a second later. */
static void tell(const struct server *server, const struct helper *const *helpers,
		 size_t count)
{
	int fd = memfd_create("cathgate-snapshot", MFD_CLOEXEC);
	FILE *to = fd < 0 ? NULL : fdopen(fd, "w");
	char byte = 'S';

	if (to) {
		write_snapshot(server, to);
		if (fflush(to) != 0)
			count = 0;
		for (size_t i = 0; i < count; i++)
			if (helpers[i]->channel >= 0 &&
			    descriptors_send(helpers[i]->channel, &byte, sizeof(byte),
					     &fd, 1, MSG_DONTWAIT) != 0)
				log_debug("%s doesn't listen: %s",
					  helpers[i]->role->context, strerror(errno));
		fclose(to);
	} else if (fd >= 0) {
		close(fd);
	}
}

/* A new alerter counts from nothing. */
static void hear_alerter(struct snapshot *snapshot, const struct helper *alerter)
{
	struct alerter_totals now, *told = &snapshot->alerts_told;

	if (alerter->channel < 0)
		return;
	/* One that floods the channel is not waited for. */
	for (int i = 0; i < HEARD_AT_ONCE && recv(alerter->channel, &now, sizeof(now),
						  MSG_DONTWAIT) == sizeof(now);
	     i++) {
		if (now.done < told->done || now.failed < told->failed ||
		    now.dropped < told->dropped)
			*told = (struct alerter_totals){ 0 };
		snapshot->alerts.done += now.done - told->done;
		snapshot->alerts.failed += now.failed - told->failed;
		snapshot->alerts.dropped += now.dropped - told->dropped;
		*told = now;
	}
}

void snapshot_maintain(struct server *server)
{
	const struct helper *const helpers[] = { &server->helpers[ROLES_OBSERVER],
						 &server->helpers[ROLES_ALERTER] };
	struct snapshot *snapshot = &server->snapshot;
	bool is_new = false, listens = false;

	for (size_t i = 0; i < 2; i++) {
		listens |= helpers[i]->channel >= 0;
		is_new |= helpers[i]->channel >= 0 &&
			  helpers[i]->generation != snapshot->told[i];
	}
	if (!listens || (!is_new && clock_ms() < snapshot->tell_ms))
		return;
	snapshot->tell_ms = clock_ms() + TELL_MS;
	for (size_t i = 0; i < 2; i++)
		snapshot->told[i] = helpers[i]->generation;
	hear_alerter(snapshot, helpers[1]);
	tell(server, helpers, 2);
}

static void tell_now(struct server *server)
{
	server->snapshot.tell_ms = 0;
	snapshot_maintain(server);
}

void snapshot_tell_verdict(struct server *server, const struct observer_verdict *verdict)
{
	server->snapshot.verdict = *verdict;
	if (!verdict->is_refused)
		server->snapshot.files = (struct observer_verdict){ 0 };
	tell_now(server);
}

void snapshot_tell_files(struct server *server, const struct observer_verdict *verdict)
{
	server->snapshot.files = *verdict;
	tell_now(server);
}
