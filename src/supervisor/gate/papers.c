#include "supervisor/gate/gate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"
#include "cathgate/base/memory_file.h"
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

MUST_USE static int pack_way(const struct settings *settings, size_t destination,
			     uint8_t **ret, size_t *ret_size)
{
	struct outbound_way *way = malloc(sizeof(*way));

	if (!way)
		return -1;
	outbound_way_of(&settings->config->destinations[destination], way);
	*ret = (uint8_t *)way;
	*ret_size = sizeof(*way);
	return 0;
}

/* The paper of modality, listen entry or destination `i`; -1 when it can't be made. */
static int paper_of(struct gate *gate, enum association_paper kind, size_t i)
{
	const struct settings *settings = gate->settings;
	struct paper *paper = &gate->papers->lists[kind][i];
	uint8_t *bytes = NULL;
	size_t size = 0;
	int rc;

	if (paper->made)
		return paper->fd;
	if (kind == ASSOCIATION_ENTRY)
		rc = config_entry_pack(&settings->config->modalities[i], &bytes, &size);
	else if (kind == ASSOCIATION_SERVER_TRUST)
		rc = tls_trust_pack(settings->servers[i], &bytes, &size);
	else if (kind == ASSOCIATION_CLIENT_TRUST)
		rc = tls_trust_pack(settings->clients[i], &bytes, &size);
	else
		rc = pack_way(settings, i, &bytes, &size);
	paper->fd = rc == 0 ? memory_file_seal(bytes, size) : -1;
	paper->made = paper->fd >= 0;
	free(bytes);
	return paper->fd;
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

/* The papers that concern the process, -1 where there is none. False when one can't be
 * made: then the process must get none at all, since it would keep its old trust. */
static bool collect_papers(struct gate *gate, const struct place *place,
			   int ret[ASSOCIATION_PAPER_COUNT])
{
	const struct settings *settings = gate->settings;
	size_t of[] = { [ASSOCIATION_ENTRY] = place->modality,
			[ASSOCIATION_SERVER_TRUST] = place->listener,
			[ASSOCIATION_CLIENT_TRUST] = place->destination,
			[ASSOCIATION_WAY] = place->destination };

	/* Without TLS there is no trust to bring. */
	if (place->listener != NOWHERE && !settings->servers[place->listener])
		of[ASSOCIATION_SERVER_TRUST] = NOWHERE;
	if (place->destination != NOWHERE && !settings->clients[place->destination])
		of[ASSOCIATION_CLIENT_TRUST] = NOWHERE;
	/* An association goes on to the destination that it was opened for, by the way
	 * that leads there now; if its entry has another, it is brought none. */
	if (!place->is_courier &&
	    (place->modality == NOWHERE ||
	     settings->config->modalities[place->modality].destination !=
		     place->destination))
		of[ASSOCIATION_WAY] = NOWHERE;
	if (papers_begin(gate) != 0)
		return false;
	for (unsigned kind = 0; kind < ASSOCIATION_PAPER_COUNT; kind++) {
		ret[kind] = -1;
		if (of[kind] == NOWHERE)
			continue;
		ret[kind] = paper_of(gate, kind, of[kind]);
		if (ret[kind] < 0)
			return false;
	}
	return true;
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
	place->is_of_old = true;
	return true;
}

MUST_USE static bool bring_to_all(struct gate *gate, const struct places *places)
{
	bool all_told = true;

	for (struct place *p = places->first; p; p = p->next)
		if ((p->state == PLACE_HELD || p->state == PLACE_COURIER) &&
		    p->channel >= 0 && p->edition != gate->edition &&
		    !papers_bring(gate, p))
			all_told = false;
	return all_told;
}

/* A process that holds no place yet is brought them when it asks for one. */
void papers_maintain(struct gate *gate)
{
	bool all_told = bring_to_all(gate, &gate->places);

	if (bring_to_all(gate, &gate->couriers) && all_told)
		papers_free(gate);
}
