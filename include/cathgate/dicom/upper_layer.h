/*
 * The DICOM upper layer (PS3.8) as a C interface over DCMTK's dcmnet, at DUL level: PDVs
 * pass as they come, no data set is ever parsed, no transfer syntax has to be known.
 *
 * Not thread-safe; one process has one accepted association and its outbound twin. No
 * DCMTK type and no exception crosses it. All waiting is the transport's waiter's.
 */
#ifndef CATHGATE_UPPER_LAYER_H
#define CATHGATE_UPPER_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/ae_title.h"
#include "cathgate/base/must_use.h"
#include "cathgate/net/transport.h"

#ifdef __cplusplus
extern "C" {
/* Functions named like the struct that they fill are fine in C. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

#define UL_UID_SIZE    65  /* PS3.5 9: 64 characters and a NUL */
#define UL_CONTEXT_IDS 256 /* an id is one byte, and an even one may come, too */

struct ul_association;

/* Silences DCMTK's own logger (its warnings go to log_debug at most), switches off its
 * reverse DNS and its socket timeouts. Once, before the first fork. */
void ul_init(void);

/*
 * The acceptor's side.
 */

enum ul_request_fault {
	UL_REQUEST_OK,
	UL_REQUEST_LOST, /* closed, failed or the waiter gave up; see the transport */
	UL_REQUEST_NOT_DICOM, /* the first bytes are no A-ASSOCIATE-RQ's */
	UL_REQUEST_ABORTED,   /* an A-ABORT instead */
	UL_REQUEST_MALFORMED  /* an A-ASSOCIATE-RQ that breaks PS3.8 9.3.2 */
};

/* Bytes: a context for each odd id, of 60 long transfer syntaxes, fits. */
#define UL_REQUEST_MAX (768 * 1024)

/* Reads one whole A-ASSOCIATE-RQ, proves its structure before DCMTK sees a byte, and
 * writes it anew into *ret (malloc'd, the caller's): nothing but what can be used, each
 * UID without its padding, each item once. Faults are lengths that don't add up, no
 * context, an id that two have, a maximum length without room for data, a user identity
 * that is not exactly one. An abstract syntax is "" where what came is none; a transfer
 * syntax that is none is left out. On a fault *detail (static text) says what. */
MUST_USE enum ul_request_fault ul_read_request(struct transport *transport, uint8_t **ret,
					       size_t *ret_size, const char **detail);

/* The same for a request that is already in memory (PDU head and body). */
MUST_USE enum ul_request_fault ul_mend_request(const uint8_t *pdu, size_t size,
					       uint8_t **ret, size_t *ret_size,
					       const char **detail);

/* Answers one that breaks PS3.8 with an A-ABORT (9.3.8). 0 or -1. */
int ul_abort_request(struct transport *transport, uint8_t source, uint8_t reason);

/* Hands a proved request to DCMTK. The transport stays the caller's and must outlive the
 * association. `max_pdu` is clamped to DCMTK's 4096 to 131072. NULL when it can't be
 * taken; *detail (static text) then says why. A protocol version or an application
 * context that isn't DICOM's is such a case, and has been rejected (1/2/2, 1/1/2) by
 * then. The caller frees with ul_free. */
MUST_USE struct ul_association *ul_accept(struct transport *transport,
					  const uint8_t *request, size_t size,
					  unsigned max_pdu, const char **detail);

struct ul_requestor {
	struct ae_title calling, called;     /* empty when what came is no AE title */
	char calling_text[AE_TITLE_MAX + 1]; /* as it came, trimmed, for the records */
	char called_text[AE_TITLE_MAX + 1];
	char implementation_uid[UL_UID_SIZE];
	char implementation_version[17];
	unsigned user_identity; /* its type, 1 to 5 (PS3.7 D.3.3.7); 0: none */
};

void ul_requestor(const struct ul_association *in, struct ul_requestor *ret);

struct ul_proposal {
	uint8_t id;
	bool scp_role_only; /* offered with the SCP role and not the SCU role */
	char abstract_syntax[UL_UID_SIZE]; /* "": none that is one, or an even id */
	size_t transfer_syntax_count;	   /* of those that are UIDs */
};

/* The proposed contexts in the order they came; index < ul_proposal_count. */
size_t ul_proposal_count(const struct ul_association *in);
void ul_proposal(const struct ul_association *in, size_t index, struct ul_proposal *ret);
/* Valid as long as the association; NULL past the end. */
const char *ul_proposal_transfer_syntax(const struct ul_association *in, size_t index,
					size_t number);

/* PS3.8 table 9-18, a context's result. */
enum ul_result {
	UL_ACCEPTED = 0,
	UL_USER_REJECTION = 1,
	UL_NO_REASON = 2,
	UL_ABSTRACT_SYNTAX_NOT_SUPPORTED = 3,
	UL_TRANSFER_SYNTAXES_NOT_SUPPORTED = 4
};

/* Answers the proposal with that id; transfer_syntax only for UL_ACCEPTED. Every proposal
 * must have its answer before ul_acknowledge; the SCP role is never granted. 0 or -1. */
MUST_USE int ul_answer(struct ul_association *in, uint8_t id, enum ul_result result,
		       const char *transfer_syntax);

/* Sends the A-ASSOCIATE-AC. With `out`, its implementation UID and version, its extended
 * negotiation and its user identity response are passed on, and the maximum PDU offered
 * is such that what fits in is never split on the way out. 0 or -1. */
MUST_USE int ul_acknowledge(struct ul_association *in, const struct ul_association *out);

/* PS3.8 table 9-21. */
struct ul_rejection {
	uint8_t result, source, reason;
};

/* Sends an A-ASSOCIATE-RJ. 0 or -1. */
int ul_reject(struct ul_association *in, struct ul_rejection rejection);

/*
 * The requestor's side.
 */

enum ul_connect_fault {
	UL_CONNECT_OK,
	UL_CONNECT_REJECTED, /* *ret_rejection says with what */
	UL_CONNECT_ABORTED,
	UL_CONNECT_LOST,    /* closed, failed, or the waiter gave up */
	UL_CONNECT_PROTOCOL /* answered with something else */
};

#define UL_ECHO_CONTEXT 1

struct ul_proposer {
	const struct ul_association
		*like;	     /* the accepted one whose proposals are passed on; NULL: one
				context of our own, UL_ECHO_CONTEXT, for C-ECHO */
	const bool *propose; /* by context id, UL_CONTEXT_IDS of them */
	struct ae_title calling, called;
	unsigned max_pdu;
	bool pass_user_identity; /* types 1, 4 and 5; 2 and 3 never (PS3.7 D.3.3.7) */
};

/* Proposes over a connected transport (the caller's, outlives the association) the same
 * ids, abstract and transfer syntaxes, extended negotiation and implementation identity;
 * no role but SCU. On UL_CONNECT_OK *ret is the caller's (ul_free). */
MUST_USE enum ul_connect_fault ul_connect(struct transport *transport,
					  const struct ul_proposer *how,
					  struct ul_association **ret,
					  struct ul_rejection *ret_rejection);

/* What the acceptor says it is; "" where it doesn't. */
struct ul_implementation {
	char uid[UL_UID_SIZE];
	char version[17];
};
void ul_implementation(const struct ul_association *out, struct ul_implementation *ret);

/*
 * Both sides, once established.
 */

/* The result for a context id after negotiation. On the requestor's side a context that
 * the acceptor left unanswered is UL_NO_REASON. */
enum ul_result ul_context_result(const struct ul_association *association, uint8_t id);
/* Its abstract and its accepted transfer syntax; NULL when it was not accepted. Valid as
 * long as the association. */
const char *ul_context_abstract_syntax(const struct ul_association *association,
				       uint8_t id);
const char *ul_context_transfer_syntax(const struct ul_association *association,
				       uint8_t id);

struct ul_pdv {
	uint8_t context;
	bool command; /* else data set */
	bool last;
	const uint8_t *data; /* of a PDV read: DCMTK's buffer, until the next ul_read */
	size_t size;
};

enum ul_event {
	UL_PDV,
	UL_RELEASE, /* an A-RELEASE-RQ: answer with ul_release_response */
	UL_ABORT,   /* an A-ABORT */
	UL_CLOSED,  /* closed or failed, or the waiter gave up */
	UL_PROTOCOL /* what PS3.8 does not allow here; a PDV on no accepted context too */
};

/* What isn't a PDV is the last event: it comes again when asked again. */
MUST_USE enum ul_event ul_read(struct ul_association *association, struct ul_pdv *ret);
/* Whether ul_read would give a PDV without reading from the transport. */
bool ul_has_pdv(const struct ul_association *association);

/* Writes one PDV as one PDU, cut only where the peer's maximum demands it. 0 or -1. After
 * a write that was lost halfway nothing at all goes out: a peer could take it for the
 * rest of what it misses. */
MUST_USE int ul_write(struct ul_association *association, const struct ul_pdv *pdv);

/* Whether the bytes at the front of the stream are a PDU of this type (PS3.8 9.3.1).
 * Never waits and takes nothing. */
enum ul_pdu_type {
	UL_PDU_NONE,
	UL_PDU_CLOSED,
	UL_PDU_ABORT,
	UL_PDU_RELEASE_RQ,
	UL_PDU_OTHER
};
enum ul_pdu_type ul_peek(struct ul_association *association);

/* Requestor: A-RELEASE-RQ and wait for its response. 0 or -1. */
MUST_USE int ul_release(struct ul_association *out);
/* Acceptor: A-RELEASE-RP. 0 or -1. */
int ul_release_response(struct ul_association *in);

/* Sends an A-ABORT (PS3.8 9.3.8), source 0 user or 2 provider, without waiting for an
 * answer; nothing when a write has failed. The association can only be freed then. */
void ul_abort(struct ul_association *association, uint8_t source, uint8_t reason);

void ul_free(struct ul_association *association);

#ifdef __cplusplus
#pragma GCC diagnostic pop
}
#endif

#endif
