/*
 * The supervisor's side of the keeper, which holds the private keys of TLS. While none
 * serves, new connections wait.
 *
 * A start and a reload have a successor read the keys while the configuration is checked
 * (keeping_begin, keeping_keys). It takes the place of the one that serves, or is ended.
 * One that has ended by itself is replaced by one that reads the keys of the settings in
 * force (keeping_maintain). All waits are bounded: see keeper/keeper.h.
 */
#pragma once

#include "cathgate/keeper/keeper.h"
#include "cathgate/process/process.h"
#include "supervisor/helpers/auditing.h"
#include "supervisor/settings/settings.h"

#define KEEPING_RELEASED_MAX 8

struct keeping {
	struct helper *helper; /* serves, where it is ready */
	struct helper next;    /* the successor, which reads keys */
	struct tls_keys keys;  /* the successor's */
	struct signer_key_id *read;
	size_t read_count; /* by the successor */
	bool is_silent;	   /* the successor doesn't answer */
	bool is_refused;   /* a token has refused a key: only a reload asks again */
	unsigned refusals; /* since the start, by all */
	int64_t again_ms, wait_ms; /* a keeper that lacks a key reads again then */
	int64_t ask_ms,
		asked_ms;  /* whether it is alive: the next time; 0: it isn't asked */
	char trouble[512]; /* why it can't serve; "" */
	/* Those that were let go: a channel for what they refuse; -1: none. */
	int released[KEEPING_RELEASED_MAX];
	pid_t released_pids[KEEPING_RELEASED_MAX];
};

void keeping_init(struct keeping *keeping, struct helper *helper);

/* Starts a successor. 0, or -1 with errno. */
MUST_USE int keeping_begin(struct keeping *keeping);
/* Has it shut itself in. 0; or -1, and it is to be given up. */
MUST_USE int keeping_confirm(struct keeping *keeping);
/* It takes the place of the one that serves, which signs for the handshakes in hand. */
void keeping_replace(struct keeping *keeping);
/* Ends the successor; does nothing where there is none. */
void keeping_give_up(struct keeping *keeping);

/* Has one that was started anew read the keys of the settings in force. One that serves
 * and doesn't answer any more is ended. True when another serves from now on. */
bool keeping_maintain(struct keeping *keeping, const struct settings *settings,
		      const struct auditing *auditing);
/* When that wants to be called again, at the latest. */
int64_t keeping_wait_ms(const struct keeping *keeping);

/* Whether that is a successor that doesn't serve yet, or one that was let go. */
bool keeping_knows(const struct keeping *keeping, pid_t pid);

/* Whether it serves, and takes another channel now. */
bool keeping_listens(const struct keeping *keeping);
/* A channel for one signature of the association; or -1 with errno: ENOTCONN when no
 * keeper serves now, or the one that does takes none now. */
MUST_USE int keeping_open(const struct keeping *keeping, const char *association,
			  enum signer_side side, const struct tls_context *context);

/* What a keeper says by `channel`, its helper's or one in `released`. True: it refused to
 * sign, and *ret says for whom. */
MUST_USE bool keeping_hear(struct keeping *keeping, int channel,
			   struct keeper_refusal *ret);
