/* Goal: a process that was taken over before it had proved anything can't take another's
 * place where the supervisor knows better: from an address that the entry doesn't allow,
 * by a listener that can't have let the entry in, for another destination, or out of
 * order. Whoever asks so is ended, and the entry has as many places as before. So is
 * whoever has the keeper refuse a signature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/gate/gate.h"

enum { TLS_LISTENER, PLAIN_LISTENER };

static struct address_range lan;
static struct config_modality modalities[] = {
	{ .name = "angio", .addresses = &lan, .address_count = 1, .destination = 0 },
	{ .name = "anywhere", .destination = 1 },
	{ .name = "local", .certificate = { .none = true }, .destination = 1 },
};
static struct config_destination destinations[] = { { .name = "pacs" },
						    { .name = "archive" } };
static struct config_listen listeners[] = {
	{ .address = "0.0.0.0" }, { .address = "127.0.0.1", .tls = { .none = true } }
};
static struct config config = {
	.listen = listeners,
	.listen_count = 2,
	.modalities = modalities,
	.modality_count = 3,
	.destinations = destinations,
	.destination_count = 2,
	.limits = { .max_associations = 10,
		    .max_associations_per_address = 10,
		    .handshakes_per_address_per_minute = 100 },
};
static struct settings settings = { .config = &config };
static struct keeping keeping;
static struct helper auditor = { .channel = -1 };
static struct auditing auditing = { .helper = &auditor };
static struct gate gate;
static struct helper spooler = { .channel = -1 }; /* there is none */
static struct spooling spooling = { .spooler = &spooler };
static struct rate rates[3];
static int channel; /* the process's end of it */

/* A process that does nothing, as an association's. */
static struct place *come(const char *address, size_t listener)
{
	struct sockaddr_storage peer = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&peer;
	struct place *place;
	int pair[2];
	pid_t pid;

	v4->sin_family = AF_INET;
	assert_int_equal(inet_pton(AF_INET, address, &v4->sin_addr), 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	place = places_add(&gate.places, pair[0], &peer, "0123456789abcdef");
	assert_non_null(place);
	place->pid = pid;
	place->listener = listener;
	place->came_plain = config.listen[listener].tls.none;
	channel = pair[1];
	return place;
}

static enum claim say(struct place *place, enum association_notice_kind kind,
		      const char *modality, const char *destination)
{
	struct association_notice notice = { .kind = kind };

	snprintf(notice.modality, sizeof(notice.modality), "%s", modality);
	snprintf(notice.destination, sizeof(notice.destination), "%s", destination);
	assert_int_equal(send(channel, &notice, sizeof(notice), 0), sizeof(notice));
	return claim_hear(&gate, place, &notice);
}

/* What it got; ASSOCIATION_STOP when it was killed. The process is gone afterwards. */
static enum association_notice_kind leave(struct place *place)
{
	struct association_notice notice = { .kind = ASSOCIATION_STOP };
	struct rusage usage = { 0 };
	pid_t pid = place->pid;
	int status;

	if (place->channel >= 0) {
		assert_int_equal(recv(channel, &notice, sizeof(notice), 0),
				 sizeof(notice));
		kill(pid, SIGKILL);
	}
	close(channel);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WTERMSIG(status),
			 notice.kind == ASSOCIATION_STOP ? SIGKILL : SIGKILL);
	if (place->channel >= 0)
		claim_forget(&gate, place);
	assert_false(claim_reaped(&gate, getpid(), status, "", &usage));
	assert_true(claim_reaped(&gate, pid, status, "", &usage));
	return notice.kind;
}

static int begin(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		modalities[i].max_associations = 1;
		modalities[i].max_handshakes_per_minute = 100;
	}
	assert_int_equal(address_range_parse("192.0.2.0/24", &lan), 0);
	memset(&gate, 0, sizeof(gate));
	gate.settings = &settings;
	gate.auditing = &auditing;
	gate.keeping = &keeping;
	gate.spooling = &spooling;
	gate.modality_rates = rates;
	return 0;
}

