/*
 * The configuration, what it says in words, and how answers are printed.
 */
#include "diagnose.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "cli/kit/complain.h"
#include "cli/kit/gateway_config.h"
#include "cli/kit/keep.h"
#include "cli/kit/shown.h"

#define COLUMNS 78

struct config *diagnose_config(const struct diagnose *how)
{
	struct config *config = gateway_config_load(how->config_path, false);

	if (!config)
		complain("correct the configuration first; cathgated --check names all "
			 "that is wrong with it");
	return config;
}

void diagnose_print(const char *head, const char *text)
{
	shown_wrapped(stdout, head, text, COLUMNS);
}

void diagnose_print_json(json_t *object)
{
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

const char *diagnose_place(const struct config *config, const struct config_place *group,
			   const char *key)
{
	struct config_place place = config_place_of(config, group, key);

	return keep_format("line %d of %s", place.line, place.file);
}

const char *diagnose_titles(const struct config_ae_titles *titles)
{
	const char *all = "";

	for (size_t i = 0; i < titles->count; i++)
		all = keep_listed(all, ", ", titles->items[i].text);
	return all;
}

const char *diagnose_strings(const struct config_strings *strings)
{
	const char *all = "";

	for (size_t i = 0; i < strings->count; i++)
		all = keep_listed(all, ", ", strings->items[i]);
	return all;
}

const char *diagnose_addresses(const struct config_modality *entry)
{
	const char *all = "";

	for (size_t i = 0; i < entry->address_count; i++) {
		const struct address_range *range = &entry->addresses[i];
		char text[INET6_ADDRSTRLEN] = "?";

		inet_ntop(range->network.v6 ? AF_INET6 : AF_INET, range->network.bytes,
			  text, sizeof(text));
		all = keep_listed(
			all, ", ",
			range->prefix_bits == (range->network.v6 ? 128 : 32)
				? text
				: keep_format("%s/%u", text, range->prefix_bits));
	}
	return all[0] ? all : "any";
}

const char *diagnose_binding(const struct config_certificate *certificate)
{
	const struct {
		const char *key;
		const struct config_strings *values;
	} kinds[] = {
		{ "sha256", &certificate->sha256 },
		{ "public_key_sha256", &certificate->public_key_sha256 },
		{ "dns", &certificate->dns },
		{ "uri", &certificate->uri },
		{ "common_name", &certificate->common_name },
	};
	const char *all = "";

	if (certificate->none)
		return "none: a plain listener";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (kinds[i].values->count > 0)
			all = keep_listed(all, "; and ",
					  keep_format("%s %s", kinds[i].key,
						      diagnose_strings(kinds[i].values)));
	}
	return all;
}

bool diagnose_has_title(const struct config_ae_titles *titles, const char *title)
{
	for (size_t i = 0; i < titles->count; i++)
		if (strcmp(titles->items[i].text, title) == 0)
			return true;
	return false;
}

void diagnose_host_of(const char *peer, char ret[DIAGNOSE_HOST_SIZE])
{
	const char *colon = strrchr(peer, ':');
	size_t length = colon ? (size_t)(colon - peer) : strlen(peer);
	bool v6 = length >= 2 && peer[0] == '[' && peer[length - 1] == ']';

	snprintf(ret, DIAGNOSE_HOST_SIZE, "%.*s", (int)(v6 ? length - 2 : length),
		 v6 ? peer + 1 : peer);
}

const char *diagnose_host(const char *peer)
{
	char host[DIAGNOSE_HOST_SIZE];

	diagnose_host_of(peer, host);
	return keep_format("%s", host);
}

bool diagnose_has_peer(const struct config_modality *entry, const char *peer)
{
	struct address_range host;
	char text[DIAGNOSE_HOST_SIZE];

	if (entry->address_count == 0)
		return true;
	diagnose_host_of(peer, text);
	if (address_range_parse(text, &host) != 0)
		return false;
	for (size_t i = 0; i < entry->address_count; i++)
		if (address_range_holds(&entry->addresses[i], &host.network))
			return true;
	return false;
}
