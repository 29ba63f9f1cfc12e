/*
 * The configuration has changed while the association is open. Its own new entry, and
 * whom its listener and its destination's side believe now, are brought to it; its next
 * instance is judged by them, and goes the way to its destination that is in force then.
 * The destination itself, and who answers its C-ECHO, stays as it was negotiated: one
 * that is to send elsewhere ends.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/log.h"
#include "cathgate/dicom/sop_class.h"

void revision_claim(const struct association *association, struct policy_claim *ret)
{
	*ret = (struct policy_claim){
		.certificate = association->authenticated ? &association->peer : NULL,
		.calling = association->requestor.calling,
		.called = association->requestor.called,
	};
	/* The listeners are IP sockets, and so is this peer's. */
	(void)!address_of_socket(&association->start->peer, &ret->address);
}

/* NULL when there is no such paper, or it can't be read. */
static uint8_t *read_paper(int paper, size_t *ret_size)
{
	struct stat status;
	uint8_t *bytes;
	size_t size, got = 0;

	if (paper < 0 || fstat(paper, &status) != 0)
		return NULL;
	size = (size_t)status.st_size;
	bytes = malloc(size + 1);
	while (bytes && got < size) {
		ssize_t count = pread(paper, bytes + got, size - got, (off_t)got);

		if (count <= 0) {
			free(bytes);
			return NULL;
		}
		got += (size_t)count;
	}
	*ret_size = size;
	return bytes;
}

static void withdraw(struct association *association, enum reason reason,
		     const char *detail)
{
	association->revoked = reason;
	snprintf(association->revoked_why, sizeof(association->revoked_why), "%s: %.200s",
		 reason_name(reason), detail);
}

static int adopt_trust(struct tls_context *context, int paper)
{
	size_t size;
	uint8_t *bytes = read_paper(paper, &size);
	int rc = bytes && context ? tls_trust_adopt(context, bytes, size) : -1;

	free(bytes);
	return rc;
}

static void revise_server(struct association *association, int paper)
{
	struct tls_failure failure;

	if (!association->authenticated)
		return;
	if (paper < 0)
		withdraw(association, REASON_TLS_UNTRUSTED,
			 "the listener that it came by was taken away, and its CAs with "
			 "it");
	else if (adopt_trust(association->start->server, paper) != 0)
		withdraw(association, REASON_INTERNAL, "no memory for the new CAs");
	else if (tls_judge_again(association->start->server, &association->in.carrier,
				 &association->peer, &failure) != 0)
		withdraw(association, failure.reason, failure.detail);
}

/* A destination that isn't believed any more is called anew before the next instance,
 * whose handshake then says why. So is one that is just being called: that handshake is
 * judged by what was in force when it began. */
static void revise_client(struct association *association, int paper)
{
	struct tls_context *context =
		association->start->clients[association->first_entry->destination];
	struct tls_peer peer = { 0 };
	struct tls_failure failure;

	if (paper < 0 || !context)
		return;
	if (adopt_trust(context, paper) != 0)
		log_error("no memory for the new CAs of the destination");
	else if (!association->out.carrier.context)
		association->out_is_of_old = true;
	else if (tls_judge_again(context, &association->out.carrier, &peer, &failure) ==
		 0)
		association->out_trust_until = tls_trusted_until(&peer);
	else
		association->out_trust_until = 1;
}

void association_way_of(const struct config_destination *destination,
			const struct association_addresses *addresses,
			struct association_way *ret)
{
	memset(ret, 0, sizeof(*ret)); /* it crosses to another process */
	snprintf(ret->host, sizeof(ret->host), "%s", destination->host);
	ret->port = destination->port;
	ret->is_plain = destination->tls.none;
	strcpy(ret->called.text, destination->called_ae_title.text);
	strcpy(ret->calling.text, destination->calling_ae_title.text);
	ret->addresses = *addresses;
}

/* Other addresses of the same name make no other way: a name service may give one after
 * the other. */
static bool same_way(const struct association_way *a, const struct association_way *b)
{
	return a->port == b->port && strcmp(a->host, b->host) == 0 &&
	       ae_title_equal(&a->called, &b->called) &&
	       ae_title_equal(&a->calling, &b->calling);
}

/* What was proposed to the destination is proposed again on the new way. From TLS to none
 * or back there is no context for it: that is another destination. */
static void revise_way(struct association *association, int paper)
{
	size_t size = 0;
	uint8_t *bytes = read_paper(paper, &size);
	struct association_way way;

	association->is_astray = !bytes || size != sizeof(way);
	if (!association->is_astray) {
		memcpy(&way, bytes, sizeof(way));
		association->is_astray = way.is_plain != association->way.is_plain;
	}
	free(bytes);
	if (association->is_astray)
		return;
	if (!same_way(&way, &association->way))
		association->out_is_of_old = true;
	association->way = way;
}

static void revise_entry(struct association *association, int paper)
{
	struct config_modality *entry = NULL;
	struct policy_claim claim;
	enum reason reason;
	size_t size;
	uint8_t *bytes = read_paper(paper, &size);

	if (bytes)
		entry = config_entry_unpack(bytes, size);
	free(bytes);
	if (!entry) {
		withdraw(association, REASON_AE_UNKNOWN, "its entry was taken away");
		return;
	}
	entry->destination = association->first_entry->destination;
	entry->echo = association->first_entry->echo;
	entry->user_identity_pass = association->first_entry->user_identity_pass;
	config_entry_free(association->own_entry);
	association->own_entry = entry;
	association->entry = entry;
	revision_claim(association, &claim);
	reason = policy_fits(entry, &claim);
	if (reason != REASON_NONE)
		withdraw(association, reason, "its entry has changed");
}

void revision_take(struct association *association,
		   const int papers[ASSOCIATION_PAPER_COUNT])
{
	if (!association->first_entry)
		return;
	association->revoked = REASON_NONE;
	association->revoked_why[0] = '\0';
	revise_server(association, papers[ASSOCIATION_SERVER_TRUST]);
	revise_client(association, papers[ASSOCIATION_CLIENT_TRUST]);
	revise_way(association, papers[ASSOCIATION_WAY]);
	revise_entry(association, papers[ASSOCIATION_ENTRY]);
	log_debug("the configuration has changed: %s",
		  association->revoked == REASON_NONE ? "it may go on"
						      : association->revoked_why);
}

static enum reason judge_by(const struct config_modality *entry, const char *sop_class,
			    const struct ae_title *originator)
{
	enum reason reason =
		policy_sop_class(entry, sop_class, sop_class_is_storage(sop_class));

	return reason == REASON_NONE ? policy_move_originator(entry, originator) : reason;
}

enum reason revision_judge(const struct association *association, const char *sop_class,
			   const struct ae_title *originator)
{
	enum reason reason = judge_by(association->entry, sop_class, originator);

	if (reason != REASON_NONE &&
	    judge_by(association->first_entry, sop_class, originator) == REASON_NONE)
		return REASON_REVOKED_WHILE_OPEN;
	return reason;
}
