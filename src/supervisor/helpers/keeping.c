#include "supervisor/helpers/keeping.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/tls/key_file.h"

#define ASK_EVERY_MS 5000 /* whether it is alive */
#define AGAIN_MS     100  /* a key that is missing is looked for again, ... */
#define AGAIN_MAX_MS 5000 /* ... ever less often */

static bool has_read(const struct keeping *keeping, const struct signer_key_id *key)
{
	for (size_t i = 0; i < keeping->read_count; i++)
		if (memcmp(&keeping->read[i], key, sizeof(*key)) == 0)
			return true;
	return false;
}

MUST_USE static bool note_read(struct keeping *keeping, const struct signer_key_id *key)
{
	struct signer_key_id *read;

	if (has_read(keeping, key))
		return true;
	read = reallocarray(keeping->read, keeping->read_count + 1, sizeof(*read));
	if (!read)
		return false;
	keeping->read = read;
	read[keeping->read_count++] = *key;
	return true;
}

static void forget_read(struct keeping *keeping)
{
	free(keeping->read);
	keeping->read = NULL;
	keeping->read_count = 0;
}

static void explain_silence(struct keeping *keeping, const struct config_file *file,
			    struct config_faults *faults)
{
	keeping->is_silent = true;
	config_fault_add(faults, CONFIG_ERROR, &file->place,
			 "%s can't be read: the keeper of the private keys "
			 "doesn't answer; look whether the token of a key, or the "
			 "disk, hangs, and try again",
			 file->path ? file->path : "the key");
}

/* By the keeper at the other end of `control`. */
static struct evp_pkey_st *read_key(struct keeping *keeping, int control,
				    const struct config_file *file,
				    struct config_faults *faults)
{
	struct evp_pkey_st *key = NULL;
	struct signer_key_id id;
	enum keeper_answer answer = KEEPER_SILENT;

	if (!keeping->is_silent)
		answer = keeper_load(control, file, &key, faults);
	if (answer == KEEPER_YES && signer_key_id(key, &id) == 0 &&
	    note_read(keeping, &id))
		return key;
	if (answer == KEEPER_SILENT)
		explain_silence(keeping, file, faults);
	else if (answer == KEEPER_YES)
		config_fault_add(faults, CONFIG_ERROR, &file->place, "no memory");
	tls_key_free(key);
	return NULL;
}

static struct evp_pkey_st *load_key(void *context, const struct config_file *file,
				    struct config_faults *faults)
{
	struct keeping *keeping = context;

	return read_key(keeping, keeping->next.channel, file, faults);
}

/* The spool's key is held by another process. */
static int judge_key(void *context, const struct config_file *file,
		     struct spool_public *ret, struct config_faults *faults)
{
	struct keeping *keeping = context;
	enum keeper_answer answer = KEEPER_SILENT;

	if (!keeping->is_silent)
		answer = keeper_judge(keeping->next.channel, file, ret, faults);
	if (answer == KEEPER_SILENT)
		explain_silence(keeping, file, faults);
	return answer == KEEPER_YES ? 0 : -1;
}

/* From its file if that still has it, else from the keeper that serves. */
static bool hold_key(void *context, const struct signer_key_id *key)
{
	struct keeping *keeping = context;
	enum keeper_answer answer;

	if (has_read(keeping, key))
		return true;
	if (!keeping->helper->is_ready || keeping->is_silent)
		return false;
	answer = keeper_hand_over(keeping->helper->channel, keeping->next.channel, key);
	keeping->is_silent = answer == KEEPER_SILENT;
	return answer == KEEPER_YES && note_read(keeping, key);
}

void keeping_init(struct keeping *keeping, struct helper *helper)
{
	*keeping = (struct keeping){
		.helper = helper,
		.next = { .role = helper->role,
			  .parent = helper->parent,
			  .argument = helper->argument,
			  .channel = -1 },
		.keys = { .load = load_key,
			  .judge = judge_key,
			  .hold = hold_key,
			  .context = keeping },
	};
	for (size_t i = 0; i < KEEPING_RELEASED_MAX; i++)
		keeping->released[i] = -1;
}

int keeping_begin(struct keeping *keeping)
{
	forget_read(keeping);
	keeping->is_silent = false;
	return helper_start(&keeping->next);
}

int keeping_confirm(struct keeping *keeping)
{
	return !keeping->is_silent && keeper_serve(keeping->next.channel) == KEEPER_YES
		       ? 0
		       : -1;
}

/* It says what it refuses until it ends. */
static void let_go(struct keeping *keeping, int channel, pid_t pid)
{
	size_t slot = 0;

	if (channel < 0)
		return;
	shutdown(channel, SHUT_WR); /* it hears that it is let go */
	while (slot < KEEPING_RELEASED_MAX - 1 && keeping->released[slot] >= 0)
		slot++;
	if (keeping->released[slot] >= 0)
		close(keeping->released[slot]);
	keeping->released[slot] = channel;
	keeping->released_pids[slot] = pid;
}

