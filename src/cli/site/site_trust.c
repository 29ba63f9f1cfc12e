/* Whom the listeners trust, and whom a modality must trust to trust them. */
#include <string.h>

#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "setup.h"
#include "site.h"

/* A certificate that is refused for these is good, and counts later: the gateway lacks
 * something, or a day has to come. */
static bool may_pass_later(enum reason reason)
{
	return reason == REASON_TLS_NOT_YET_VALID || reason == REASON_TLS_CRL_STALE ||
	       reason == REASON_TLS_CRL_MISSING;
}

const struct config_listen *site_listener_for(const struct site *site, const char *pem,
					      struct tls_failure *ret)
{
	const struct config_listen *later = NULL;
	struct tls_failure failure, first = { .reason = REASON_NONE };

	for (size_t i = 0; i < site->config->listen_count; i++) {
		const struct config_listen *listen = &site->config->listen[i];

		if (listen->tls.none)
			continue;
		if (pem[0] == '\0' || tls_judge_certificate(&listen->tls, pem,
							    strlen(pem), &failure) == 0) {
			*ret = (struct tls_failure){ .reason = REASON_NONE };
			return listen;
		}
		if (!later && may_pass_later(failure.reason)) {
			later = listen;
			first = failure;
		} else if (first.reason == REASON_NONE) {
			first = failure;
		}
	}
	if (first.reason == REASON_NONE) {
		first.reason = REASON_INTERNAL;
		strcpy(first.detail, "there is no listener with TLS that a modality "
				     "could use");
	}
	*ret = first;
	return later;
}

enum pki_root site_root(const struct site *site, const struct config_tls *tls,
			struct pki_certificate **ret, char ret_away[PKI_NAME_SIZE])
{
	const struct config *config = site->config;
	const char **files = keep_bytes(
		(config->listen_count + config->destination_count + 1) * sizeof(*files));
	size_t count = 0;

	files[count++] = keep_format("%s/" SETUP_CA_CERT, site->folder);
	for (size_t i = 0; i < config->listen_count; i++)
		if (!config->listen[i].tls.none)
			files[count++] = config->listen[i].tls.ca.path;
	for (size_t i = 0; i < config->destination_count; i++)
		if (!config->destinations[i].tls.none)
			files[count++] = config->destinations[i].tls.ca.path;
	return pki_root_find(tls->certificate.path, files, count, ret, ret_away);
}
