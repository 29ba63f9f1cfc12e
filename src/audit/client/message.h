/*
 * What crosses the sockets between the auditor and the other processes. Both ends are one
 * program, executed from one file, so plain structs do. But the process at a channel's
 * far end talks to the network: the auditor takes nothing from it on trust.
 */
#pragma once

#include "cathgate/audit/client.h"
#include "cathgate/base/address.h"

/* On a channel: the head alone (MESSAGE_LAST_FRAGMENT), or with its record. */
enum message_kind {
	MESSAGE_ANNOUNCE = 1,
	MESSAGE_BEGIN,
	MESSAGE_BEGIN_SENT, /* the same; the last fragment has gone out, too */
	MESSAGE_LAST_FRAGMENT,
	MESSAGE_SUBMIT,
	/* On the control socket: the address alone, or with its record (MESSAGE_TELL, and
	 * MESSAGE_ENDING where a detail says how).
	 * MESSAGE_OPEN, MESSAGE_RENEW, MESSAGE_OPEN_COURIER and MESSAGE_OPEN_SPOOLER
	 * bring the auditor's end of a channel. */
	MESSAGE_OPEN,
	MESSAGE_RENEW,
	MESSAGE_ENDING,
	MESSAGE_TELL,
	MESSAGE_PING,
	MESSAGE_OPEN_COURIER,
	MESSAGE_OPEN_SPOOLER
};

struct message_head {
	uint32_t kind;
	uint32_t number; /* of a submitted record, given back in its answer */
};

struct message_said {
	struct message_head head;
	struct audit_record record;
};

/* In the place of `durable`: the next summary counts that refusal, which gets no line. */
#define MESSAGE_COUNTED 2

struct message_answer {
	uint32_t number;
	uint32_t durable; /* 1 or 0; MESSAGE_COUNTED */
};

struct message_control_head {
	uint32_t kind;
	uint32_t reason;			     /* of MESSAGE_ENDING */
	char association[AUDIT_ASSOCIATION_ID_SIZE]; /* or a courier's id */
	char peer[ADDRESS_TEXT_SIZE];
	char zero[7];	      /* in the place of padding, which could carry our memory */
	char destination[64]; /* of MESSAGE_OPEN_COURIER */
};

struct message_control {
	struct message_control_head address;
	struct audit_record record;
};