bool keeping_knows(const struct keeping *keeping, pid_t pid)
{
	for (size_t i = 0; i < KEEPING_RELEASED_MAX; i++)
		if (keeping->released_pids[i] == pid)
			return true;
	return keeping->next.pid == pid;
}

static void begin_service(struct keeping *keeping)
{
	helper_became_ready(keeping->helper);
	keeping->trouble[0] = '\0';
	keeping->again_ms = keeping->wait_ms = 0;
	keeping->asked_ms = 0;
	keeping->is_refused = false;
	keeping->ask_ms = clock_ms() + ASK_EVERY_MS;
	forget_read(keeping);
}

void keeping_replace(struct keeping *keeping)
{
	struct helper *helper = keeping->helper;
	pid_t pid = keeping->next.pid, old = helper->pid;
	bool was_ready = helper->is_ready;
	int channel = helper_release(helper);

	if (was_ready) {
		let_go(keeping, channel, old);
	} else if (old > 0) { /* it lacks a key, and so it serves nobody */
		kill(old, SIGKILL);
		if (channel >= 0)
			close(channel);
	}
	helper->pid = pid;
	helper->channel = helper_release(&keeping->next);
	helper->generation++;
	helper->started_ms = keeping->next.started_ms;
	begin_service(keeping);
}

void keeping_give_up(struct keeping *keeping)
{
	pid_t pid = keeping->next.pid;
	int channel = helper_release(&keeping->next);

	forget_read(keeping);
	if (channel >= 0)
		close(channel);
	if (pid > 0)
		kill(pid, SIGKILL);
}

static void read_files(struct keeping *keeping, const struct config_tls *tls,
		       struct config_faults *faults)
{
	for (size_t i = 0; !tls->none && i < tls->key.count; i++)
		tls_key_free(read_key(keeping, keeping->helper->channel,
				      &tls->key.items[i], faults));
}

/* Adds a fault for each key of the context that isn't there. */
static void look_for_keys(const struct keeping *keeping,
			  const struct tls_context *context, const struct config_tls *tls,
			  struct config_faults *missing)
{
	struct signer_key_id keys[CONFIG_PAIRS_MAX];
	size_t count = context ? tls_context_keys(context, keys) : 0;

	for (size_t i = 0; i < count; i++)
		if (!has_read(keeping, &keys[i]))
			config_fault_add(missing, CONFIG_ERROR, &tls->key.items[0].place,
					 "the key of the certificate in force isn't "
					 "there any more; put it back, or reload with "
					 "another pair");
}

/* What is wrong with a file matters only where a key is missing. */
static void read_all(struct keeping *keeping, const struct settings *settings,
		     struct config_faults *faults, struct config_faults *missing)
{
	const struct config *config = settings->config;

	for (size_t i = 0; i < config->listen_count; i++)
		read_files(keeping, &config->listen[i].tls, faults);
	for (size_t i = 0; i < config->destination_count; i++)
		read_files(keeping, &config->destinations[i].tls, faults);
	for (size_t i = 0; i < config->listen_count; i++)
		look_for_keys(keeping, settings->servers[i], &config->listen[i].tls,
			      missing);
	for (size_t i = 0; i < config->destination_count; i++)
		look_for_keys(keeping, settings->clients[i], &config->destinations[i].tls,
			      missing);
}

/* Tells it once, as long as it stays the same. */
static void tell_trouble(struct keeping *keeping, const struct auditing *auditing,
			 const struct config_fault *why)
{
	char trouble[sizeof(keeping->trouble)];

	snprintf(trouble, sizeof(trouble), "%s", why->text);
	if (strcmp(trouble, keeping->trouble) == 0)
		return;
	memcpy(keeping->trouble, trouble, sizeof(trouble));
	log_error("nobody is let in, a private key is missing: %s", why->text);
	auditing_tell(auditing, AUDIT_ALERT, AUDIT_RAISED, REASON_INTERNAL, trouble);
}

static void put_off(struct keeping *keeping)
{
	keeping->wait_ms = keeping->wait_ms == 0		 ? AGAIN_MS
			   : 2 * keeping->wait_ms < AGAIN_MAX_MS ? 2 * keeping->wait_ms
								 : AGAIN_MAX_MS;
	keeping->again_ms = clock_ms() + keeping->wait_ms;
}

static bool names_token(const struct config_tls *tls)
{
	for (size_t i = 0; i < tls->key.count; i++)
		if (tls->key.items[i].in_token)
			return true;
	return false;
}

static bool uses_token(const struct config *config)
{
	for (size_t i = 0; i < config->listen_count; i++)
		if (names_token(&config->listen[i].tls))
			return true;
	for (size_t i = 0; i < config->destination_count; i++)
		if (names_token(&config->destinations[i].tls))
			return true;
	return false;
}

