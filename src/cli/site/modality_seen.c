#include "modality_seen.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/audit/members.h"
#include "cathgate/audit/summed.h"
#include "cli/kit/gateway_config.h"
#include "cli/kit/keep.h"
#include "cli/kit/known_certificate.h"
#include "cli/kit/moment.h"

#define DAY_SECONDS 86400

/* In its size the text is replaced again and again, as the log goes on. */
struct last {
	char time[64], reason[64];
};

struct search {
	const struct site *site;
	struct modality_seen *seen;
	struct last *accepted, *refused;
	json_t *let_in; /* by SHA-256: the entry that last came in with it */
};

#define NOBODY SIZE_MAX

static size_t entry_named(const struct config *config, const char *name)
{
	for (size_t i = 0; name[0] && i < config->modality_count; i++)
		if (strcmp(config->modalities[i].name, name) == 0)
			return i;
	return NOBODY;
}

static bool is_bound_to(const struct site *site, const struct config_certificate *bound,
			const char *sha256)
{
	for (size_t i = 0; i < site->known_count; i++)
		if (strcmp(site->known[i].facts.sha256, sha256) == 0)
			return known_certificate_fits(bound, &site->known[i].facts);
	return !bound->none && gateway_config_has_text(&bound->sha256, sha256);
}

static size_t entry_bound_to(const struct site *site, const char *sha256)
{
	for (size_t i = 0; sha256[0] && i < site->config->modality_count; i++)
		if (is_bound_to(site, &site->config->modalities[i].certificate, sha256))
			return i;
	return NOBODY;
}

static bool has_title(const struct config_modality *entry, const char *title)
{
	for (size_t i = 0; i < entry->ae_titles.count; i++)
		if (strcmp(entry->ae_titles.items[i].text, title) == 0)
			return true;
	return false;
}

/* NOBODY where several have it. */
static size_t entry_called(const struct config *config, const char *title)
{
	size_t found = NOBODY;

	for (size_t i = 0; title[0] && i < config->modality_count; i++) {
		if (!has_title(&config->modalities[i], title))
			continue;
		if (found != NOBODY)
			return NOBODY;
		found = i;
	}
	return found;
}

/* An entry is bound to another certificate after `cathgate modality renew`, and nobody
 * has a copy of many a hospital's: then it is known for whom the gateway took it. */
static size_t entry_let_in(const struct search *search, const char *sha256)
{
	const json_t *at = json_object_get(search->let_in, sha256);

	return at ? (size_t)json_integer_value(at) : NOBODY;
}

static size_t entry_refused(const struct search *search, const json_t *line)
{
	const struct site *site = search->site;
	const char *certificate = members_text(line, "certificate");
	size_t found = entry_named(site->config, members_text(line, "modality"));

	/* A sum over many addresses has what the last of them said. */
	if (summed_is_of_others(members_text(line, "association"),
				members_text(line, "detail")))
		return NOBODY;
	if (certificate[0] == '\0')
		certificate = members_text(line, "shown_certificate");
	if (found == NOBODY)
		found = entry_bound_to(site, certificate);
	if (found == NOBODY)
		found = entry_called(site->config, members_text(line, "calling_ae"));
	if (found == NOBODY)
		found = entry_let_in(search, certificate);
	return found;
}

static void note(const json_t *line, int64_t *moment, struct last *last)
{
	int64_t at = moment_of_line(line);

	if (at < *moment)
		return;
	*moment = at;
	*last = (struct last){ .time = "" };
	strncpy(last->time, members_text(line, "time"), sizeof(last->time) - 1);
	strncpy(last->reason, members_text(line, "reason"), sizeof(last->reason) - 1);
}

static void note_accepted(struct search *search, size_t at, const json_t *line)
{
	const char *certificate = members_text(line, "certificate");

	note(line, &search->seen[at].accepted, &search->accepted[at]);
	if (certificate[0] != '\0')
		json_object_set_new(search->let_in, certificate,
				    json_integer((json_int_t)at));
}

static bool take_line(void *context, const json_t *line)
{
	struct search *search = context;
	const char *outcome = members_text(line, "outcome");
	size_t at = NOBODY;

	if (strcmp(outcome, "accepted") == 0) {
		at = entry_named(search->site->config, members_text(line, "modality"));
		if (at != NOBODY)
			note_accepted(search, at, line);
	} else if (strcmp(outcome, "refused") == 0) {
		at = entry_refused(search, line);
		if (at != NOBODY)
			note(line, &search->seen[at].refused, &search->refused[at]);
	}
	return false;
}

struct modality_seen *modality_seen(const struct site *site)
{
	size_t count = site->config->modality_count;
	struct search search = {
		.site = site,
		.seen = keep_bytes((count + 1) * sizeof(*search.seen)),
		.accepted = keep_bytes((count + 1) * sizeof(*search.accepted)),
		.refused = keep_bytes((count + 1) * sizeof(*search.refused)),
	};
	int64_t since = ((int64_t)time(NULL) - MODALITY_SEEN_DAYS * DAY_SECONDS) *
			INT64_C(1000000);

	for (size_t i = 0; i < count; i++)
		search.seen[i] = (struct modality_seen){
			.accepted = MOMENT_NONE,
			.refused = MOMENT_NONE,
			.reason = search.refused[i].reason,
			.accepted_text = search.accepted[i].time,
			.refused_text = search.refused[i].time,
		};
	if (access(site->config->audit.file.path, F_OK) < 0 && errno == ENOENT)
		return search.seen;
	search.let_in = json_object();
	if (count > 0 && site_log_each(site, since, take_line, &search) < 0)
		search.seen = NULL;
	json_decref(search.let_in);
	return search.seen;
}
