/*
 * A courier: delivers the spool's objects for one destination, one after another, over an
 * association that it opens, in a process of its own.
 *
 * Promises: an object is delivered as it was sealed, byte for byte, in its transfer
 * syntax; the last fragment leaves only when all of the object has been found whole. What
 * the destination answers counts only where it answers this object. Each try that ended
 * has its record, durable before the spooler hears of it. The process reads what is in
 * the spool through descriptors that it is given, and has no files.
 */
#pragma once

#include "cathgate/audit/record.h"
#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/sandbox/sandbox.h"
#include "cathgate/tls/tls.h"

/* What the supervisor hands over. The process owns the four descriptors; the rest is read
 * only and outlives it. */
struct courier_start {
	const struct config *config;
	const struct config_destination *destination;
	struct tls_context *client; /* NULL: plain */
	int supervisor; /* SOCK_SEQPACKET, struct association_notice both ways */
	int auditor;	/* a channel of audit/client.h */
	int spooler;	/* of spool/work.h */
	int keeper;	/* likewise, to the spool keeper */
	char id[AUDIT_ASSOCIATION_ID_SIZE];
	const struct sandbox_program *sandbox;
};

/* Runs the courier to its end; returns the exit status of its process. */
MUST_USE int courier_run(const struct courier_start *start);
