/*
 * The likely cure of one line of the log, with the place in the configuration where it is
 * to be applied. A row for each reason of which more can be said than its cure.
 */
#include "diagnose.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cathgate/audit/members.h"
#include "cathgate/base/reason.h"
#include "cli/kit/gateway_config.h"
#include "cli/kit/keep.h"
#include "cli/kit/known_certificate.h"
#include "cli/kit/own_ca.h"
#include "probe.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define RELOAD	      "; then: cathgate reload"

struct fault {
	const struct config *config;
	const json_t *line;
	enum reason
		reason;	 /* of the line; or, where the entry was changed, that of now */
	const char *key; /* of the configuration, that the cure is about */
	const struct config_modality *entry; /* that it is about; may be NULL */
	const char *calling, *called, *certificate, *subject, *peer, *destination;
};

typedef const char *curer(const struct fault *fault);

static const char *entry_place(const struct fault *fault, const char *key)
{
	return diagnose_place(fault->config, &fault->entry->place, key);
}

/* The entry that lists the AE title in other letters, or is bound to the certificate. */
static const char *cure_ae_unknown(const struct fault *fault)
{
	const struct config *config = fault->config;
	const char *all = "";

	for (size_t i = 0; i < config->modality_count; i++) {
		const struct config_modality *entry = &config->modalities[i];
		const char *place = diagnose_place(config, &entry->place, "ae_titles");
		bool bound =
			fault->certificate[0] &&
			diagnose_fit(config, entry, fault->certificate) == DIAGNOSE_FITS;

		for (size_t k = 0; k < entry->ae_titles.count; k++)
			if (strcasecmp(entry->ae_titles.items[k].text, fault->calling) ==
			    0)
				return keep_format(
					"the entry %s has it as %s, and case counts: set "
					"it so at the modality, or add \"%s\" to "
					"`ae_titles` in %s" RELOAD,
					entry->name, entry->ae_titles.items[k].text,
					fault->calling, place);
		if (bound)
			return keep_format(
				"its certificate is that of the entry %s, whose AE title "
				"is %s: set it so at the modality, or add \"%s\" to "
				"`ae_titles` in %s" RELOAD,
				entry->name, diagnose_titles(&entry->ae_titles),
				fault->calling, place);
		if (i < 5)
			all = keep_listed(all, ", ",
					  keep_format("%s (%s)", entry->name, place));
	}
	return keep_format("no entry has the AE title \"%s\". If it is a modality that "
			   "has an entry, correct the title at the modality, or add it "
			   "to that entry's `ae_titles`: %s" RELOAD
			   ". For a new modality: cathgate modality add",
			   fault->calling, all[0] ? all : "there is no entry yet");
}

static const char *cure_mismatch(const struct fault *fault)
{
	const struct config_certificate *bound;

	if (!fault->entry)
		return NULL;
	bound = &fault->entry->certificate;
	if (bound->none || !fault->certificate[0])
		return keep_format("the entry %s expects %s: correct `certificate` in "
				   "%s, or the listener that the modality calls" RELOAD,
				   fault->entry->name, diagnose_binding(bound),
				   entry_place(fault, "certificate"));
	if (bound->sha256.count > 0)
		return keep_format(
			"the entry %s expects the certificate sha256 %s. If the "
			"modality's certificate was renewed, put \"%s\" into "
			"`certificate.sha256` in %s" RELOAD ". If not, some other device "
			"uses this AE title: find out which one is at %s",
			fault->entry->name, diagnose_strings(&bound->sha256),
			fault->certificate, entry_place(fault, "certificate.sha256"),
			diagnose_host(fault->peer));
	return keep_format(
		"the entry %s expects a certificate with %s (%s); this one is %s. Give "
		"the modality a certificate that bears it, or correct the entry" RELOAD,
		fault->entry->name, diagnose_binding(bound),
		entry_place(fault, "certificate"), fault->subject);
}

static const char *cure_called(const struct fault *fault)
{
	if (!fault->entry)
		return NULL;
	return keep_format(
		"the modality calls \"%s\", the entry %s expects %s: set the "
		"called AE title at the modality to that, or add \"%s\" to "
		"`called_ae_titles` in %s" RELOAD
		". It was the gateway that rejected it; the PACS was not asked",
		fault->called, fault->entry->name,
		diagnose_titles(&fault->entry->called_ae_titles), fault->called,
		entry_place(fault, "called_ae_titles"));
}

