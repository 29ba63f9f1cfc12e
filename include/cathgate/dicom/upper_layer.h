/*
 * The DICOM upper layer (PS3.8) as a C interface to DCMTK's dcmnet, at DUL level: PDVs
 * pass as they come, no data set is parsed, and no transfer syntax has to be known.
 *
 * Not thread-safe: a process has one accepted association and one to the destination. No
 * DCMTK type stands in this header, and no exception leaves the functions. They wait only
 * through the transport's waiter.
 */
#pragma once

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

/* Silences DCMTK's logger, and switches off its reverse DNS and its socket timeouts. Call
 * once, before the first fork. */
void ul_init(void);

/*
 * The acceptor's side.
 */

enum ul_request_fault {
	UL_REQUEST_OK,
	UL_REQUEST_LOST,      /* closed, failed, or the waiter gave up */
	UL_REQUEST_NOT_DICOM, /* the first bytes are no A-ASSOCIATE-RQ's */
	UL_REQUEST_ABORTED,   /* an A-ABORT instead */
	UL_REQUEST_MALFORMED  /* an A-ASSOCIATE-RQ that breaks PS3.8 9.3.2 */
};

/* Bytes: room for a context with 60 long transfer syntaxes for each odd id. */
#define UL_REQUEST_MAX (768 * 1024)

/* Reads a whole A-ASSOCIATE-RQ, checks its structure before DCMTK sees a byte, and writes
 * it again into *ret (malloc'd, the caller's) with only what can be used: UIDs without
 * padding, and no item twice. Faults are lengths that don't add up, no context, two
 * contexts with one id, a maximum length without room for data, and a broken or a second
 * user identity. An abstract syntax that is no UID becomes "", and a transfer syntax that
 * is none is left out. On a fault *detail (static text) says what is wrong. */
MUST_USE enum ul_request_fault ul_read_request(struct transport *transport, uint8_t **ret,
					       size_t *ret_size, const char **detail);

/* The same for a request that is already in memory (PDU head and body). */
MUST_USE enum ul_request_fault ul_mend_request(const uint8_t *pdu, size_t size,
					       uint8_t **ret, size_t *ret_size,
					       const char **detail);

/* Answers a request that breaks PS3.8 with an A-ABORT (9.3.8). 0, or -1, which a caller
 * may ignore, as nothing follows. */
int ul_abort_request(struct transport *transport, uint8_t source, uint8_t reason);

/* Passes a request that ul_read_request wrote to DCMTK. The transport stays the caller's
 * and must outlive the association. `max_pdu` is clamped to DCMTK's 4096 to 131072. NULL
 * on failure; *detail (static text) then says why. A wrong protocol version or
 * application context is such a failure, and is already rejected then (1/2/2, 1/1/2). The
 * caller frees the association with ul_free. */
MUST_USE struct ul_association *ul_accept(struct transport *transport,
					  const uint8_t *request, size_t size,
					  unsigned max_pdu, const char **detail);

struct ul_requestor {
	struct ae_title calling, called;     /* empty when it is no AE title */
	char calling_text[AE_TITLE_MAX + 1]; /* as it came, trimmed */
	char called_text[AE_TITLE_MAX + 1];
	char implementation_uid[UL_UID_SIZE];
	char implementation_version[17];
	unsigned user_identity; /* its type, 1 to 5 (PS3.7 D.3.3.7); 0: none */
};

void ul_requestor(const struct ul_association *in, struct ul_requestor *ret);

struct ul_proposal {
	uint8_t id;
	bool scp_role_only;		   /* the requestor only wants to be SCP */
	char abstract_syntax[UL_UID_SIZE]; /* "" for no UID, or an even id */
	size_t transfer_syntax_count;	   /* only UIDs count */
};

/* The proposed contexts in their order; index < ul_proposal_count. */
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

