#include "journal_kinds.h"

#include <string.h>
#include <syslog.h>

/* The identifiers are fixed for ever: systemd/cathgated.catalog explains each. */
static const struct journal_kind kinds[] = {
	{ "start", NULL, LOG_INFO, "7210a2423a5a4a9e82c3e618f33569db" },
	{ "stop", NULL, LOG_INFO, "55ec6f437496431e9c6d936d094342bd" },
	{ "reload", "done", LOG_INFO, "957a2245a6fc42ae9591b45dab0bd097" },
	{ "reload", "refused", LOG_WARNING, "b1ab8d0f49d848af85956bdfaa973382" },
	{ "association", "accepted", LOG_INFO, "e78b439d55dc47609c2aee8d554e6db5" },
	{ "association", "refused", LOG_WARNING, "fd85eaddda9e4a118f70c3fdbe2c0931" },
	{ "association", "released", LOG_INFO, "672d9ae605d4488291db11b6fb7e89ba" },
	{ "association", "aborted", LOG_INFO, "672d9ae605d4488291db11b6fb7e89ba" },
	{ "instance", "forwarded", LOG_INFO, "f58ae13f53e34cd7bd5465b3f6668962" },
	{ "instance", "refused", LOG_WARNING, "588fb5f2f19744e0953b4d325c7cd847" },
	{ "instance", "failed", LOG_WARNING, "b466126f14014614ad69bebb0d34f7f0" },
	{ "instance", "unconfirmed", LOG_WARNING, "4edcae07b0ff485589908fbce4e766e2" },
	{ "instance", "spooled", LOG_INFO, "4b340effc4a84ecca9961443996a8b2f" },
	{ "delivery", "forwarded", LOG_INFO, "ba595eeac5e24072ac6818814d87929a" },
	{ "delivery", "failed", LOG_WARNING, "25bf474e4f9b414481532888122f30d9" },
	{ "delivery", "unconfirmed", LOG_WARNING, "b3bb8e3cb1cb4fc096ece0ca91f27611" },
	{ "delivery", "dead", LOG_ERR, "1dd0f7b7a1cb4e00894c19e4db88790a" },
	{ "delivery", "given-up", LOG_ERR, "5856f0372c0c44b086bd6b849c858065" },
	{ "delivery", "dropped", LOG_WARNING, "0b201fa78eb9411789d66019999474da" },
	/* An operator's: held, queued, exported. */
	{ "delivery", NULL, LOG_INFO, "0131e2709f124d979a9919b456af6443" },
	{ "checkpoint", NULL, LOG_INFO, "92247012cff541a3864caaf20f7136fa" },
	{ "retention", NULL, LOG_INFO, "589d517e9f2d4284a9f73b47a5e81079" },
	{ "alert", NULL, LOG_ERR, "3f20a54f32144f7e8c02e8c14cd2e207" },
};

/* For events that have no kind of their own. */
static const struct journal_kind other = { "", NULL, LOG_INFO,
					   "32d5f654724c46dd941794dadb2c1204" };

const struct journal_kind *journal_kind_of(const char *event, const char *outcome)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].event, event) == 0 &&
		    (!kinds[i].outcome || strcmp(kinds[i].outcome, outcome) == 0))
			return &kinds[i];
	return &other;
}