static void only_what_can_be_ones_own_is_given(void **state)
{
	static const struct {
		const char *address, *modality, *destination;
		size_t listener;
		bool is_authenticated, is_granted, loses_listener;
	} cases[] = {
		{ "192.0.2.7", "angio", "pacs", TLS_LISTENER, true, true, false },
		{ "198.51.100.7", "angio", "pacs", TLS_LISTENER, true, false, false },
		{ "192.0.2.7", "angio", "pacs", TLS_LISTENER, false, false, false },
		{ "192.0.2.7", "angio", "archive", TLS_LISTENER, true, false, false },
		{ "192.0.2.7", "nobody", "pacs", TLS_LISTENER, true, false, false },
		{ "192.0.2.7", "local", "archive", TLS_LISTENER, true, false, false },
		{ "198.51.100.7", "anywhere", "archive", TLS_LISTENER, true, true,
		  false },
		{ "127.0.0.1", "local", "archive", PLAIN_LISTENER, false, true, false },
		{ "127.0.0.1", "anywhere", "archive", PLAIN_LISTENER, false, false,
		  false },
		/* A reload took the listener away: whether it had TLS is still known. */
		{ "198.51.100.7", "anywhere", "archive", TLS_LISTENER, true, true, true },
		{ "198.51.100.7", "local", "archive", TLS_LISTENER, true, false, true },
		{ "127.0.0.1", "anywhere", "archive", PLAIN_LISTENER, true, false, true },
		{ "127.0.0.1", "local", "archive", PLAIN_LISTENER, false, true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct place *place = come(cases[i].address, cases[i].listener);

		if (cases[i].loses_listener)
			place->listener = NOWHERE;
		if (cases[i].is_authenticated)
			assert_int_equal(say(place, ASSOCIATION_AUTHENTICATED, "", ""),
					 CLAIM_AUTHENTICATED);
		assert_int_equal(say(place, ASSOCIATION_ASKS_PLACE, cases[i].modality,
				     cases[i].destination),
				 cases[i].is_granted ? CLAIM_PLACE : CLAIM_NONE);
		assert_int_equal(gate.places.held, cases[i].is_granted);
		assert_int_equal(leave(place), cases[i].is_granted ? ASSOCIATION_GRANTED
								   : ASSOCIATION_STOP);
		assert_null(gate.places.first);
		assert_int_equal(gate.places.held + gate.places.handshaking, 0);
	}
}

/* One that was forked before a reload judged by what was in force then: it is refused,
 * and can try again. */
static void after_a_reload_it_is_denied(void **state)
{
	struct place *place = come("198.51.100.7", TLS_LISTENER);

	(void)state;
	gate.edition = 1;
	assert_int_equal(say(place, ASSOCIATION_AUTHENTICATED, "", ""),
			 CLAIM_AUTHENTICATED);
	assert_int_equal(say(place, ASSOCIATION_ASKS_PLACE, "angio", "pacs"),
			 CLAIM_FIGURES);
	assert_int_equal(gate.places.held, 0);
	assert_int_equal(leave(place), ASSOCIATION_DENIED);
}

/* A reload excuses neither a process that has proved nothing, nor one that asks for an
 * entry's place and another's destination. */
static void a_reload_excuses_no_other_claim(void **state)
{
	struct place *place = come("192.0.2.7", TLS_LISTENER);

	(void)state;
	gate.edition = 1;
	assert_int_equal(say(place, ASSOCIATION_ASKS_PLACE, "angio", "pacs"), CLAIM_NONE);
	assert_int_equal(leave(place), ASSOCIATION_STOP);

	place = come("192.0.2.7", TLS_LISTENER);
	place->edition = 0;
	assert_int_equal(say(place, ASSOCIATION_AUTHENTICATED, "", ""),
			 CLAIM_AUTHENTICATED);
	assert_int_equal(say(place, ASSOCIATION_ASKS_PLACE, "angio", "archive"),
			 CLAIM_FIGURES);
	assert_int_equal(gate.places.held, 0);
	assert_int_equal(leave(place), ASSOCIATION_DENIED);
}

/* A place that is held for the entry, whose notice of it has been read. */
static struct place *hold(const char *modality, const char *destination)
{
	struct place *place = come("192.0.2.7", TLS_LISTENER);
	struct association_notice notice;

	assert_int_equal(say(place, ASSOCIATION_AUTHENTICATED, "", ""),
			 CLAIM_AUTHENTICATED);
	assert_int_equal(say(place, ASSOCIATION_ASKS_PLACE, modality, destination),
			 CLAIM_PLACE);
	assert_int_equal(recv(channel, &notice, sizeof(notice), 0), sizeof(notice));
	return place;
}

static void who_is_refused_by_the_keeper_is_ended(void **state)
{
	struct keeper_refusal refusal = { .association = "0123456789abcdef",
					  .why = "a second signature" };
	struct keeper_refusal other = { .association = "fedcba9876543210" };
	struct place *place = hold("angio", "pacs");

	(void)state;
	claim_refused(&gate, &other);
	assert_int_equal(gate.places.held, 1);
	claim_refused(&gate, &refusal);
	assert_int_equal(gate.places.held, 0);
	assert_true(place->is_killed);
	claim_forget(&gate, place);
	assert_int_equal(leave(place), ASSOCIATION_STOP);
}

/* A courier whose destination is gone keeps the auditor's successor from no other. */
static void each_courier_gets_the_next_auditor(void **state)
{
	int control[2], astray[2], good[2];
	struct association_notice notice;
	struct place *place, *last;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, control), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, astray), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, good), 0);
	place = places_add_courier(&gate.places, astray[0], 0, "fedcba9876543210");
	last = places_add_courier(&gate.places, good[0], 0, "0123456789abcdef");
	assert_ptr_equal(gate.places.first, place);
	place->destination = NOWHERE;
	auditor.channel = control[0];
	auditor.generation = 7;
	places_renew_auditor(&gate.places, &auditing, &config);
	assert_int_equal(recv(good[1], &notice, sizeof(notice), MSG_DONTWAIT),
			 sizeof(notice));
	assert_int_equal(notice.kind, ASSOCIATION_AUDITOR);
	assert_int_equal(last->auditor, 7);
	assert_int_equal(recv(astray[1], &notice, sizeof(notice), MSG_DONTWAIT), -1);
	auditor = (struct helper){ .channel = -1 };
	places_remove(&gate.places, place);
	places_remove(&gate.places, last);
	for (int i = 0; i < 2; i++) {
		close(control[i]);
		close(astray[i]);
		close(good[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(only_what_can_be_ones_own_is_given, begin),
		cmocka_unit_test_setup(after_a_reload_it_is_denied, begin),
		cmocka_unit_test_setup(a_reload_excuses_no_other_claim, begin),
		cmocka_unit_test_setup(who_is_refused_by_the_keeper_is_ended, begin),
		cmocka_unit_test_setup(each_courier_gets_the_next_auditor, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