/* Answers the proposal with that id; `transfer_syntax` only for UL_ACCEPTED. Each
 * proposal needs an answer before ul_acknowledge. The SCP role is never granted. 0 or -1.
 */
MUST_USE int ul_answer(struct ul_association *in, uint8_t id, enum ul_result result,
		       const char *transfer_syntax);

/* Sends the A-ASSOCIATE-AC. With `out`, passes on its implementation UID and version, its
 * extended negotiation and its user identity response, and offers a maximum PDU with
 * which no PDV has to be split for `out`. 0 or -1. */
MUST_USE int ul_acknowledge(struct ul_association *in, const struct ul_association *out);

/* PS3.8 table 9-21. */
struct ul_rejection {
	uint8_t result, source, reason;
};

/* Sends an A-ASSOCIATE-RJ. 0, or -1, which a caller may ignore, as nothing follows. */
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
#define UL_PAIRS_MAX	128 /* so many odd ids there are */

/* Proposed in a context of its own: number i has the id 2 * i + 1. */
struct ul_pair {
	char abstract_syntax[UL_UID_SIZE], transfer_syntax[UL_UID_SIZE];
};

struct ul_proposer {
	/* The accepted association whose proposals are passed on; NULL: `pairs`, or where
	 * there are none, one context for C-ECHO, UL_ECHO_CONTEXT. */
	const struct ul_association *like;
	const struct ul_pair *pairs;
	size_t pair_count;
	const bool *propose; /* by context id, UL_CONTEXT_IDS of them */
	struct ae_title calling, called;
	unsigned max_pdu;
	bool pass_user_identity; /* types 1, 4 and 5; 2 and 3 never (PS3.7 D.3.3.7) */
};

/* Proposes the ids, abstract and transfer syntaxes, extended negotiation and
 * implementation identity of `like`, and no role but SCU. The connected transport stays
 * the caller's and must outlive the association. On UL_CONNECT_OK *ret is the caller's
 * (ul_free). */
MUST_USE enum ul_connect_fault ul_connect(struct transport *transport,
					  const struct ul_proposer *how,
					  struct ul_association **ret,
					  struct ul_rejection *ret_rejection);

/* The acceptor's implementation; "" where it gives none. */
struct ul_implementation {
	char uid[UL_UID_SIZE];
	char version[17];
};
void ul_implementation(const struct ul_association *out, struct ul_implementation *ret);

/*
 * Both sides, once established.
 */

/* A context's result after negotiation: UL_NO_REASON if the acceptor gave no answer. */
enum ul_result ul_context_result(const struct ul_association *association, uint8_t id);
/* An accepted context's abstract and transfer syntax, valid as long as the association;
 * NULL when it was not accepted. */
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
	UL_PROTOCOL /* what PS3.8 forbids here, as a PDV on a refused context */
};

/* An event other than UL_PDV is the last: further calls return it again. */
MUST_USE enum ul_event ul_read(struct ul_association *association, struct ul_pdv *ret);
/* Whether ul_read would give a PDV without reading from the transport. */
bool ul_has_pdv(const struct ul_association *association);

/* Writes a PDV as one PDU, or as several if the peer's maximum demands it. 0 or -1. After
 * a write that was cut off, nothing more is sent: the peer could take it for the rest. */
MUST_USE int ul_write(struct ul_association *association, const struct ul_pdv *pdv);

/* The type (PS3.8 9.3.1) of the PDU that comes next. Never waits and takes nothing. */
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
/* Acceptor: A-RELEASE-RP. 0, or -1, which a caller may ignore, as nothing follows. */
int ul_release_response(struct ul_association *in);

/* Sends an A-ABORT (PS3.8 9.3.8), source 0 user or 2 provider, unless a write has failed.
 * Only ul_free may follow. */
void ul_abort(struct ul_association *association, uint8_t source, uint8_t reason);

void ul_free(struct ul_association *association);

#ifdef __cplusplus
#pragma GCC diagnostic pop
}
#endif
