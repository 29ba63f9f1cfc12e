#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/base/memory_file.h"

#define ACCEPTED_MS 10000
#define STALE_MS    60000 /* a refusal that is older is asked for again */

static struct ul_pair *find_pair(struct courier *courier, const char *abstract_syntax,
				 const char *transfer_syntax)
{
	for (size_t i = 0; i < courier->pair_count; i++)
		if (strcmp(courier->pairs[i].abstract_syntax, abstract_syntax) == 0 &&
		    strcmp(courier->pairs[i].transfer_syntax, transfer_syntax) == 0)
			return &courier->pairs[i];
	return NULL;
}

/* One more pair to be proposed; the last gives way where all ids are used. */
static void add_pair(struct courier *courier, const char *abstract_syntax,
		     const char *transfer_syntax)
{
	struct ul_pair *pair;

	if (find_pair(courier, abstract_syntax, transfer_syntax))
		return;
	if (courier->pair_count == UL_PAIRS_MAX)
		courier->pair_count--;
	pair = &courier->pairs[courier->pair_count++];
	snprintf(pair->abstract_syntax, sizeof(pair->abstract_syntax), "%s",
		 abstract_syntax);
	snprintf(pair->transfer_syntax, sizeof(pair->transfer_syntax), "%s",
		 transfer_syntax);
}

/* What was accepted before is proposed from the beginning, so that an object of another
 * kind needs no other association. */
void reach_begin(struct courier *courier)
{
	char *text, *rest = NULL;
	size_t size = 0;
	int file;

	if (spool_work_accepted(courier->start->spooler, ACCEPTED_MS, &file) != 0 ||
	    file < 0)
		return;
	text = (char *)memory_file_read(file, &size);
	close(file);
	if (!text || size == 0 || text[size - 1] != '\n') {
		free(text);
		return;
	}
	text[size - 1] = '\0';
	for (char *line = strtok_r(text, "\n", &rest);
	     line && courier->pair_count < UL_PAIRS_MAX;
	     line = strtok_r(NULL, "\n", &rest)) {
		char abstract_syntax[UL_UID_SIZE], transfer_syntax[UL_UID_SIZE];

		if (sscanf(line, "+ %64s %64s", abstract_syntax, transfer_syntax) == 2)
			add_pair(courier, abstract_syntax, transfer_syntax);
	}
	free(text);
}

static void meet(void *context, const struct tls_peer *peer)
{
	const struct courier *courier = context;
	const struct association_notice notice = { .kind = ASSOCIATION_SAW_DESTINATION,
						   .until = peer->shown_until };

	contact_send(&courier->contact, &notice);
}

static int dial(void *context, struct leg *leg, size_t number, struct outbound_call *ret)
{
	struct courier *courier = context;
	struct association_notice asked = { .kind = ASSOCIATION_ASKS_CONNECTION };

	return contact_dial(&courier->contact, &asked, leg, number, ret);
}

MUST_USE static int open_association(struct courier *courier, struct sink_failure *ret)
{
	const struct courier_start *start = courier->start;
	const struct config_limits *limits = &start->config->limits;
	unsigned trusts = courier->out.trusts;

	outbound_init(&courier->out,
		      &(struct outbound_setup){
			      .context = start->client,
			      .proposal = { .pairs = courier->pairs,
					    .pair_count = courier->pair_count,
					    .calling = courier->calling,
					    .max_pdu = limits->max_pdu_bytes },
			      .connect_seconds = limits->connect_seconds,
			      .response_seconds = limits->response_seconds,
			      .owner = courier_waits(courier),
			      .dial = dial,
			      .met = meet },
		      &courier->way);
	courier->out.trusts = trusts;
	outbound_sink(&courier->out, &courier->sink);
	return outbound_open(&courier->out, ret);
}

static void tell(const struct courier *courier, const struct ul_pair *pair,
		 bool is_accepted)
{
	/* Where that fails, the next message to the spooler ends the courier. */
	(void)!spool_work_learnt(courier->start->spooler, pair->abstract_syntax,
				 pair->transfer_syntax, is_accepted);
}

/* Each context had one pair, so the answers are exact. But a destination may refuse for a
 * while what it takes at other times, and modalities are refused what is known to be: so
 * a refusal is told for an object's own pair alone, where an alert tells of it. */
static void tell_accepted(const struct courier *courier)
{
	for (size_t i = 0; i < courier->pair_count; i++)
		if (ul_context_result(courier->out.leg.ul, (uint8_t)(2 * i + 1)) ==
		    UL_ACCEPTED)
			tell(courier, &courier->pairs[i], true);
}

static uint8_t context_of(struct courier *courier, const struct ul_pair *pair)
{
	return (uint8_t)(2 * (pair - courier->pairs) + 1);
}

/* Whether the pair was refused so long ago that the destination may accept it now. */
static bool is_stale(struct courier *courier, const struct ul_pair *pair)
{
	return ul_context_result(courier->out.leg.ul, context_of(courier, pair)) !=
		       UL_ACCEPTED &&
	       clock_ms() - courier->opened_ms > STALE_MS;
}

int reach_destination(struct courier *courier, bool *ret_is_refused,
		      struct sink_failure *ret)
{
	const struct spool_metadata *metadata = &courier->cargo.metadata;
	const struct ul_pair *pair =
		find_pair(courier, metadata->abstract_syntax, metadata->transfer_syntax);
	struct ae_title calling = { "" };
	bool is_open = courier->out.leg.ul != NULL;
	enum ul_result result;

	*ret_is_refused = false;
	strcpy(calling.text, metadata->calling_ae);
	if (courier->is_astray) {
		*ret = (struct sink_failure){ .reason = REASON_REVOKED_WHILE_OPEN };
		snprintf(ret->detail, sizeof(ret->detail),
			 "the configuration does not name the destination any more");
		return -1;
	}
	if (is_open && (!pair || !ae_title_equal(&calling, &courier->calling) ||
			is_stale(courier, pair))) {
		outbound_release(&courier->out);
		is_open = false;
	}
	if (!is_open) {
		courier->calling = calling;
		add_pair(courier, metadata->abstract_syntax, metadata->transfer_syntax);
		if (open_association(courier, ret) != 0)
			return -1;
		courier->opened_ms = clock_ms();
		tell_accepted(courier);
		pair = find_pair(courier, metadata->abstract_syntax,
				 metadata->transfer_syntax);
	}
	courier->request.context = context_of(courier, pair);
	result = ul_context_result(courier->out.leg.ul, courier->request.context);
	if (result == UL_ACCEPTED)
		return 0;
	*ret_is_refused = true;
	if (result != UL_NO_REASON) /* an answer came for it */
		tell(courier, pair, false);
	*ret = (struct sink_failure){ .reason = REASON_DESTINATION_CONTEXT };
	snprintf(
		ret->detail, sizeof(ret->detail),
		"the destination does not accept this SOP class in this transfer syntax");
	return -1;
}
