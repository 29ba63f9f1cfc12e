/*
 * The way to a destination, walked step by step with the daemon's own code and the
 * destination's own keys: name, connection, TLS, server name, certificate, what the
 * destination thinks of ours, association, C-ECHO. Each step has its deadline.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/config/config.h"
#include "cathgate/tls/tls.h"

enum probe_step {
	PROBE_NAME,
	PROBE_CONNECTION,
	PROBE_TLS,
	PROBE_SERVER_NAME,
	PROBE_CERTIFICATE,
	PROBE_OWN_CERTIFICATE,
	PROBE_ASSOCIATION,
	PROBE_ECHO,
	PROBE_STEP_COUNT
};

enum probe_result { PROBE_PASSED, PROBE_FAILED, PROBE_SKIPPED };

/* How a step ended. Text may come from the peer. */
struct probe_finding {
	enum probe_step step;
	enum probe_result result;
	enum reason reason;	     /* of a failure: as the audit log would have it */
	const char *what;	     /* what was found; kept until the tool ends */
	const char *cure;	     /* of a failure */
	const struct tls_peer *peer; /* of PROBE_TLS and PROBE_CERTIFICATE passed */
};

struct probe {
	const struct config *config;
	const struct config_destination *destination;
	struct tls_context *context; /* NULL: plain */
	/* The same without a post-quantum key exchange; NULL where `context` is that. */
	struct tls_context *classic;
	struct ae_title calling;
	void (*tell)(void *context, const struct probe_finding *finding);
	void *tell_context;
};

/* "name", "connection", … */
const char *probe_step_name(enum probe_step step);

/* Tells of each step in order, those not reached too. Whether all passed. */
bool probe_run(const struct probe *probe);

/* Where a key of the destination stands, for people; kept. */
const char *probe_line_of(const struct probe *probe, const char *key);

/* What to do about a failure of TLS with the destination: `detail` as tls_handshake gives
 * it. The step that failed is *ret_step. */
const char *probe_tls_cure(const struct probe *probe, enum reason reason,
			   const char *detail, enum probe_step *ret_step);
/* What to do when the destination has answered with probe->classic alone. */
const char *probe_classic_cure(const struct probe *probe);
/* The same for an association that was rejected (PS3.8 table 9-21). */
const char *probe_rejection_cure(const struct probe *probe, unsigned source,
				 unsigned reason, const char **ret_meaning);
