#include "supervisor/helpers/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cathgate/base/log.h"
#include "supervisor/helpers/name_files.h"

#define AGAIN_MS	 30000
#define AGAIN_UNKNOWN_MS 2000 /* while a name has had no answer yet */

struct answer {
	size_t destination;
	uint8_t last_of_round; /* no bool: any byte may come */
	struct net_addresses addresses;
};

int resolver_run(int channel, const struct config *config,
		 const struct sandbox_program *sandbox)
{
	struct pollfd end = { .fd = channel, .events = POLLIN };
	bool *failing = calloc(config->destination_count, sizeof(*failing));
	int status = 0;

	if (name_files_enter(sandbox, config) != 0)
		role_exit(1);
	for (;;) {
		int wait_ms = AGAIN_MS;

		for (size_t i = 0; i < config->destination_count; i++) {
			struct answer answer = { .destination = i };
			int error = net_look_up(config->destinations[i].host,
						config->destinations[i].port, false,
						&answer.addresses);

			answer.last_of_round = i + 1 == config->destination_count;
			if (error != 0)
				wait_ms = AGAIN_UNKNOWN_MS;
			if (failing && error != 0 && !failing[i])
				log_warning("destination %s: the name %s: %s",
					    config->destinations[i].name,
					    config->destinations[i].host,
					    gai_strerror(error));
			if (failing)
				failing[i] = error != 0;
			if (send(channel, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
				goto out;
		}
		if (poll(&end, 1, wait_ms) > 0)
			goto out;
		if (sandbox_is_stale()) {
			status = ROLE_ANEW;
			goto out;
		}
	}
out:
	free(failing);
	return status;
}

void resolver_decide(struct resolver *resolver, struct settings *settings)
{
	const struct config *config = settings->config;

	resolver->has_names = false;
	for (size_t i = 0; i < config->destination_count; i++)
		if (net_look_up(config->destinations[i].host,
				config->destinations[i].port, true,
				&settings->addresses[i]) != 0)
			resolver->has_names = true;
	if (!resolver->has_names)
		resolver->has_answered = true;
}

static bool same_host(const struct config_destination *a,
		      const struct config_destination *b)
{
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}

bool resolver_renew(struct resolver *resolver, struct settings *settings,
		    const struct settings *before)
{
	const struct config *was = before->config, *is = settings->config;
	bool is_same = was->destination_count == is->destination_count;

	for (size_t i = 0; i < is->destination_count; i++) {
		const struct config_destination *now = &is->destinations[i];

		is_same = is_same && same_host(now, &was->destinations[i]);
		for (size_t j = 0; j < was->destination_count; j++)
			if (same_host(now, &was->destinations[j]))
				settings->addresses[i] = before->addresses[j];
	}
	if (is_same)
		return false;
	resolver_decide(resolver, settings);
	helper_dismiss(resolver->helper);
	return true;
}

void resolver_hear(struct resolver *resolver, struct settings *settings)
{
	struct answer answer;
	ssize_t size =
		recv(resolver->helper->channel, &answer, sizeof(answer), MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size != (ssize_t)sizeof(answer) ||
	    answer.destination >= settings->config->destination_count ||
	    answer.addresses.count > NET_ADDRESSES_MAX) {
		helper_hang_up(resolver->helper);
		return;
	}
	if (answer.addresses.count > 0)
		settings->addresses[answer.destination] = answer.addresses;
	if (answer.last_of_round)
		resolver->has_answered = true;
}
