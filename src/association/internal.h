/*
 * The inside of an association's process. The way of one C-STORE through the files:
 *
 *   association.c   the life: admit, negotiate, serve message by message, end
 *   admission.c     TLS, A-ASSOCIATE-RQ, policy, a place from the supervisor
 *   negotiation.c   which contexts are proposed to the destination, what is answered
 *   services.c      which service a message belongs to; C-ECHO
 *   store.c         C-STORE: policy, relay, response, record
 *   head.c          what the data set calls itself
 *   relay.c         the outbound twin: connect, response, abort, release
 *   leg.c           one side's stream, and all waiting: deadlines, watching, pace
 *   supervision.c   words from and to the supervisor
 *   revision.c      what a change of the configuration means for it
 *   report.c        audit records and the lines an operator reads
 */
#ifndef CATHGATE_ASSOCIATION_INTERNAL_H
#define CATHGATE_ASSOCIATION_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "cathgate/association/association.h"
#include "cathgate/dicom/command.h"
#include "cathgate/dicom/data_set_head.h"
#include "cathgate/base/digest.h"
#include "cathgate/policy/policy.h"
#include "cathgate/net/transport.h"
#include "cathgate/dicom/upper_layer.h"

/* How long a goodbye may take: the response to our A-RELEASE-RQ, the last words to a
 * modality that is refused. */
#define PARTING_SECONDS 5

/* The slowest that a modality may send within an object: min_bytes_per_second over any
 * store_seconds of waiting for it. The window slides in steps of one slot. */
#define PACE_SLOTS 16

struct pace_floor {
	int64_t slot_us, waited_us; /* a slot's length; waited within the present slot */
	int64_t bytes[PACE_SLOTS];
	unsigned slot, slots_seen;
	int64_t minimum_bytes; /* over all slots */
};

/* One side of the relay: its carrier, and how long it may be waited for. */
struct leg {
	struct association *association;
	struct transport carrier; /* TLS or plain */
	struct transport metered; /* what the upper layer reads from: carrier, counted */
	struct waiter waiter;
	struct ul_association *ul;

	int64_t deadline_ms;	 /* absolute; 0: none */
	int64_t silence_ms;	 /* the longest time without data; 0: any */
	int64_t read_since_ms;	 /* when the read in hand began */
	enum reason late;	 /* what it is called when either has passed */
	enum reason interrupted; /* why the last wait gave up; REASON_NONE: it did not */
	bool other_spoke; /* the other side has something to say that isn't a goodbye */
	int64_t looked_up_ms;	/* when a deadline was last looked at without waiting */
	uint64_t charged_bytes; /* of what the carrier has taken: held against its pace */
};

struct message {
	uint8_t context;
	uint8_t bytes[COMMAND_SET_MAX]; /* the command set as it came */
	size_t size;
	struct command_set command;
	int64_t began_us; /* when its first byte was there */
};

struct association {
	const struct association_start *start;
	const struct config *config;
	const struct config_modality *entry;	   /* once admitted; in force now */
	const struct config_modality *first_entry; /* that it was admitted by */
	struct config_modality *own_entry; /* when `entry` came later: its memory */
	enum reason revoked;   /* why it would not be let in any more; REASON_NONE */
	char revoked_why[256]; /* beginning with its word */
	const struct config_destination *destination; /* that it was admitted for */
	struct association_way way;		      /* to that, in force now */
	bool is_astray;	    /* its entry sends elsewhere now: it has no way */
	bool out_is_of_old; /* the open association went another way, or was judged so */

	struct tls_peer peer;
	bool authenticated;	/* peer is filled */
	time_t out_trust_until; /* of the destination's certificate; 0: for ever */
	time_t out_shown_until; /* that the supervisor has been told of */
	bool out_is_amid;	/* a message on it is not sent whole, or not answered */
	bool out_is_nameless;	/* a response on it named no SOP instance */
	bool out_id_is_again;	/* the last instance's message id was another's before */
	uint8_t out_ids[65536 / 8]; /* a bit for each id that an instance had */
	struct ul_requestor requestor;
	struct leg in, out;

	bool propose[UL_CONTEXT_IDS]; /* by context id: passed on to the destination */
	bool established;	      /* the A-ASSOCIATE-AC went out */

