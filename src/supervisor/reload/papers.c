/*
 * What associations that are open are brought of a new set: each its own entry, and whom
 * its listener and its destination's side believe now. Each is written once, into memory
 * that is sealed, and handed to all whom it concerns; nothing comes back.
 */
#include "supervisor/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"

struct paper {
	bool made;
	int fd;
};

struct papers {
	struct paper *entries;		 /* one a modality */
	struct paper *servers, *clients; /* one a listen entry, one a destination */
	struct paper *ways;		 /* likewise */
	size_t entry_count, server_count, client_count;
};

static int seal(const uint8_t *bytes, size_t size)
{
	int fd = memfd_create("cathgate-paper", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t written = 0;

	while (fd >= 0 && written < size) {
		ssize_t count = write(fd, bytes + written, size - written);

		if (count <= 0) {
			close(fd);
			return -1;
		}
		written += (size_t)count;
	}
	if (fd >= 0)
		fcntl(fd, F_ADD_SEALS,
		      F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	return fd;
}

/* Takes over the bytes. */
static void keep(struct paper *paper, uint8_t *bytes, size_t size)
{
	paper->fd = seal(bytes, size);
	paper->made = paper->fd >= 0;
	free(bytes);
}

static int entry_paper(struct server *server, size_t modality)
{
	struct paper *paper = &server->papers->entries[modality];
	const struct config_modality *entry = &server->setup.config->modalities[modality];
	uint8_t *bytes = NULL;
	size_t size = 0;

	if (!paper->made && config_entry_pack(entry, &bytes, &size) == 0)
		keep(paper, bytes, size);
	return paper->made ? paper->fd : -1;
}

/* False when it can't be made: then nothing may be brought, since without it the old
 * trust would stay. */
static bool trust_paper(struct paper *paper, const struct tls_context *context, int *ret)
{
	uint8_t *bytes = NULL;
	size_t size = 0;

	if (!context)
		return true; /* there is none */
	if (!paper->made && tls_trust_pack(context, &bytes, &size) == 0)
		keep(paper, bytes, size);
	if (paper->made)
		*ret = paper->fd;
	return paper->made;
}

static int way_paper(struct server *server, size_t destination)
{
	struct paper *paper = &server->papers->ways[destination];
	struct association_way *way = paper->made ? NULL : malloc(sizeof(*way));

	if (way) {
		association_way_of(&server->setup.config->destinations[destination],
				   &server->setup.addresses[destination], way);
		keep(paper, (uint8_t *)way, sizeof(*way));
	}
	return paper->made ? paper->fd : -1;
}

static void close_all(struct paper *list, size_t count)
{
	for (size_t i = 0; list && i < count; i++)
		if (list[i].made)
			close(list[i].fd);
	free(list);
}

void papers_free(struct server *server)
{
	struct papers *papers = server->papers;

	if (!papers)
		return;
	close_all(papers->entries, papers->entry_count);
	close_all(papers->servers, papers->server_count);
	close_all(papers->clients, papers->client_count);
	close_all(papers->ways, papers->client_count);
	free(papers);
	server->papers = NULL;
}

static int papers_begin(struct server *server)
{
	const struct config *config = server->setup.config;
	struct papers *papers;

	if (server->papers)
		return 0;
	papers = calloc(1, sizeof(*papers));
	if (!papers)
		return -1;
	server->papers = papers;
	papers->entry_count = config->modality_count;
	papers->server_count = config->listen_count;
	papers->client_count = config->destination_count;
	papers->entries = calloc(papers->entry_count, sizeof(*papers->entries));
	papers->servers = calloc(papers->server_count, sizeof(*papers->servers));
	papers->clients = calloc(papers->client_count, sizeof(*papers->clients));
	papers->ways = calloc(papers->client_count, sizeof(*papers->ways));
	if (papers->entries && papers->servers && papers->clients && papers->ways)
		return 0;
	papers_free(server);
	return -1;
}

/* Those that concern the child, -1 where there is none. An association goes on to the
 * destination that it was opened for, by the way that leads there now; if its entry has
 * another, it is brought none. */
static bool collect(struct server *server, const struct child *child,
		    int ret[ASSOCIATION_PAPER_COUNT])
{
	const struct setup *setup = &server->setup;

	for (size_t i = 0; i < ASSOCIATION_PAPER_COUNT; i++)
		ret[i] = -1;
	if (papers_begin(server) != 0)
		return false;
	if (child->listener != NOWHERE &&
	    !trust_paper(&server->papers->servers[child->listener],
			 setup->servers[child->listener], &ret[ASSOCIATION_SERVER_TRUST]))
		return false;
	if (child->destination != NOWHERE &&
	    !trust_paper(&server->papers->clients[child->destination],
			 setup->clients[child->destination],
			 &ret[ASSOCIATION_CLIENT_TRUST]))
		return false;
	if (child->modality == NOWHERE)
		return true;
	ret[ASSOCIATION_ENTRY] = entry_paper(server, child->modality);
	if (child->destination == NOWHERE ||
	    setup->config->modalities[child->modality].destination != child->destination)
		return ret[ASSOCIATION_ENTRY] >= 0;
	ret[ASSOCIATION_WAY] = way_paper(server, child->destination);
	return ret[ASSOCIATION_ENTRY] >= 0 && ret[ASSOCIATION_WAY] >= 0;
}

bool papers_bring(struct server *server, struct child *child)
{
	struct association_notice word = { .kind = ASSOCIATION_REVISED };
	int papers[ASSOCIATION_PAPER_COUNT], present[ASSOCIATION_PAPER_COUNT];
	size_t count = 0;

	if (!collect(server, child, papers)) {
		log_error("association %s: no memory or descriptors to bring it the new "
			  "configuration: trying again",
			  child->id);
		return false;
	}
	for (unsigned i = 0; i < ASSOCIATION_PAPER_COUNT; i++) {
		if (papers[i] < 0)
			continue;
		word.papers |= 1U << i;
		present[count++] = papers[i];
	}
	if (descriptors_send(child->line, &word, sizeof(word), present, count,
			     MSG_DONTWAIT) != 0)
		return false;
	child->reloads = server->reloads;
	return true;
}

/* One that is not heard of with its entry asks for its place first, and is told then. */
void papers_maintain(struct server *server)
{
	bool all_told = true;

	for (struct child *c = server->first; c; c = c->next)
		if (c->state == CHILD_PLACED && c->line >= 0 &&
		    c->reloads != server->reloads && !papers_bring(server, c))
			all_told = false;
	if (all_told)
		papers_free(server);
}

void papers_renew(struct server *server)
{
	papers_free(server);
	server->reloads++;
	papers_maintain(server);
}
