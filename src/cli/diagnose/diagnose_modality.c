/*
 * `cathgate diagnose --modality`: what the gateway expects of a modality, beside what it
 * last showed.
 */
#include "diagnose_search.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/audit/members.h"
#include "cathgate/base/reason.h"
#include "cathgate/base/utc.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/gateway_config.h"
#include "cli/kit/keep.h"
#include "cli/kit/moment.h"
#include "cli/kit/shown.h"

/* One member: what is expected, what came, and whether that differs. */
struct member {
	const char *name, *key, *expected, *shown;
	bool differs;
};

enum { CALLING, CALLED, CERTIFICATE, ADDRESS, SOP_CLASS, MEMBER_COUNT };

static const char *certificate_shown(const json_t *line)
{
	const char *text = diagnose_certificate_text(line);

	return text[0] ? text : "none";
}

/* Where the modality refused the gateway, or they have no TLS version in common, nothing
 * is known of the modality's own certificate. */
static bool certificate_differs(const struct diagnose_search *search, const json_t *line)
{
	const char *certificate = members_text(line, "certificate");
	enum diagnose_fit fit;
	enum reason reason = reason_of_name(members_text(line, "reason"));

	if (reason == REASON_TLS_PEER_REFUSED || reason == REASON_TLS_VERSION ||
	    reason == REASON_HANDSHAKE_TIMEOUT)
		return false;
	if (diagnose_is_of_tls(line))
		return true;
	fit = diagnose_fit(search->config, search->entry, certificate);
	if (reason == REASON_AE_CERTIFICATE_MISMATCH)
		return fit != DIAGNOSE_FITS;
	return certificate[0] && fit == DIAGNOSE_FAILS;
}

static const char *sop_classes_of(const struct config_modality *entry)
{
	return entry->sop_classes.count > 0 ? diagnose_strings(&entry->sop_classes)
					    : "any storage class";
}

static bool sop_class_differs(const struct diagnose_search *search, const json_t *line)
{
	const struct config_modality *entry = search->entry;
	const char *reason = line ? members_text(line, "reason") : "";

	return strcmp(reason, "sop-class-not-allowed") == 0 &&
	       diagnose_again(search->config, line, &entry) != REASON_NONE;
}

static void compare_members(const struct diagnose_search *search,
			    struct member ret[MEMBER_COUNT])
{
	const struct config_modality *entry = search->entry;
	const json_t *line = search->last;
	const char *calling = line ? members_text(line, "calling_ae") : "";
	const char *called = line ? members_text(line, "called_ae") : "";
	const char *peer = line ? members_text(line, "peer") : "";
	const char *class = line ? members_text(line, "sop_class") : "";

	ret[CALLING] = (struct member){
		"calling AE title", "calling_ae", diagnose_titles(&entry->ae_titles),
		calling, calling[0] && !diagnose_has_title(&entry->ae_titles, calling)
	};
	ret[CALLED] = (struct member){
		"called AE title", "called_ae", diagnose_titles(&entry->called_ae_titles),
		called, called[0] && !diagnose_has_title(&entry->called_ae_titles, called)
	};
	ret[CERTIFICATE] = (struct member){ "certificate", "certificate",
					    diagnose_binding(&entry->certificate),
					    line ? certificate_shown(line) : "",
					    line && certificate_differs(search, line) };
	ret[ADDRESS] = (struct member){ "address", "address", diagnose_addresses(entry),
					peer[0] ? diagnose_host(peer) : "",
					peer[0] && !diagnose_has_peer(entry, peer) };
	ret[SOP_CLASS] = (struct member){ "SOP class", "sop_class", sop_classes_of(entry),
					  class, sop_class_differs(search, line) };
}

