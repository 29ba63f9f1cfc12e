#include "spool_sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

#define WAIT_MS		5000   /* for a spooler that is being replaced ... */
#define AWAY_MS		30000  /* ... and so long not again, when none came */
#define STATUS_CONFLICT 0xA900 /* the data set does not match what is there */

static int fail(struct sink_failure *ret, enum reason reason, const char *what)
{
	*ret = (struct sink_failure){ .reason = reason, .went_nowhere = true };
	snprintf(ret->detail, sizeof(ret->detail), "%s", what);
	return -1;
}

/* By errno, of a file that is written to. */
static int fail_with_disk(struct sink_failure *ret, const char *what)
{
	bool is_full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;

	fail(ret, is_full ? REASON_SPOOL_FULL : REASON_SPOOL_UNAVAILABLE, "");
	snprintf(ret->detail, sizeof(ret->detail), "%s: %s", what, strerror(errno));
	return -1;
}

static int fail_with_verdict(struct sink_failure *ret, enum spool_verdict verdict)
{
	if (verdict == SPOOL_FULL)
		return fail(ret, REASON_SPOOL_FULL, "the spool is full");
	if (verdict == SPOOL_CANNOT)
		return fail_with_disk(ret, "the spool");
	return fail(ret, REASON_SPOOL_UNAVAILABLE, "the spooler does not answer");
}

static void drop(struct spool_sink *sink)
{
	if (sink->sealer)
		spool_sealer_drop(sink->sealer);
	if (sink->file >= 0)
		close(sink->file);
	sink->file = -1;
}

/* The same, where the spooler has the file, too: its room is free at once. */
static void discard(struct spool_sink *sink)
{
	if (sink->file >= 0)
		spool_client_abandon(&sink->client);
	drop(sink);
}

/* A spooler that has ended is replaced within a moment; several reloads end several. One
 * that is away for longer is not waited for with each instance. True: ask it now. */
MUST_USE static bool find_spooler(struct spool_sink *sink, int64_t end_ms)
{
	bool is_found;

	if (sink->client.channel >= 0)
		return true;
	is_found = supervision_renew_spooler(
		sink->association, clock_ms() < sink->away_until_ms ? 0 : end_ms);
	if (!is_found && clock_ms() >= end_ms)
		sink->away_until_ms = clock_ms() + AWAY_MS;
	return is_found;
}

MUST_USE static enum spool_verdict get_file(struct spool_sink *sink)
{
	int64_t end_ms = clock_ms() + WAIT_MS;
	enum spool_verdict verdict = SPOOL_AWAY;

	while (verdict == SPOOL_AWAY && find_spooler(sink, end_ms))
		verdict = spool_client_file(&sink->client, &sink->file);
	return verdict;
}

static int begin(void *context, const struct command_message *request,
		 struct sink_failure *ret)
{
	struct spool_sink *sink = context;
	enum spool_verdict verdict;

	if (sink->association->out.is_astray)
		return fail(ret, REASON_REVOKED_WHILE_OPEN,
			    "its entry does not send to that destination any more");
	verdict = get_file(sink);
	if (verdict != SPOOL_TAKEN)
		return fail_with_verdict(ret, verdict);
	if (spool_sealer_begin(sink->sealer, sink->file,
			       sink->association->destination->name) == 0 &&
	    spool_sealer_add(sink->sealer, request->bytes, request->size) == 0)
		return 0;
	fail_with_disk(ret, "the spool");
	discard(sink);
	return -1;
}

static int early(void *context, struct command_message *ret_answer,
		 struct sink_failure *ret)
{
	(void)context;
	(void)ret_answer;
	(void)ret;
	return 0;
}

static int fragment(void *context, const struct ul_pdv *pdv, struct sink_failure *ret)
{
	struct spool_sink *sink = context;

	if (spool_sealer_add(sink->sealer, pdv->data, pdv->size) == 0)
		return 0;
	fail_with_disk(ret, "the spool");
	discard(sink);
	return -1;
}

#define PUT(field, text) snprintf(ret->field, sizeof(ret->field), "%s", text)

static void describe(const struct association *association, struct spool_metadata *ret)
{
	const struct audit_record *record = &association->report.instance;
	const struct command_message *request = &association->request;
	const char *abstract_syntax =
		ul_context_abstract_syntax(association->in.ul, request->context);

	*ret = (struct spool_metadata){ .command_size = request->size,
					.data_size = (uint64_t)record->bytes,
					.sealed_us = clock_utc_us() };
	PUT(destination, association->destination->name);
	PUT(modality, association->entry.now->name);
	PUT(association, association->start->id);
	PUT(calling_ae, record->calling_ae);
	PUT(called_ae, record->called_ae);
	PUT(abstract_syntax, abstract_syntax ? abstract_syntax : "");
	PUT(transfer_syntax, record->transfer_syntax);
	PUT(sop_class, record->sop_class);
	PUT(sop_instance, record->sop_instance);
	PUT(study, record->study);
	PUT(patient_id, record->patient_id);
	memcpy(ret->sha256, association->sha256, sizeof(ret->sha256));
}

