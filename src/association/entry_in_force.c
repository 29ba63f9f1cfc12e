#include "entry_in_force.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

#include "cathgate/base/log.h"
#include "cathgate/base/memory_file.h"
#include "cathgate/dicom/sop_class.h"

void entry_claim(const struct association *association, struct policy_claim *ret)
{
	*ret = (struct policy_claim){
		.certificate = association->is_authenticated ? &association->peer : NULL,
		.calling = association->requestor.calling,
		.called = association->requestor.called,
	};
	/* The listeners are IP sockets, and so is this peer's. */
	(void)!address_of_socket(&association->start->peer, &ret->address);
}

static void withdraw_entry(struct association *association, enum reason reason,
			   const char *detail)
{
	association->entry.revoked = reason;
	snprintf(association->entry.revoked_why, sizeof(association->entry.revoked_why),
		 "%s: %.200s", reason_name(reason), detail);
}

MUST_USE static int adopt_trust(struct tls_context *context, int paper)
{
	size_t size;
	uint8_t *bytes = memory_file_read(paper, &size);
	int rc = bytes && context ? tls_trust_adopt(context, bytes, size) : -1;

	free(bytes);
	return rc;
}

static void revise_server(struct association *association, int paper)
{
	struct tls_failure failure;

	if (!association->is_authenticated)
		return;
	if (paper < 0)
		withdraw_entry(
			association, REASON_TLS_UNTRUSTED,
			"the listener that it came by was taken away, and its CAs with "
			"it");
	else if (adopt_trust(association->start->server, paper) != 0)
		withdraw_entry(association, REASON_INTERNAL, "no memory for the new CAs");
	else if (tls_judge_again(association->start->server, &association->in.carrier,
				 &association->peer, &failure) != 0)
		withdraw_entry(association, failure.reason, failure.detail);
}

/* Without a paper the destination's old trust stays; a plain one has none. */
static void revise_client(struct association *association, int paper)
{
	size_t size = 0;
	uint8_t *bytes;

	if (paper < 0 || !association->out.setup.context)
		return;
	bytes = memory_file_read(paper, &size);
	outbound_revise_trust(&association->out, bytes, size);
	free(bytes);
}

static void revise_way(struct association *association, int paper)
{
	size_t size = 0;
	void *bytes = memory_file_read(paper, &size);

	outbound_revise_way(&association->out,
			    size == sizeof(struct outbound_way) ? bytes : NULL);
	free(bytes);
}

static void revise_entry(struct association *association, int paper)
{
	struct config_modality *entry = NULL;
	struct policy_claim claim;
	enum reason reason;
	size_t size;
	uint8_t *bytes = memory_file_read(paper, &size);

	if (bytes)
		entry = config_entry_unpack(bytes, size);
	free(bytes);
	if (!entry) {
		withdraw_entry(association, REASON_AE_UNKNOWN,
			       "its entry was taken away");
		return;
	}
	entry->destination = association->entry.first->destination;
	entry->echo = association->entry.first->echo;
	entry->user_identity_pass = association->entry.first->user_identity_pass;
	entry->spool = association->entry.first->spool; /* its sink is made */
	config_entry_free(association->entry.own);
	association->entry.own = entry;
	association->entry.now = entry;
	entry_claim(association, &claim);
	reason = policy_fits(entry, &claim);
	if (reason != REASON_NONE)
		withdraw_entry(association, reason, "its entry has changed");
}

void entry_revise(struct association *association,
		  const int papers[ASSOCIATION_PAPER_COUNT])
{
	if (!association->entry.first)
		return;
	association->entry.revoked = REASON_NONE;
	association->entry.revoked_why[0] = '\0';
	revise_server(association, papers[ASSOCIATION_SERVER_TRUST]);
	revise_client(association, papers[ASSOCIATION_CLIENT_TRUST]);
	revise_way(association, papers[ASSOCIATION_WAY]);
	revise_entry(association, papers[ASSOCIATION_ENTRY]);
	log_debug("the configuration has changed: %s",
		  association->entry.revoked == REASON_NONE
			  ? "it may go on"
			  : association->entry.revoked_why);
}

static enum reason judge_by_entry(const struct config_modality *entry,
				  const char *sop_class,
				  const struct ae_title *originator)
{
	enum reason reason =
		policy_sop_class(entry, sop_class, sop_class_is_storage(sop_class));

	return reason == REASON_NONE ? policy_move_originator(entry, originator) : reason;
}

MUST_USE static enum reason judge_now(const struct association *association,
				      const char *sop_class,
				      const struct ae_title *originator)
{
	const struct entry_in_force *entry = &association->entry;
	enum reason reason = judge_by_entry(entry->now, sop_class, originator);

	if (reason != REASON_NONE &&
	    judge_by_entry(entry->first, sop_class, originator) == REASON_NONE)
		return REASON_REVOKED_WHILE_OPEN;
	return reason;
}

enum reason entry_judge_sop_class(const struct association *association,
				  const char *sop_class)
{
	return judge_now(association, sop_class, NULL);
}

enum reason entry_judge_instance(const struct association *association,
				 const char **ret_why)
{
	const struct command_set *command = &association->request.command;
	enum reason reason;

	if (association->entry.revoked != REASON_NONE) {
		*ret_why = association->entry.revoked_why;
		return REASON_REVOKED_WHILE_OPEN;
	}
	if (association->is_authenticated &&
	    time(NULL) > tls_trusted_until(&association->peer)) {
		*ret_why = "the modality's certificate or its CRL went out of date while "
			   "the association was open";
		return tls_trust_ended(&association->peer);
	}
	reason = judge_now(association, command->sop_class,
			   command->has_move_originator ? &command->move_originator
							: NULL);
	*ret_why = reason == REASON_REVOKED_WHILE_OPEN
			   ? "its entry does not allow this instance any more"
			   : "";
	return reason;
}