/* "127.0.0.1 port 2762, TLS 1.2 or newer, certificates of the CA in tls/ca.crt" */
static const char *listener_of(const struct config_listen *listen)
{
	const char *where =
		listen->socket ? keep_format("the port of systemd's socket \"%s\" (see: "
					     "systemctl list-sockets)",
					     listen->socket)
			       : keep_format("%s port %u", listen->address, listen->port);

	if (listen->tls.none)
		return keep_format("%s, without TLS", where);
	return keep_format("%s, TLS 1.%d or newer, a certificate of the CA in %s", where,
			   listen->tls.min_version % 10, listen->tls.ca.path);
}

static void print_expected(const struct diagnose_search *search)
{
	const struct config *config = search->config;
	const struct config_destination *to =
		&config->destinations[search->entry->destination];

	diagnose_print(
		"", keep_format("Modality %s (%s)", search->entry->name,
				diagnose_place(config, &search->entry->place, "name")));
	for (size_t i = 0; i < config->listen_count; i++)
		if (config->listen[i].tls.none == search->entry->certificate.none)
			diagnose_print("  calls       ", listener_of(&config->listen[i]));
	diagnose_print("  for         ", keep_format("destination %s (%s port %u)",
						     to->name, to->host, to->port));
	diagnose_print("  C-ECHO      ",
		       search->entry->echo == CONFIG_ECHO_GATEWAY
			       ? "answered by the gateway itself, even when the PACS is "
				 "down: only an image proves the way to the PACS"
			       : "answered by the PACS, through the gateway");
}

/* Whether what TLS has refused is the entry's certificate all the same. */
static bool shows_its_own(const struct diagnose_search *search)
{
	const char *shown = search->last ? diagnose_certificate(search->last) : "";

	return shown[0] &&
	       diagnose_fit(search->config, search->entry, shown) == DIAGNOSE_FITS;
}

static void print_members(const struct diagnose_search *search,
			  const struct member members[MEMBER_COUNT])
{
	for (int i = 0; i < MEMBER_COUNT; i++) {
		const struct member *member = &members[i];
		const char *mark = i == CERTIFICATE && shows_its_own(search)
					   ? "  <- refused"
					   : "  <- differs";

		printf("%s %s%s\n", member->differs ? "*" : " ", member->name,
		       member->differs ? mark : "");
		diagnose_print("    expected  ", member->expected);
		if (search->last)
			diagnose_print("    shown     ",
				       member->shown[0] ? member->shown : "-");
	}
}

static const char *story_of(const struct diagnose *how, const json_t *line)
{
	const char *reason = members_text(line, "reason");
	const char *detail = members_text(line, "detail");
	char time[MOMENT_SIZE];

	moment_show(moment_of_line(line), how->utc, time);
	return keep_format("%s: %s %s%s%s%s%s", time, members_text(line, "event"),
			   members_text(line, "outcome"), reason[0] ? ", " : "", reason,
			   detail[0] ? ": " : "", detail);
}

static bool is_of_destination(const json_t *line)
{
	const struct reason_help *help =
		reason_help(reason_of_name(members_text(line, "reason")));

	return help && help->place == REASON_PLACE_DESTINATION;
}

/* Why it can't be told whether a modality that was let in would be let in now; "" where
 * it can. Nobody has a copy of many a certificate that an entry with names lets in: such
 * an entry fits if it stands as it stood when the gateway let the modality in. */
static const char *unproved_since(const struct diagnose_search *search)
{
	const json_t *let_in = search->accepted ? search->accepted : search->last;
	const struct config_place *place = &search->entry->place;
	struct stat status;
	int64_t written;

	if (diagnose_fit(search->config, search->entry,
			 members_text(let_in, "certificate")) != DIAGNOSE_UNPROVED)
		return "";
	/* Neither a backup that is played back nor a rename can set this time. */
	if (stat(place->file, &status) < 0)
		return keep_format("%s: %s", place->file, strerror(errno));
	written =
		(int64_t)status.st_ctim.tv_sec * 1000000 + status.st_ctim.tv_nsec / 1000;
	if (written <= moment_of_line(let_in))
		return "";
	return keep_format("it was let in when it last came, but %s was written since: "
			   "whether the certificate that it showed fits %s (%s) can't be "
			   "told, since no copy of it can be read. Let it come again",
			   place->file, diagnose_binding(&search->entry->certificate),
			   diagnose_place(search->config, place, "certificate"));
}

