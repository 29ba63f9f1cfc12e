#include "supervisor/gate/gate.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"
#include "cathgate/outbound/outbound.h"

struct paper {
	bool made;
	int fd;
};

/* By kind: one for each modality, listen entry or destination. */
struct papers {
	struct paper *lists[ASSOCIATION_PAPER_COUNT];
	size_t counts[ASSOCIATION_PAPER_COUNT];
};

static int seal_paper(const uint8_t *bytes, size_t size)
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

/* Frees the bytes. */
static void keep_paper(struct paper *paper, uint8_t *bytes, size_t size)
{
	paper->fd = seal_paper(bytes, size);
	paper->made = paper->fd >= 0;
	free(bytes);
}

static int entry_paper(struct gate *gate, size_t modality)
{
	struct paper *paper = &gate->papers->lists[ASSOCIATION_ENTRY][modality];
	const struct config_modality *entry =
		&gate->settings->config->modalities[modality];
	uint8_t *bytes = NULL;
	size_t size = 0;

	if (!paper->made && config_entry_pack(entry, &bytes, &size) == 0)
		keep_paper(paper, bytes, size);
	return paper->made ? paper->fd : -1;
}

/* False when the paper can't be made: then the process must get none at all, since it
 * would keep its old trust. */
static bool trust_paper(struct gate *gate, enum association_paper kind, size_t i,
			const struct tls_context *context, int *ret)
{
	struct paper *paper = &gate->papers->lists[kind][i];
	uint8_t *bytes = NULL;
	size_t size = 0;

	if (!context)
		return true; /* no TLS: no trust to bring */
	if (!paper->made && tls_trust_pack(context, &bytes, &size) == 0)
		keep_paper(paper, bytes, size);
	if (paper->made)
		ret[kind] = paper->fd;
	return paper->made;
}

static int way_paper(struct gate *gate, size_t destination)
{
	struct paper *paper = &gate->papers->lists[ASSOCIATION_WAY][destination];
	struct outbound_way *way = paper->made ? NULL : malloc(sizeof(*way));

	if (way) {
		outbound_way_of(&gate->settings->config->destinations[destination],
				&gate->settings->addresses[destination], way);
		keep_paper(paper, (uint8_t *)way, sizeof(*way));
	}
	return paper->made ? paper->fd : -1;
}

void papers_free(struct gate *gate)
{
	struct papers *papers = gate->papers;

	for (size_t i = 0; papers && i < ASSOCIATION_PAPER_COUNT; i++) {
		for (size_t j = 0; j < papers->counts[i]; j++)
			if (papers->lists[i][j].made)
				close(papers->lists[i][j].fd);
		free(papers->lists[i]);
	}
	free(papers);
	gate->papers = NULL;
}

MUST_USE static int papers_begin(struct gate *gate)
{
	const struct config *config = gate->settings->config;
	const size_t counts[] = {
		[ASSOCIATION_ENTRY] = config->modality_count,
		[ASSOCIATION_SERVER_TRUST] = config->listen_count,
		[ASSOCIATION_CLIENT_TRUST] = config->destination_count,
		[ASSOCIATION_WAY] = config->destination_count,
	};

	if (gate->papers)
		return 0;
	gate->papers = calloc(1, sizeof(*gate->papers));
	for (size_t i = 0; gate->papers && i < ASSOCIATION_PAPER_COUNT; i++) {
		gate->papers->lists[i] = calloc(counts[i], sizeof(struct paper));
		if (gate->papers->lists[i])
			gate->papers->counts[i] = counts[i];
		else
			papers_free(gate);
	}
	return gate->papers ? 0 : -1;
}

/* The papers that concern the process, -1 where there is none. An association goes on to
 * the destination that it was opened for, by the way that leads there now; if its entry
 * has another, it is brought none. */
static bool collect_papers(struct gate *gate, const struct place *place,
			   int ret[ASSOCIATION_PAPER_COUNT])
{
	const struct settings *settings = gate->settings;

	for (size_t i = 0; i < ASSOCIATION_PAPER_COUNT; i++)
		ret[i] = -1;
	if (papers_begin(gate) != 0)
		return false;
	if (place->listener != NOWHERE &&
	    !trust_paper(gate, ASSOCIATION_SERVER_TRUST, place->listener,
			 settings->servers[place->listener], ret))
		return false;
	if (place->destination != NOWHERE &&
	    !trust_paper(gate, ASSOCIATION_CLIENT_TRUST, place->destination,
			 settings->clients[place->destination], ret))
		return false;
	if (place->modality == NOWHERE)
		return true;
	ret[ASSOCIATION_ENTRY] = entry_paper(gate, place->modality);
	if (place->destination == NOWHERE ||
	    settings->config->modalities[place->modality].destination !=
		    place->destination)
		return ret[ASSOCIATION_ENTRY] >= 0;
	ret[ASSOCIATION_WAY] = way_paper(gate, place->destination);
	return ret[ASSOCIATION_ENTRY] >= 0 && ret[ASSOCIATION_WAY] >= 0;
}

bool papers_bring(struct gate *gate, struct place *place)
{
	struct association_notice notice = { .kind = ASSOCIATION_REVISED };
	int papers[ASSOCIATION_PAPER_COUNT], present[ASSOCIATION_PAPER_COUNT];
	size_t count = 0;

	if (!collect_papers(gate, place, papers)) {
		log_error("association %s: no memory or descriptors to bring it the new "
			  "configuration: trying again",
			  place->id);
		return false;
	}
	for (unsigned i = 0; i < ASSOCIATION_PAPER_COUNT; i++) {
		if (papers[i] < 0)
			continue;
		notice.papers |= 1U << i;
		present[count++] = papers[i];
	}
	if (descriptors_send(place->channel, &notice, sizeof(notice), present, count,
			     MSG_DONTWAIT) != 0)
		return false;
	place->edition = gate->edition;
	return true;
}

/* A process that holds no place yet is brought them when it asks for one. */
void papers_maintain(struct gate *gate)
{
	bool all_told = true;

	for (struct place *p = gate->places.first; p; p = p->next)
		if (p->state == PLACE_HELD && p->channel >= 0 &&
		    p->edition != gate->edition && !papers_bring(gate, p))
			all_told = false;
	if (all_told)
		papers_free(gate);
}

void papers_renew(struct gate *gate)
{
	papers_free(gate);
	gate->edition++;
	papers_maintain(gate);
}