static const char *cure_address(const struct fault *fault)
{
	if (!fault->entry)
		return NULL;
	return keep_format("it came from %s, the entry %s allows %s: if the modality has "
			   "moved, add \"%s\" to `addresses` in %s" RELOAD
			   ". Behind NAT the gateway sees the router's address",
			   diagnose_host(fault->peer), fault->entry->name,
			   diagnose_addresses(fault->entry), diagnose_host(fault->peer),
			   entry_place(fault, "addresses"));
}

static const char *cure_sop_class(const struct fault *fault)
{
	const char *class = members_text(fault->line, "sop_class");

	if (!fault->entry || fault->entry->sop_classes.count == 0)
		return NULL;
	return keep_format("the entry %s allows only %s: if %s is to pass, add it to "
			   "`sop_classes` in %s" RELOAD,
			   fault->entry->name,
			   diagnose_strings(&fault->entry->sop_classes),
			   class[0] ? class : "what the detail names",
			   entry_place(fault, "sop_classes"));
}

static const char *cure_move(const struct fault *fault)
{
	if (!fault->entry)
		return NULL;
	return keep_format(
		"if the workstation that the detail names may fetch images "
		"through the gateway, add its AE title to `move_originators` of "
		"the entry %s, %s" RELOAD,
		fault->entry->name, entry_place(fault, "move_originators"));
}

/* The place of a key of each listener with TLS: a line of the log doesn't name its
 * listener. */
static const char *listener_places(const struct fault *fault)
{
	const char *all = "";

	for (size_t i = 0; i < fault->config->listen_count; i++) {
		const struct config_listen *listen = &fault->config->listen[i];
		const char *place =
			diagnose_place(fault->config, &listen->place, fault->key);

		if (!listen->tls.none)
			all = keep_listed(all, "; ",
					  keep_format("`%s` in %s", fault->key, place));
	}
	return all;
}

/* Keys of listeners. */
static const char *cure_listener(const struct fault *fault)
{
	return keep_format("%s. Here: %s", reason_help(fault->reason)->cure,
			   listener_places(fault));
}

const char *diagnose_renewal(const struct config_modality *entry)
{
	return known_certificate_is_by_name(&entry->certificate)
		       ? "its CA must renew it; the entry is bound to a name, so the "
			 "gateway takes the next certificate with that name as soon as "
			 "the modality shows it"
		       : keep_format("to give it a new one: cathgate modality renew %s%s",
				     entry->name,
				     entry->certificate.uri.count == 0
					     ? " --certificate FILE"
					     : "");
}

/* Whose certificate it was that was shown and refused, and what is to become of it. */
static const char *whose_shown(const struct fault *fault)
{
	const char *name = fault->entry->name;
	const char *place = entry_place(fault, "certificate");

	switch (diagnose_fit(fault->config, fault->entry,
			     diagnose_certificate(fault->line))) {
	case DIAGNOSE_FITS:
		return keep_format("What it showed is the certificate of the entry %s "
				   "(%s); %s",
				   name, place, diagnose_renewal(fault->entry));
	case DIAGNOSE_FAILS:
		return keep_format("The entry %s was let in with what it showed, but "
				   "takes it no more: it expects %s (%s). Install the "
				   "modality's new certificate there; if that is not at "
				   "hand: cathgate modality renew %s",
				   name, diagnose_binding(&fault->entry->certificate),
				   place, name);
	case DIAGNOSE_UNPROVED:
		break;
	}
	if (fault->reason == REASON_TLS_UNTRUSTED)
		return keep_format("The entry %s (%s) was let in with the very "
				   "certificate that it showed: its CA was in `ca` then, "
				   "and is there no more",
				   name, place);
	return keep_format("The entry %s (%s) was let in with what it showed; %s", name,
			   place, diagnose_renewal(fault->entry));
}