/* Why a modality that was let in would be refused now; "" when it wouldn't. */
static const char *changed_since(const struct diagnose_search *search,
				 const struct member members[MEMBER_COUNT])
{
	time_t end = diagnose_known_end(search->config,
					members_text(search->last, "certificate"));
	char date[UTC_TEXT_SIZE];

	if (end != 0 && end < time(NULL)) {
		utc_date(end, date);
		return keep_format(
			"its certificate expired on %s, after it was let in; %s", date,
			diagnose_renewal(search->entry));
	}
	for (int i = 0; i < MEMBER_COUNT; i++)
		if (members[i].differs)
			return keep_format(
				"the entry was changed since it was let in: what has a "
				"star would be refused now. Correct it at the modality"
				"%s, or in %s",
				members[CERTIFICATE].differs
					? " (which gets a new certificate by cathgate "
					  "modality renew)"
					: "",
				diagnose_place(search->config, &search->entry->place,
					       "name"));
	return unproved_since(search);
}

/* What is to be done about a modality that came; "" for nothing. */
static const char *cure_of(const struct diagnose_search *search,
			   const struct member members[MEMBER_COUNT])
{
	const char *changed = changed_since(search, members), *cure;

	if (!members_text(search->last, "reason")[0])
		return changed;
	cure = diagnose_cure(search->config, search->last, diagnose_search_whose(search));
	return is_of_destination(search->last) && changed[0]
		       ? keep_format("%s. Besides, the way to its destination failed: %s",
				     changed, cure)
		       : cure;
}

static const char *stranger_cure(const struct diagnose_search *search)
{
	return diagnose_cure(
		search->config, search->stranger,
		diagnose_entry_of(search->config, search->let_in, search->stranger));
}

static void print_stranger(const struct diagnose *how,
			   const struct diagnose_search *search)
{
	const json_t *line = search->stranger;
	const char *calling = members_text(line, "calling_ae");
	const char *certificate = diagnose_certificate_text(line);

	diagnose_print("",
		       keep_format("%s came whom no entry fits; perhaps it is this "
				   "one:",
				   search->last ? "Since then somebody" : "Somebody"));
	diagnose_print("  came        ", story_of(how, line));
	diagnose_print("  from        ", diagnose_host(members_text(line, "peer")));
	if (calling[0])
		diagnose_print("  AE title    ", calling);
	if (certificate[0])
		diagnose_print("  certificate ", certificate);
	diagnose_print("Cure: ", stranger_cure(search));
}

static void print_last(const struct diagnose *how, const struct diagnose_search *search)
{
	const char *missing =
		"nothing with its AE title or certificate reached the gateway";

	if (search->last) {
		diagnose_print("  last came   ", story_of(how, search->last));
		diagnose_print("  known by    ", diagnose_search_by(search));
	} else if (search->stranger) {
		diagnose_print("  last came   ",
			       keep_format("not within %u days: %s. But see below",
					   how->days, missing));
	} else {
		diagnose_print("  last came   ",
			       keep_format("not within %u days: %s. Look at address, "
					   "port and firewall",
					   how->days, missing));
	}
	if (search->last && search->accepted)
		diagnose_print("  was let in  ", story_of(how, search->accepted));
}

