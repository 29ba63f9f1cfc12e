/*
 * The observer's process, and what it is told: once a second, in a memory file, so that
 * nobody waits and a snapshot is whole or not there.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"
#include "cathgate/observer/observer.h"

#define TELL_MS	     1000
#define RESTART_MS   5000
#define KILL_WAIT_MS (OBSERVER_FINISH_MS + 500)

static int start(struct server *server)
{
	int line;
	pid_t pid = process_start(server, PROCESS_OBSERVER, &line);

	if (pid < 0)
		return -1;
	if (pid == 0)
		exit(observer_run(line, server->setup.config));
	server->observer.socket = line;
	server->observer.pid = pid;
	server->observer.tell_ms = 0;
	return 0;
}

static void hang_up(struct server *server)
{
	if (server->observer.socket >= 0)
		close(server->observer.socket);
	server->observer.socket = -1;
}

void observer_reaped(struct server *server)
{
	bool was_told_to = server->observer.socket < 0;

	server->observer.pid = 0;
	hang_up(server);
	if (was_told_to)
		return;
	log_error("the observer ended: metrics and status stand still until another "
		  "starts, in %d s",
		  RESTART_MS / 1000);
	server->observer.restart_ms = clock_ms() + RESTART_MS;
}

void observer_takes_handshake(struct server *server, const struct child *child)
{
	server->observer.handshakes++;
	histogram_count(&server->observer.handshake, clock_us() - child->began_us);
}

void observer_takes_figures(struct server *server, struct child *child,
			    const struct association_figures *now)
{
	struct association_figures *before = &child->figures;

	if (now->instances < before->instances || now->bytes < before->bytes)
		return;
	histogram_add_since(&server->observer.first_byte, &before->first_byte,
			    &now->first_byte);
	*before = *now;
	before->calling_ae.text[AE_TITLE_MAX] = '\0';
}

void observer_takes_sync(struct server *server, const struct histogram *sync)
{
	static const struct histogram none;
	struct histogram *before = &server->observer.sync_told;

	/* A new auditor counts from nothing. */
	if (histogram_total(sync) < histogram_total(before))
		*before = none;
	histogram_add_since(&server->observer.sync, before, sync);
	*before = *sync;
}

static const char *modality_name(const struct server *server, size_t i)
{
	return i == NOWHERE ? "" : server->setup.config->modalities[i].name;
}

static const char *destination_name(const struct server *server, size_t i)
{
	return i == NOWHERE ? "" : server->setup.config->destinations[i].name;
}

static void write_associations(const struct server *server, FILE *to)
{
	for (const struct child *c = server->first; c; c = c->next) {
		struct observer_association item = { .since = c->since,
						     .figures = c->figures };

		if (c->state != CHILD_PLACED)
			continue;
		memcpy(item.id, c->id, sizeof(item.id));
		memcpy(item.peer, c->peer, sizeof(item.peer));
		snprintf(item.modality, sizeof(item.modality), "%s",
			 modality_name(server, c->modality));
		snprintf(item.destination, sizeof(item.destination), "%s",
			 destination_name(server, c->destination));
		fwrite(&item, sizeof(item), 1, to);
	}
}

/* Of what bears one name, only one: of our own what ends first, of another's what it has
 * shown last. */