/* The cure for a certificate that was refused, and whose it is. */
static const char *cure_shown(const struct fault *fault)
{
	const char *cure =
		fault->key ? cure_listener(fault) : reason_help(fault->reason)->cure;

	return fault->entry && members_text(fault->line, "shown_certificate")[0]
		       ? keep_format("%s. %s", cure, whose_shown(fault))
		       : cure;
}

/* How a CA's certificate comes to the modality. */
static const char *way_of_ca(const struct fault *fault, bool is_away)
{
	const char *name = fault->entry ? fault->entry->name : "NAME";

	if (fault->entry && known_certificate_is_by_name(&fault->entry->certificate))
		return "Carry a copy of that file there, never a key";
	return keep_format(
		"Carry a copy of that file there, never a key; or: cathgate modality "
		"renew %s%s, which puts it into a folder, with a new certificate for the "
		"modality",
		name, is_away ? " --trust FILE, with the CA's file" : "");
}

/* The modality refused us: which CA it has to trust, and where to get that. */
static const char *cure_peer_refused(const struct fault *fault)
{
	bool is_away;
	const char *cas = own_ca_text(fault->config, &is_away);

	if (!cas[0])
		return cure_listener(fault);
	return keep_format(
		"install the CA of the gateway's certificate at the modality, where it "
		"keeps the CAs that it trusts: %s. %s. If the modality has that CA "
		"already, it minds something else: see its alert, its clock, and the "
		"name by which it calls the gateway, which must stand in the gateway's "
		"certificate",
		cas, way_of_ca(fault, is_away));
}

/* A key of the entry. */
static const char *cure_entry(const struct fault *fault)
{
	if (!fault->entry)
		return NULL;
	return keep_format("%s. Here: `%s` of the entry %s (%s)",
			   reason_help(fault->reason)->cure, fault->key,
			   fault->entry->name, entry_place(fault, fault->key));
}

/* The modality sees the PACS's rejection as if it came from the gateway: so both calls
 * are told apart. */
static const char *both_legs(const struct fault *fault, const struct probe *probe)
{
	const char *own = probe->destination->calling_ae_title.text;

	return keep_format("the modality is right: as %s it called the gateway %s, which "
			   "took it. The gateway, as %s, then called the PACS %s",
			   fault->calling, fault->called, own[0] ? own : fault->calling,
			   probe->destination->called_ae_title.text);
}

/* What `diagnose --destination` would say about what the gateway itself met. */
static const char *cure_by_probe(const struct fault *fault)
{
	struct probe probe = { .config = fault->config };
	enum reason reason = fault->reason;
	const char *detail = members_text(fault->line, "detail"), *meaning;
	const char *codes = strstr(detail, "result ");
	unsigned result, source, code;
	enum probe_step step;

	for (size_t i = 0; i < fault->config->destination_count; i++)
		if (strcmp(fault->config->destinations[i].name, fault->destination) == 0)
			probe.destination = &fault->config->destinations[i];
	if (!probe.destination)
		return NULL;
	if (reason == REASON_DESTINATION_TLS || reason == REASON_DESTINATION_NAME)
		return probe_tls_cure(&probe, reason, detail, &step);
	if (reason != REASON_DESTINATION_REJECTED || !codes ||
	    sscanf(codes, "result %u, source %u, reason %u", &result, &source, &code) !=
		    3)
		return NULL;
	const char *cure = probe_rejection_cure(&probe, source, code, &meaning);
	return keep_format("%s. The PACS rejected that: %s; %s", both_legs(fault, &probe),
			   meaning, cure);
}

static const char *cure_destination(const struct fault *fault)
{
	const char *cure = cure_by_probe(fault);

	if (!fault->destination[0])
		return NULL;
	return keep_format("%s. To see where the way breaks now: cathgate diagnose "
			   "--destination %s",
			   cure ? cure : reason_help(fault->reason)->cure,
			   fault->destination);
}

/* The gateway's own words (association/admission.c, supervisor/gate/crashes.c). */
static const char *cure_held_back(const struct fault *fault)
{
	if (!strstr(members_text(fault->line, "detail"), "held back"))
		return NULL;
	return "it is let in again after ten minutes, or at once by: cathgate reload. "
	       "Report the crashes with the log: the gateway has a fault, or an attacker "
	       "looks for one";
}

