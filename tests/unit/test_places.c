/* Goal: a process that was taken over before it had proved anything can't take another's
 * place where the supervisor knows better: from an address that the entry doesn't allow,
 * by a listener that can't have let the entry in, for another destination, or out of
 * order. Whoever asks so is ended, and the entry has as many places as before. */
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

#include "supervisor/internal.h"

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
static struct server server;
static struct rate rates[3];
static int line; /* the process's end of its line */

/* A process that does nothing, as a child of the supervisor's. */
static struct child *come(const char *address, size_t listener)
{
	struct sockaddr_storage peer = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&peer;
	struct child *child;
	int pair[2];
	pid_t pid;

	v4->sin_family = AF_INET;
	assert_int_equal(inet_pton(AF_INET, address, &v4->sin_addr), 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	child = child_add(&server, pid, pair[0], &peer, "0123456789abcdef");
	assert_non_null(child);
	child->listener = listener;
	child->came_plain = config.listen[listener].tls.none;
	line = pair[1];
	return child;
}

static void say(struct child *child, enum association_notice_kind kind,
		const char *modality, const char *destination)
{
	struct association_notice word = { .kind = kind };

	snprintf(word.modality, sizeof(word.modality), "%s", modality);
	snprintf(word.destination, sizeof(word.destination), "%s", destination);
	assert_int_equal(send(line, &word, sizeof(word), 0), sizeof(word));
	child_heard(&server, child);
}

/* What it got; ASSOCIATION_STOP when it was killed. The process is gone afterwards. */
static enum association_notice_kind leave(struct child *child)
{
	struct association_notice word = { .kind = ASSOCIATION_STOP };
	struct rusage usage = { 0 };
	pid_t pid = child->pid;
	int status;

	if (child->line >= 0) {
		assert_int_equal(recv(line, &word, sizeof(word), 0), sizeof(word));
		kill(pid, SIGTERM);
	}
	close(line);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WTERMSIG(status),
			 word.kind == ASSOCIATION_STOP ? SIGKILL : SIGTERM);
	if (child->line >= 0)
		child_forget(&server, child);
	child_reaped(&server, pid, &usage);
	return word.kind;
}

static int begin(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		modalities[i].max_associations = 1;
		modalities[i].max_handshakes_per_minute = 100;
	}
	assert_int_equal(address_range_parse("192.0.2.0/24", &lan), 0);
	memset(&server, 0, sizeof(server));
	server.setup.config = &config;
	server.modality_rates = rates;
	server.auditor = -1;
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
		struct child *child = come(cases[i].address, cases[i].listener);

		if (cases[i].loses_listener)
			child->listener = NOWHERE;
		if (cases[i].is_authenticated)
			say(child, ASSOCIATION_AUTHENTICATED, "", "");
		say(child, ASSOCIATION_ASKS_PLACE, cases[i].modality,
		    cases[i].destination);
		assert_int_equal(server.placed, cases[i].is_granted);
		assert_int_equal(leave(child), cases[i].is_granted ? ASSOCIATION_GRANTED
								   : ASSOCIATION_STOP);
		assert_null(server.first);
		assert_int_equal(server.placed + server.handshaking, 0);
	}
}

/* One that was forked before a reload judged by what was in force then: it is refused,
 * and can try again. */
static void after_a_reload_it_is_denied(void **state)
{
	struct child *child = come("198.51.100.7", TLS_LISTENER);

	(void)state;
	server.reloads = 1;
	say(child, ASSOCIATION_AUTHENTICATED, "", "");
	say(child, ASSOCIATION_ASKS_PLACE, "angio", "pacs");
	assert_int_equal(server.placed, 0);
	assert_int_equal(leave(child), ASSOCIATION_DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(only_what_can_be_ones_own_is_given, begin),
		cmocka_unit_test_setup(after_a_reload_it_is_denied, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
