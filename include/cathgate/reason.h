/*
 * The reason codes: one word each, fixed for ever, for whatever the gateway refuses,
 * fails or raises. They stand in the audit log, the journal and the operator's handbook.
 */
#ifndef CATHGATE_REASON_H
#define CATHGATE_REASON_H

#ifdef __cplusplus
extern "C" {
#endif

#define REASONS(X)                                            \
	X(TLS_NO_CERTIFICATE, "tls-no-certificate")           \
	X(TLS_UNTRUSTED, "tls-untrusted")                     \
	X(TLS_EXPIRED, "tls-expired")                         \
	X(TLS_NOT_YET_VALID, "tls-not-yet-valid")             \
	X(TLS_REVOKED, "tls-revoked")                         \
	X(TLS_CRL_STALE, "tls-crl-stale")                     \
	X(TLS_CRL_MISSING, "tls-crl-missing")                 \
	X(TLS_PURPOSE, "tls-purpose")                         \
	X(TLS_WEAK, "tls-weak")                               \
	X(TLS_VERSION, "tls-version")                         \
	X(TLS_NO_COMMON, "tls-no-common")                     \
	X(TLS_PEER_REFUSED, "tls-peer-refused")               \
	X(NOT_TLS, "not-tls")                                 \
	X(HANDSHAKE_TIMEOUT, "handshake-timeout")             \
	X(ASSOCIATE_TIMEOUT, "associate-timeout")             \
	X(NOT_DICOM, "not-dicom")                             \
	X(AE_UNKNOWN, "ae-unknown")                           \
	X(AE_CERTIFICATE_MISMATCH, "ae-certificate-mismatch") \
	X(CALLED_AE_UNKNOWN, "called-ae-unknown")             \
	X(ADDRESS_NOT_ALLOWED, "address-not-allowed")         \
	X(SOP_CLASS_NOT_ALLOWED, "sop-class-not-allowed")     \
	X(MOVE_ORIGINATOR, "move-originator")                 \
	X(REVOKED_WHILE_OPEN, "revoked-while-open")           \
	X(LIMIT_ASSOCIATIONS, "limit-associations")           \
	X(LIMIT_OBJECT, "limit-object")                       \
	X(TOO_SLOW, "too-slow")                               \
	X(IDLE, "idle")                                       \
	X(PEER_ABORT, "peer-abort")                           \
	X(PEER_LOST, "peer-lost")                             \
	X(DESTINATION_UNREACHABLE, "destination-unreachable") \
	X(DESTINATION_TLS, "destination-tls")                 \
	X(DESTINATION_NAME, "destination-name")               \
	X(DESTINATION_REJECTED, "destination-rejected")       \
	X(DESTINATION_CONTEXT, "destination-context")         \
	X(DESTINATION_STATUS, "destination-status")           \
	X(DESTINATION_LOST, "destination-lost")               \
	X(DESTINATION_TIMEOUT, "destination-timeout")         \
	X(DESTINATION_PROTOCOL, "destination-protocol")       \
	X(SPOOL_FULL, "spool-full")                           \
	X(SPOOL_CORRUPT, "spool-corrupt")                     \
	X(AUDIT_UNAVAILABLE, "audit-unavailable")             \
	X(AUDIT_BROKEN, "audit-broken")                       \
	X(GATEWAY_STOPPING, "gateway-stopping")               \
	X(MALFORMED, "malformed")                             \
	X(INTERNAL, "internal")

enum reason {
	REASON_NONE = 0,
#define X(name, word) REASON_##name,
	REASONS(X)
#undef X
		REASON_COUNT
};

/* The word of a reason; NULL for REASON_NONE and for a number that is none. */
const char *reason_word(enum reason reason);

#ifdef __cplusplus
}
#endif

#endif