static const struct {
	enum reason reason;
	curer *cure;
	const char *key; /* of the configuration */
} curers[] = {
	{ REASON_AE_UNKNOWN, cure_ae_unknown, NULL },
	{ REASON_AE_CERTIFICATE_MISMATCH, cure_mismatch, NULL },
	{ REASON_CALLED_AE_UNKNOWN, cure_called, NULL },
	{ REASON_ADDRESS_NOT_ALLOWED, cure_address, NULL },
	{ REASON_SOP_CLASS_NOT_ALLOWED, cure_sop_class, NULL },
	{ REASON_MOVE_ORIGINATOR, cure_move, NULL },
	{ REASON_TLS_NO_CERTIFICATE, cure_listener, "tls.ca" },
	{ REASON_TLS_UNTRUSTED, cure_shown, "tls.ca" },
	{ REASON_TLS_EXPIRED, cure_shown, NULL },
	{ REASON_TLS_REVOKED, cure_shown, NULL },
	{ REASON_TLS_NOT_YET_VALID, cure_shown, NULL },
	{ REASON_TLS_PURPOSE, cure_shown, NULL },
	{ REASON_TLS_WEAK, cure_shown, NULL },
	{ REASON_TLS_CRL_STALE, cure_listener, "tls.crl" },
	{ REASON_TLS_CRL_MISSING, cure_listener, "tls.crl" },
	{ REASON_TLS_PEER_REFUSED, cure_peer_refused, "tls.certificate" },
	{ REASON_TLS_NO_COMMON, cure_listener, "tls.certificate" },
	{ REASON_TLS_VERSION, cure_listener, "tls.min_version" },
	{ REASON_LIMIT_ASSOCIATIONS, cure_entry, "max_associations" },
	{ REASON_IDLE, cure_entry, "idle_seconds" },
	{ REASON_DESTINATION_UNREACHABLE, cure_destination, NULL },
	{ REASON_DESTINATION_TLS, cure_destination, NULL },
	{ REASON_DESTINATION_NAME, cure_destination, NULL },
	{ REASON_DESTINATION_REJECTED, cure_destination, NULL },
	{ REASON_DESTINATION_CONTEXT, cure_destination, NULL },
	{ REASON_DESTINATION_LOST, cure_destination, NULL },
	{ REASON_DESTINATION_TIMEOUT, cure_destination, NULL },
	{ REASON_DESTINATION_PROTOCOL, cure_destination, NULL },
	{ REASON_INTERNAL, cure_held_back, NULL },
};

static const char *entry_takes(const struct fault *fault)
{
	return keep_format("the entry %s (%s) takes by now what was refused then: "
			   "cathgate reload, if that hasn't been done since, and let the "
			   "modality come again",
			   fault->entry->name, entry_place(fault, "name"));
}

static const char *cure_by_reason(struct fault *fault)
{
	const char *cure = NULL;

	for (size_t i = 0; fault->config && i < LENGTH(curers); i++)
		if (curers[i].reason == fault->reason) {
			fault->key = curers[i].key;
			cure = curers[i].cure(fault);
		}
	return cure ? cure : reason_help(fault->reason)->cure;
}

const char *diagnose_cure(const struct config *config, const json_t *line,
			  const struct config_modality *entry)
{
	enum reason reason = reason_of_name(members_text(line, "reason"));
	enum reason now = config ? diagnose_again(config, line, &entry) : reason;
	struct fault fault = {
		.config = config,
		.line = line,
		.reason = now,
		.entry = entry,
		.calling = members_text(line, "calling_ae"),
		.called = members_text(line, "called_ae"),
		.certificate = members_text(line, "certificate"),
		.subject = members_text(line, "subject"),
		.peer = members_text(line, "peer"),
		.destination = members_text(line, "destination"),
	};

	if (reason == REASON_NONE)
		return "";
	if (now == REASON_NONE)
		return entry_takes(&fault);
	if (now != reason)
		return keep_format("the entry was changed since; what came would be "
				   "refused with %s now: %s",
				   reason_name(now), cure_by_reason(&fault));
	return cure_by_reason(&fault);
}