static bool is_shown(const struct warnings *warnings, size_t at)
{
	const struct warning *item = &warnings->items[at];
	bool is_own = item->owner == WARNINGS_OWN;

	if (is_own && !item->in_force)
		return false;
	for (size_t i = 0; i < warnings->count; i++) {
		const struct warning *other = &warnings->items[i];

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

static void write_ends(const struct server *server, FILE *to)
{
	static const enum observer_owner owners[] = {
		[WARNINGS_OWN] = OBSERVER_OWN,
		[WARNINGS_MODALITY] = OBSERVER_MODALITY,
		[WARNINGS_DESTINATION] = OBSERVER_DESTINATION,
	};

	for (size_t i = 0; i < server->warnings->count; i++) {
		const struct warning *from = &server->warnings->items[i];
		struct observer_end item = { .owner = owners[from->owner],
					     .is_crl = from->owner == WARNINGS_OWN &&
						       from->kind == TLS_END_CRL,
					     .until = from->until };

		if (!is_shown(server->warnings, i))
			continue;
		snprintf(item.name, sizeof(item.name), "%s", from->name);
		fwrite(&item, sizeof(item), 1, to);
	}
}

static void write_names(const struct server *server, FILE *to)
{
	const struct config *config = server->setup.config;
	struct observer_name name;

	for (size_t i = 0; i < config->modality_count; i++) {
		name = (struct observer_name){ 0 };
		snprintf(name.text, sizeof(name.text), "%s", config->modalities[i].name);
		fwrite(&name, sizeof(name), 1, to);
	}
	for (size_t i = 0; i < config->destination_count; i++) {
		name = (struct observer_name){ 0 };
		snprintf(name.text, sizeof(name.text), "%s",
			 config->destinations[i].name);
		fwrite(&name, sizeof(name), 1, to);
	}
}

static void write_head(const struct server *server, FILE *to)
{
	const struct observer *observer = &server->observer;
	struct observer_head head = {
		.started = observer->started,
		.started_us = observer->started_us,
		.pid = server->self,
		.is_ready = server->ready_said,
		.is_stopping = server->stopping,
		.is_auditor_ready = server->auditor_ready,
		.is_log_stuck = server->log_is_stuck || server->service.disk_waits,
		.log_lacks_room = server->log_lacks_room,
		.handshaking = server->handshaking,
		.placed = server->placed,
		.handshakes = observer->handshakes,
		.turned_away = observer->turned_away,
		.handshake = observer->handshake,
		.first_byte = observer->first_byte,
		.sync = observer->sync,
		.modality_count = (uint32_t)server->setup.config->modality_count,
		.destination_count = (uint32_t)server->setup.config->destination_count,
	};

	for (const struct child *c = server->first; c; c = c->next)
		head.association_count += c->state == CHILD_PLACED;
	for (size_t i = 0; i < server->warnings->count; i++)
		head.end_count += is_shown(server->warnings, i);
	fwrite(&head, sizeof(head), 1, to);
}

/* The descriptor of a memory file, at its beginning; -1 with errno. */
static int snapshot(const struct server *server)
{
	int fd = memfd_create("cathgate-snapshot", MFD_CLOEXEC);
	int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *to = copy < 0 ? NULL : fdopen(copy, "w");
	bool is_good = to != NULL;

	if (to) {
		write_head(server, to);
		write_associations(server, to);
		write_ends(server, to);
		write_names(server, to);
		is_good = fflush(to) == 0;
		is_good = fclose(to) == 0 && is_good;
	} else if (copy >= 0) {
		close(copy);
	}
	if (is_good)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static void tell(struct server *server)
{
	int fd = snapshot(server);
	char word = 'S';

	server->observer.tell_ms = clock_ms() + TELL_MS;
	if (fd < 0)
		return; /* its metrics say since when it has heard nothing */
	if (descriptors_send(server->observer.socket, &word, sizeof(word), &fd, 1,
			     MSG_DONTWAIT) != 0)
		log_debug("the observer doesn't listen: %s", strerror(errno));
	close(fd);
}

void observer_maintain(struct server *server)
{
	struct observer *observer = &server->observer;

	/* The auditor first: what it does to a broken log at its start is over then. */
	if (observer->pid == 0 && server->auditor_ready && !server->stopping &&
	    clock_ms() >= observer->restart_ms &&
	    observer_is_wanted(server->setup.config) && start(server) != 0) {
		log_error("the observer: %s: trying again", strerror(errno));
		observer->restart_ms = clock_ms() + RESTART_MS;
	}
	if (observer->socket >= 0 && clock_ms() >= observer->tell_ms)
		tell(server);
}

static bool differs(const struct config_file *a, const struct config_file *b)
{
	return a->path && b->path ? strcmp(a->path, b->path) != 0 : a->path != b->path;
}

void observer_renew(struct server *server, const struct config *before)
{
	const struct config *now = server->setup.config;

	server->observer.restart_ms = 0;
	if (differs(&before->metrics.textfile, &now->metrics.textfile) ||
	    differs(&before->control.socket, &now->control.socket))
		hang_up(server);
}

void observer_stop(struct server *server)
{
	if (server->observer.pid == 0)
		return;
	hang_up(server);
	if (!ends_within(server, server->observer.pid, KILL_WAIT_MS)) {
		kill(server->observer.pid, SIGKILL);
		waitpid(server->observer.pid, NULL, 0);
	}
	server->observer.pid = 0;
}