	int supervisor, auditor;
	bool has_place;	     /* the supervisor counts it as one of its entry's */
	bool auditor_is_new; /* its line came after another had broken */
	bool parting;	     /* the modality has its A-RELEASE-RP: it may go */
	bool stopping;
	bool is_ending;		   /* only its last PDU is still to arrive */
	int64_t grace_deadline_ms; /* when stopping with an instance in hand */
	bool instance_in_hand;
	const struct audit_record
		*begun; /* what the auditor knows of it; NULL: nothing */
	bool last_fragment_told;
	const struct audit_record *unrecorded; /* an instance that no auditor took */
	bool last_word_said;		       /* nothing more is to be recorded */

	int64_t bytes_per_second;	       /* 0: no limit */
	int64_t allowance_bytes, allowance_us; /* left, and when it was last filled */
	struct pace_floor pace;
	bool pace_counts;
	int64_t turn_us;		 /* that each instance takes up; 0: no limit */
	int64_t turns_left_us, turns_us; /* left, and when it was last filled */

	unsigned in_vain; /* instances so since one was stored */

	struct association_figures figures, figures_told;
	int64_t figures_told_ms;

	struct digest *digest;
	struct message request, response;
	uint8_t stray_context; /* a data set here belongs to a request that was answered
				* without one, and is dropped; 0: none does */
	int64_t stray_bytes;   /* so much of it */
	struct audit_record record; /* what all records of this association say */
};

/* The end of an association that was not released: what is recorded, and what the
 * modality is told. */
enum parting {
	PARTING_SILENT, /* it is gone, or speaks no DICOM */
	PARTING_SAID,	/* it has had its last PDU already */
	PARTING_ABORT,	/* A-ABORT */
	PARTING_REJECT	/* A-ASSOCIATE-RJ */
};

struct ending {
	enum audit_outcome outcome;
	enum reason reason;
	char detail[256];
	enum parting parting;
	uint8_t abort_source, abort_reason; /* PS3.8 table 9-26 */
	struct ul_rejection rejection;
};

/* leg.c */
void leg_init(struct leg *leg, struct association *association);
/* Until then; `late` names what it means when it has passed. 0 seconds: for ever. */
void leg_deadline(struct leg *leg, int64_t deadline_ms, enum reason late);
void leg_deadline_in(struct leg *leg, unsigned seconds, enum reason late);
/* No longer than that without data. */
void leg_silence(struct leg *leg, unsigned seconds, enum reason late);
/* Makes `metered` of a carrier that has just been opened. */
void leg_opened(struct leg *leg);
void leg_close(struct leg *leg);
/* From here on the modality's pace is judged, or no longer. */
void leg_pace_start(struct association *association);
void leg_pace_stop(struct association *association);

/* So many instances may come in a minute; 0: no limit. */
void leg_take_turns(struct association *association, int64_t instances_per_minute);
/* Counts the instance whose command has been read, and waits until it may come. Its data
 * set stays unread, so that TCP holds the modality back; a goodbye, a hang-up behind what
 * is there, the supervisor and the destination are heard. 0; or -1, and the leg of the
 * modality says why. */
int leg_await_turn(struct association *association) __attribute__((warn_unused_result));

enum wake { WAKE_IN, WAKE_OUT, WAKE_STOP, WAKE_LATE };
/* Between two messages: until one side says something, or has to be given up. */
enum wake leg_wait_either(struct association *association);

/* supervision.c */
/* Takes the words that have come. -1 when the supervisor is gone. */
int supervision_listen(struct association *association);
/* The peer has proved who it is: it is no longer one of the unauthenticated. */
void supervision_authenticated(struct association *association);
/* The destination's certificate is good until then. */
void supervision_saw_destination(struct association *association, time_t until);
/* Asks for a place: 0; or -1 and why, with the reason of the A-ASSOCIATE-RJ. */
int supervision_ask_place(struct association *association, enum reason *ret_reason,
			  uint8_t *ret_rejection_reason);
/* Tells the supervisor what has been done so far, but not often. */
void supervision_tell_figures(struct association *association);
/* When that is due; 0: there is nothing to tell. */
int64_t supervision_figures_due_ms(const struct association *association);
/* Before the modality hears the last word: it may come back at once. */
void supervision_return_place(struct association *association);
/* The line to the auditor is broken: waits for one to its successor, unless it has come
 * already. 0 or -1. */
int supervision_renew_auditor(struct association *association);

/* revision.c */
/* Whom the association was opened by, as the allowlist asks it. */
void revision_claim(const struct association *association, struct policy_claim *ret);
/* Takes the papers that came with the word, and judges by them. */
void revision_take(struct association *association,
		   const int papers[ASSOCIATION_PAPER_COUNT]);
