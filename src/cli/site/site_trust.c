/* Which certificates the listeners take. */
#include <string.h>

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
