/* Which certificates the listeners take. */
#include <string.h>

#include "cli/kit/keep.h"
#include "cli/kit/known_certificate.h"
#include "site.h"

/* A certificate that is refused for these is good, and counts later: the gateway lacks
 * something, or a day has to come. */
static bool may_pass_later(enum reason reason)
{
	return reason == REASON_TLS_NOT_YET_VALID || reason == REASON_TLS_CRL_STALE ||
	       reason == REASON_TLS_CRL_MISSING;
}

static const struct tls_judge *judge_of(const struct site *site, size_t listener)
{
	struct tls_judge **judge = &site->judges[listener];

	if (!*judge)
		*judge = tls_judge_open(&site->config->listen[listener].tls);
	return *judge;
}

void site_forget_trust(struct site *site)
{
	for (size_t i = 0; i < site->judge_count; i++) {
		tls_judge_close(site->judges[i]);
		site->judges[i] = NULL;
	}
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
		if (pem[0] == '\0' || tls_judge_certificate(judge_of(site, i), pem,
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

bool site_takes(const struct site *site, const struct config_modality *entry,
		const struct site_certificate *known, enum reason *ret)
{
	struct tls_failure failure = { .reason = REASON_TLS_REVOKED };
	struct pki_text text;

	if (known->revoked == 0) {
		if (pki_certificate_write(known->certificate, &text) < 0)
			return true; /* the listeners know better */
		(void)!site_listener_for(site, keep_copy(text.bytes, text.size),
					 &failure);
		pki_text_free(&text);
	}
	*ret = failure.reason;
	return failure.reason != REASON_TLS_REVOKED &&
	       !(failure.reason == REASON_TLS_UNTRUSTED &&
		 entry->certificate.uri.count > 0 &&
		 !known_certificate_is_by_name(&entry->certificate));
}