/* Whether a SOP class may be stored now, and a move originator (NULL: none) stand:
 * REASON_REVOKED_WHILE_OPEN when it was so as the association opened. */
enum reason revision_judge(const struct association *association, const char *sop_class,
			   const struct ae_title *originator);

/* admission.c: 0, or -1 with the ending. */
int admission_run(struct association *association, struct ending *ending);

/* negotiation.c: likewise. */
int negotiation_run(struct association *association, struct ending *ending);

/* relay.c */
struct relay_failure {
	enum reason reason;
	char detail[256];
	struct ul_rejection rejection; /* for REASON_DESTINATION_REJECTED */
};
/* Connects, does TLS, proposes. 0; or -1 with the failure, the leg closed. */
int relay_open(struct association *association, struct relay_failure *failure);
/* Before each message: the same again, if the destination has left since the last one and
 * every context is answered as before. */
int relay_ready(struct association *association, struct relay_failure *failure);
/* Passes the request's command set on. 0 or -1 with the failure. */
int relay_command(struct association *association, struct relay_failure *failure);
/* Reads the response to the request into association->response and proves that it is
 * one. Likewise. */
int relay_response(struct association *association, struct relay_failure *failure);
/* What the last failed read or write on the outbound side means. */
void relay_explain(struct association *association, enum ul_event event,
		   struct relay_failure *failure);
/* The destination has said something that nobody asked for. */
bool relay_has_spoken(const struct association *association);
void relay_abort(struct association *association);
void relay_release(struct association *association);
/* Aborts if a message is under way: half of one must never look like a whole. */
void relay_abort_message(struct association *association);
/* The destination has spoken between two messages: it can only be leaving. */
void relay_heard(struct association *association);

/* services.c: 0 to go on; -1 with the ending. */
int services_perform(struct association *association, struct ending *ending);
/* The whole request's command set, its first PDV about to come. */
int services_read_request(struct association *association, struct ending *ending);
/* Answers the request with a status of our own. */
int services_respond(struct association *association, uint16_t status,
		     const char *comment, struct ending *ending);
/* Passes association->response on to the modality. */
int services_pass_response(struct association *association, struct ending *ending);
bool services_is_relayed(const char *abstract_syntax);

/* head.c */
struct head {
	struct data_set_head found;
	bool is_read;
	size_t size;
	uint8_t bytes[DATA_SET_HEAD_MAX];
};
/* Keeps what of a fragment belongs to the head. */
void head_take(struct head *head, const struct ul_pdv *pdv);
/* Fills `found`, once. */
void head_read(struct head *head, const char *transfer_syntax);
/* Study and patient into the record; behind its detail, what the data set names otherwise
 * than the command. */
void head_tell(struct head *head, struct audit_record *record);

/* store.c: likewise. */
int store_perform(struct association *association, struct ending *ending);
/* The instance of a C-STORE-RQ with which the association ends: its data set is not read.
 */
void store_record_unread(struct association *association, struct ending *ending);

/* report.c */
void report_init(struct association *association);
void report_peer(struct association *association);
void report_requestor(struct association *association);
void report_entry(struct association *association);
/* Tells a new auditor what its predecessor knew. */
void report_introduce(struct association *association);
/* After audit_submit failed with that errno: to the auditor's successor, or once more to
 * one that is slow. Waits until durable; 0 or -1. */
int report_again(struct association *association, const struct audit_record *record,
		 int error);
/* Tells the auditor, or its successor, of an instance that begins. 0 or -1. */
int report_begin(struct association *association, const struct audit_record *record);
/* That its last fragment is about to go out. 0 or -1. */
int report_last_fragment(struct association *association);
/* What came of it. Waits until durable: 0; or -1 with the errno of audit_submit. */
int report_instance(struct association *association, const struct audit_record *record);
/* It is over for the auditor, and for every successor of his. */
void report_instance_ended(struct association *association);
/* Waits until durable; 0 or -1. */
int report_association(struct association *association, enum audit_outcome outcome,
		       enum reason reason, const char *detail);
void ending_set(struct ending *ending, enum audit_outcome outcome, enum reason reason,
		enum parting parting, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
void ending_abort(struct ending *ending, enum reason reason, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* What a failed read or write on the modality's side means. */
void ending_of_in(struct association *association, enum ul_event event,
		  struct ending *ending);

#endif
