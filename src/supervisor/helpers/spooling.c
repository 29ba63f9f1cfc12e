#include "supervisor/helpers/spooling.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/keeper/unwrapper.h"

void spooling_init(struct spooling *spooling, struct helper *spooler,
		   struct helper *keeper)
{
	*spooling = (struct spooling){ .spooler = spooler, .keeper = keeper };
}

void spooling_free(struct spooling *spooling)
{
	free(spooling->figures);
	spooling->figures = NULL;
	spooling->count = 0;
}

void spooling_hear_keeper(struct spooling *spooling)
{
	bool is_gone;

	if (unwrapper_hear(spooling->keeper->channel, &is_gone))
		helper_became_ready(spooling->keeper);
	if (is_gone)
		helper_hang_up(spooling->keeper);
}

/* Another spooler tells all anew; but when it was that something was delivered last, it
 * doesn't know. */
static void forget_figures(struct spooling *spooling)
{
	for (size_t i = 0; i < spooling->count; i++) {
		struct spooler_figures *known = &spooling->figures[i];
		struct spooler_figures now = { .delivered = known->delivered };

		memcpy(now.destination, known->destination, sizeof(now.destination));
		*known = now;
	}
}

static void keep_figures(struct spooling *spooling, const struct spooler_figures *figures)
{
	struct spooler_figures *known = spooling->figures;
	int64_t delivered = 0;
	size_t i = 0;

	spooling->last = *figures;
	while (i < spooling->count &&
	       strcmp(known[i].destination, figures->destination) != 0)
		i++;
	if (i == spooling->count) {
		known = reallocarray(known, spooling->count + 1, sizeof(*known));
		if (!known)
			return;
		spooling->figures = known;
		spooling->count++;
	} else {
		delivered = known[i].delivered;
	}
	known[i] = *figures;
	if (known[i].delivered == 0)
		known[i].delivered = delivered;
}

void spooling_hear(struct spooling *spooling, const struct auditing *auditing,
		   struct spooler_word *ret)
{
	spooler_hear(spooling->spooler->channel, ret);
	switch (ret->kind) {
	case SPOOLER_READY:
		helper_became_ready(spooling->spooler);
		forget_figures(spooling);
		break;
	case SPOOLER_ALERTS:
		auditing_tell(auditing, AUDIT_ALERT, AUDIT_RAISED, ret->reason,
			      ret->text);
		break;
	case SPOOLER_FIGURES:
		keep_figures(spooling, &ret->figures);
		break;
	case SPOOLER_GONE:
		helper_hang_up(spooling->spooler);
		break;
	default:
		break;
	}
}

static void bring_keeper(struct spooling *spooling)
{
	const struct helper *spooler = spooling->spooler, *keeper = spooling->keeper;
	int channel;

	if (spooler->channel < 0 || spooler->generation == spooling->brought ||
	    !keeper->is_ready || keeper->channel < 0)
		return;
	channel = unwrapper_open(keeper->channel, NULL);
	if (channel < 0)
		return;
	if (spooler_bring_keeper(spooler->channel, channel) == 0)
		spooling->brought = spooler->generation;
	close(channel);
}

static void bring_auditor(struct spooling *spooling, const struct helper *auditor)
{
	const struct helper *spooler = spooling->spooler;
	int channel;

	if (!spooler->is_ready || !auditor->is_ready || auditor->channel < 0 ||
	    (spooling->brought_spooler == spooler->generation &&
	     spooling->brought_auditor == auditor->generation))
		return;
	channel = audit_spooler_open(auditor->channel);
	if (channel < 0)
		return;
	if (spooler_bring_auditor(spooler->channel, channel) == 0) {
		spooling->brought_spooler = spooler->generation;
		spooling->brought_auditor = auditor->generation;
	}
	close(channel);
}

void spooling_maintain(struct spooling *spooling, const struct auditing *auditing,
		       bool is_wanted)
{
	bring_keeper(spooling);
	bring_auditor(spooling, auditing->helper);
	if (!is_wanted || (spooling->spooler->is_ready && spooling->keeper->is_ready))
		spooling->missing_ms = 0;
	else if (spooling->missing_ms == 0)
		spooling->missing_ms = clock_ms();
}

int64_t spooling_missing_seconds(const struct spooling *spooling)
{
	return spooling->missing_ms ? (clock_ms() - spooling->missing_ms) / 1000 : 0;
}

static bool is_same_spool(const struct settings *before, const struct settings *now)
{
	const struct config_spool *was = &before->config->spool,
				  *is = &now->config->spool;

	return was->max_bytes == is->max_bytes &&
	       was->min_free_bytes == is->min_free_bytes &&
	       was->retry_first_seconds == is->retry_first_seconds &&
	       was->retry_max_seconds == is->retry_max_seconds &&
	       was->give_up_hours == is->give_up_hours &&
	       was->duplicate_hours == is->duplicate_hours && was->resend == is->resend &&
	       was->on_conflict == is->on_conflict;
}

static bool are_same_keys(const struct settings *before, const struct settings *now)
{
	return before->config->spool.key.count == now->config->spool.key.count &&
	       memcmp(before->spool_keys, now->spool_keys, sizeof(now->spool_keys)) == 0;
}

/* The spooler knows destinations and entries by their names alone. */
static bool are_same_names(const struct config *before, const struct config *now)
{
	if (before->destination_count != now->destination_count ||
	    before->modality_count != now->modality_count)
		return false;
	for (size_t i = 0; i < now->destination_count; i++)
		if (strcmp(before->destinations[i].name, now->destinations[i].name) !=
			    0 ||
		    before->destinations[i].couriers != now->destinations[i].couriers)
			return false;
	for (size_t i = 0; i < now->modality_count; i++)
		if (strcmp(before->modalities[i].name, now->modalities[i].name) != 0)
			return false;
	return true;
}

void spooling_renew(struct spooling *spooling, const struct settings *before,
		    const struct settings *now)
{
	bool are_same = are_same_keys(before, now);

	if (!are_same)
		helper_dismiss(spooling->keeper);
	if (!are_same || !is_same_spool(before, now) ||
	    !are_same_names(before->config, now->config))
		helper_dismiss(spooling->spooler);
}

const struct spooler_figures *spooling_figures(const struct spooling *spooling,
					       const char *destination)
{
	for (size_t i = 0; i < spooling->count; i++)
		if (strcmp(spooling->figures[i].destination, destination) == 0)
			return &spooling->figures[i];
	return NULL;
}