static void print_text(const struct diagnose *how, const struct diagnose_search *search,
		       const struct member members[MEMBER_COUNT])
{
	const json_t *last = search->last;
	const char *cure = last ? cure_of(search, members) : "";

	print_expected(search);
	print_last(how, search);
	putchar('\n');
	print_members(search, members);
	putchar('\n');
	if (last && is_of_destination(last) && !changed_since(search, members)[0])
		diagnose_print("", "The modality fits: what failed is the way to its "
				   "destination.");
	if (cure[0])
		diagnose_print("Cure: ", cure);
	else if (last)
		puts("It fits: nothing is to be done.");
	if (search->stranger)
		print_stranger(how, search);
}

static json_t *text_json(const char *text)
{
	return text && text[0] ? json_string(text) : NULL;
}

static void print_json(const struct diagnose_search *search,
		       const struct member members[MEMBER_COUNT])
{
	const struct config *config = search->config;
	json_t *list = json_object(), *listeners = json_array();

	for (size_t i = 0; i < config->listen_count; i++)
		json_array_append_new(listeners,
				      json_string(listener_of(&config->listen[i])));
	for (int i = 0; i < MEMBER_COUNT; i++)
		json_object_set_new(list, members[i].key,
				    json_pack("{s:o*, s:o*, s:b}", "expected",
					      json_string(members[i].expected), "shown",
					      json_string(members[i].shown), "differs",
					      members[i].differs));
	diagnose_print_json(json_pack(
		"{s:o*, s:o*, s:s, s:o, s:o, s:O*, s:o*, s:o*, s:O*, s:O*, s:o*}",
		"modality", json_string(search->entry->name), "destination",
		json_string(config->destinations[search->entry->destination].name),
		"echo",
		search->entry->echo == CONFIG_ECHO_GATEWAY ? "gateway" : "destination",
		"listeners", listeners, "members", list, "last", search->last, "known_by",
		text_json(diagnose_search_by(search)), "cure",
		text_json(search->last ? cure_of(search, members) : NULL), "accepted",
		search->accepted, "stranger", search->stranger, "stranger_cure",
		text_json(search->stranger ? stranger_cure(search) : NULL)));
}

/* Where `cathgate modality revoke` has put its entry. */
static bool is_revoked(const struct config *config, const char *name)
{
	const char *slash = strrchr(config->path, '/');

	return access(keep_format("%.*s" CONFIG_MODALITIES_FOLDER "/%s.conf.revoked",
				  slash ? (int)(slash + 1 - config->path) : 0,
				  config->path, name),
		      F_OK) == 0;
}

static const struct config_modality *find_modality(const struct config *config,
						   const char *name)
{
	const char *all = "";

	for (size_t i = 0; i < config->modality_count; i++) {
		if (strcmp(config->modalities[i].name, name) == 0)
			return &config->modalities[i];
		all = keep_listed(all, ", ", config->modalities[i].name);
	}
	if (is_revoked(config, name))
		complain("the modality \"%s\" was revoked, and is refused; to let it in "
			 "again, with a new certificate: cathgate modality renew %s, "
			 "which says what its CA must do first if the entry is bound to "
			 "a name",
			 name, name);
	else
		complain("there is no modality \"%s\"; those that there are: %s", name,
			 all[0] ? all : "none");
	return NULL;
}

int diagnose_modality(const struct diagnose *how)
{
	struct diagnose_search search = { .config = diagnose_config(how),
					  .let_in = json_object() };
	struct member members[MEMBER_COUNT];
	int status = CLI_USAGE;

	if (search.config)
		search.entry = find_modality(search.config, how->modality);
	if (search.entry && diagnose_log_each(how, diagnose_search_visit, &search) == 0) {
		compare_members(&search, members);
		if (how->as_json)
			print_json(&search, members);
		else
			print_text(how, &search, members);
		status = search.last && !cure_of(&search, members)[0] ? CLI_GOOD
								      : CLI_WRONG;
	}
	json_decref(search.last);
	json_decref(search.stranger);
	json_decref(search.accepted);
	json_decref(search.let_in);
	config_free((struct config *)search.config);
	return status;
}