/* One that doesn't answer is killed, and the next one is started as after any end. */
static void end_silent(struct keeping *keeping)
{
	log_error("the keeper of the private keys doesn't answer: it is ended");
	kill(keeping->helper->pid, SIGKILL);
	helper_hang_up(keeping->helper);
}

/* A token's module that didn't find its token never does, so another process asks the
 * next time. A token that has refused is not asked again: it counts. */
static void lack_key(struct keeping *keeping, const struct settings *settings,
		     const struct auditing *auditing, const struct config_fault *why)
{
	tell_trouble(keeping, auditing, why);
	put_off(keeping);
	if (why->kind == CONFIG_REFUSED)
		keeping->again_ms = INT64_MAX;
	else if (uses_token(settings->config))
		helper_dismiss(keeping->helper);
}

static bool start_service(struct keeping *keeping, const struct settings *settings,
			  const struct auditing *auditing)
{
	struct config_faults faults = { 0 }, missing = { 0 };
	const struct config_fault *refusal;
	bool is_served = false;

	forget_read(keeping);
	keeping->is_silent = false;
	read_all(keeping, settings, &faults, &missing);
	refusal = config_faults_refused(&faults);
	if (missing.count > 0 && (refusal || !keeping->is_silent))
		lack_key(keeping, settings, auditing,
			 refusal	    ? refusal
			 : faults.count > 0 ? &faults.items[0]
					    : &missing.items[0]);
	else
		is_served = !keeping->is_silent &&
			    keeper_serve(keeping->helper->channel) == KEEPER_YES;
	if (is_served) {
		begin_service(keeping);
		log_info("another keeper has read the private keys");
	} else if (missing.count == 0 || keeping->is_silent) {
		end_silent(keeping);
	}
	keeping->is_refused = keeping->is_refused || refusal;
	config_faults_clear(&faults);
	config_faults_clear(&missing);
	return is_served;
}

static void ask_whether_alive(struct keeping *keeping)
{
	int64_t now_ms = clock_ms();

	if (keeping->asked_ms != 0) {
		if (now_ms - keeping->asked_ms >= KEEPER_ANSWER_MS)
			end_silent(keeping);
		return;
	}
	if (now_ms < keeping->ask_ms)
		return;
	keeping->asked_ms = now_ms;
	keeping->ask_ms = now_ms + ASK_EVERY_MS;
	keeper_ping(keeping->helper->channel);
}

bool keeping_maintain(struct keeping *keeping, const struct settings *settings,
		      const struct auditing *auditing)
{
	struct helper *helper = keeping->helper;

	if (helper->pid == 0 || helper->channel < 0)
		return false;
	if (helper->is_ready) {
		ask_whether_alive(keeping);
		return false;
	}
	return clock_ms() >= keeping->again_ms &&
	       start_service(keeping, settings, auditing);
}

int64_t keeping_wait_ms(const struct keeping *keeping)
{
	const struct helper *helper = keeping->helper;
	int64_t until_ms = helper->pid == 0 ? helper->restart_ms : keeping->again_ms;
	int64_t left_ms = until_ms - clock_ms();

	if (helper->is_ready || (helper->pid != 0 && helper->channel < 0) ||
	    !helper->role->is_wanted(helper->argument))
		return INT64_MAX;
	return left_ms > 0 ? left_ms : 0;
}

bool keeping_listens(const struct keeping *keeping)
{
	return keeping->helper->is_ready && keeper_listens(keeping->helper->channel);
}

int keeping_open(const struct keeping *keeping, const char *association,
		 enum signer_side side, const struct tls_context *context)
{
	struct keeper_grant grant = { .side = side };
	int channel = -1;

	errno = ENOTCONN;
	if (!keeping->helper->is_ready)
		return -1;
	snprintf(grant.association, sizeof(grant.association), "%s", association);
	grant.key_count = tls_context_keys(context, grant.keys);
	channel = keeper_open(keeping->helper->channel, &grant);
	if (channel < 0 && errno != EMFILE && errno != ENFILE && errno != ENOMEM)
		errno = ENOTCONN;
	return channel;
}

static void forget_channel(struct keeping *keeping, int channel)
{
	if (channel == keeping->helper->channel)
		helper_hang_up(keeping->helper); /* it is reaped when it has ended */
	for (size_t i = 0; i < KEEPING_RELEASED_MAX; i++) {
		if (keeping->released[i] != channel)
			continue;
		close(channel);
		keeping->released[i] = -1;
	}
}

bool keeping_hear(struct keeping *keeping, int channel, struct keeper_refusal *ret)
{
	switch (keeper_hear(channel, ret)) {
	case KEEPER_REFUSED:
		keeping->refusals++;
		return true;
	case KEEPER_ALIVE:
		keeping->asked_ms = 0;
		break;
	case KEEPER_GONE:
		forget_channel(keeping, channel);
		break;
	case KEEPER_NOTHING:
		break;
	}
	return false;
}