static void answer(const struct association *association, uint16_t status,
		   struct command_message *ret)
{
	ret->size = command_response(
		&association->request.command, status,
		status == STATUS_SUCCESS ? NULL : reason_name(REASON_SPOOL_CONFLICT),
		ret->bytes);
	ret->command = (struct command_set){ .has_status = true, .status = status };
}

/* The name is there; now file and name are to be durable. Where that fails, a crash may
 * still bring the object back, and it is delivered then. */
MUST_USE static int make_durable(struct spool_sink *sink, struct sink_failure *ret)
{
	enum spool_verdict verdict = SPOOL_TAKEN;

	if (fsync(sink->file) != 0)
		fail_with_disk(ret, "the spool: fsync");
	else if ((verdict = spool_client_sync(&sink->client)) != SPOOL_TAKEN)
		fail_with_verdict(ret, verdict);
	else
		return 0;
	ret->went_nowhere = false;
	spool_client_abandon(&sink->client);
	return -1;
}

/* What the spooler says of it is said in the record. */
static int conclude(struct spool_sink *sink, enum spool_verdict verdict, uint64_t object,
		    struct command_message *ret_answer, struct sink_failure *ret)
{
	bool is_held = verdict == SPOOL_QUARANTINED;

	*ret = (struct sink_failure){ .reason = is_held ? REASON_SPOOL_CONFLICT
							: REASON_NONE };
	snprintf(ret->detail, sizeof(ret->detail), "object %016" PRIx64 "%s", object,
		 verdict == SPOOL_KNOWN ? ", which has the same bytes, came before"
		 : verdict == SPOOL_CONFLICTS
			 ? "; the same SOP instance came before with other bytes"
		 : is_held ? " is held; the same SOP instance came before with other "
			     "bytes"
			   : "");
	answer(sink->association, is_held ? STATUS_CONFLICT : STATUS_SUCCESS, ret_answer);
	return 1;
}

static int finish(void *context, struct command_message *ret_answer,
		  struct sink_failure *ret)
{
	struct spool_sink *sink = context;
	struct spool_metadata metadata;
	uint8_t header[DIGEST_SIZE];
	enum spool_verdict verdict;
	uint64_t object = 0;
	int rc = -1;

	describe(sink->association, &metadata);
	if (spool_sealer_finish(sink->sealer, &metadata, header) != 0) {
		fail_with_disk(ret, "the spool");
		discard(sink);
		return -1;
	}
	verdict = spool_client_link(&sink->client, &metadata, header, &object);
	if (verdict == SPOOL_KNOWN) {
		rc = conclude(sink, verdict, object, ret_answer, ret);
	} else if (verdict == SPOOL_TAKEN || verdict == SPOOL_CONFLICTS ||
		   verdict == SPOOL_QUARANTINED) {
		sink->is_linked = make_durable(sink, ret) == 0;
		if (sink->is_linked)
			rc = conclude(sink, verdict, object, ret_answer, ret);
	} else {
		fail_with_verdict(ret, verdict);
		/* The spooler may have named it before it ended. */
		ret->went_nowhere = verdict != SPOOL_AWAY;
	}
	drop(sink);
	return rc;
}

/* A record is durable, or says that nobody knows: either way it may be delivered. */
static void settle(void *context)
{
	struct spool_sink *sink = context;

	if (sink->is_linked && spool_client_commit(&sink->client) != 0)
		log_debug("the spooler has ended: the next one delivers the object");
	sink->is_linked = false;
}

static void abort_sink(void *context)
{
	struct spool_sink *sink = context;

	if (sink->is_linked)
		spool_client_abandon(&sink->client);
	sink->is_linked = false;
	discard(sink);
}

void spool_sink_make(struct association *association, struct sink *ret)
{
	struct spool_sink *spool = &association->spool;

	spool->association = association;
	*ret = (struct sink){ .context = spool,
			      .begin = begin,
			      .early = early,
			      .fragment = fragment,
			      .finish = finish,
			      .settle = settle,
			      .abort = abort_sink };
}

enum reason spool_sink_refuses(struct association *association, bool *ret_has_backlog)
{
	struct spool_sink *sink = &association->spool;
	struct spool_client_state state = { .is_full = false };
	enum spool_verdict verdict = SPOOL_AWAY;
	int64_t end_ms = clock_ms() + WAIT_MS;

	while (verdict == SPOOL_AWAY && find_spooler(sink, end_ms))
		verdict = spool_client_ask(&sink->client, &state);
	*ret_has_backlog = state.has_backlog;
	if (verdict != SPOOL_TAKEN)
		return REASON_SPOOL_UNAVAILABLE;
	return state.is_full ? REASON_SPOOL_FULL : REASON_NONE;
}
