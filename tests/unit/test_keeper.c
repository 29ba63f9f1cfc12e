/* Goal: the keeper, driven over real channels as a process that was taken over could
 * drive it: it signs once, with the channel's keys, what that side of a handshake signs;
 * everything else closes the channel and is told. A flood on other channels holds up no
 * good one. Let go, it serves to the last channel and ends; keys go to its successor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cathgate/keeper/keeper.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define PATIENCE_MS   60000
#define ECDSA_SHA256  0x0403
#define RSA_PSS	      0x0804
#define RSA_PKCS1     0x0401

static char directory[] = "/tmp/cathgate-test-keeper.XXXXXX";

struct process {
	pid_t pid;
	int control;
};

static struct process start(void)
{
	struct process process;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	process.pid = fork();
	assert_true(process.pid >= 0);
	if (process.pid == 0) {
		close_range(3, (unsigned)pair[1] - 1, 0);
		close_range((unsigned)pair[1] + 1, ~0U, 0);
		_exit(keeper_run(pair[1], sandbox_prepare(SANDBOX_KEEPER)));
	}
	close(pair[1]);
	process.control = pair[0];
	return process;
}

static void await_end(struct process process)
{
	int status;

	assert_int_equal(waitpid(process.pid, &status, 0), process.pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(process.control);
}

static void end(struct process process)
{
	shutdown(process.control, SHUT_WR);
	await_end(process);
}

static struct config_file file_of(const char *name)
{
	static char paths[4][96];
	static unsigned next;
	char *path = paths[next++ % LENGTH(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s.key", directory, name);
	return (struct config_file){
		.path = path,
		.place = { .file = "the.conf", .line = 7, .key = "tls.key" },
	};
}

static void write_key(const char *name, EVP_PKEY *key)
{
	struct config_file file = file_of(name);
	FILE *to = fopen(file.path, "w");

	assert_non_null(to);
	assert_int_equal(PEM_write_PrivateKey(to, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(to);
	assert_int_equal(chmod(file.path, 0600), 0);
	EVP_PKEY_free(key);
}

static int make_files(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	write_key("ec", EVP_EC_gen("P-256"));
	write_key("other", EVP_EC_gen("P-256"));
	write_key("rsa", EVP_RSA_gen(2048));
	return 0;
}

static int remove_files(void **state)
{
	static const char *const names[] = { "ec", "other", "rsa" };

	(void)state;
	for (size_t i = 0; i < LENGTH(names); i++)
		unlink(file_of(names[i]).path);
	return rmdir(directory);
}

/* The public half. */
static EVP_PKEY *load(struct process process, const char *name,
		      struct signer_key_id *ret_id)
{
	struct config_file file = file_of(name);
	struct config_faults faults = { 0 };
	EVP_PKEY *key = NULL;

	assert_int_equal(keeper_load(process.control, &file, &key, &faults), KEEPER_YES);
	assert_int_equal(faults.count, 0);
	assert_int_equal(signer_key_id(key, ret_id), 0);
	return key;
}

static char association[] = "0123456789abcdef"; /* whose the next channel is */

static int open_channel(struct process process, enum signer_side side,
			const struct signer_key_id *key)
{
	struct keeper_grant grant = { .side = side, .key_count = 1 };
	int channel;

	memcpy(grant.association, association, sizeof(association));
	grant.keys[0] = *key;
	channel = keeper_open(process.control, &grant);
	assert_true(channel >= 0);
	return channel;
}

static size_t verify_13(enum signer_side side, uint8_t *to)
{
	const char *context = side == SIGNER_SERVER ? "TLS 1.3, server CertificateVerify"
						    : "TLS 1.3, client CertificateVerify";

	memset(to, ' ', 64);
	memcpy(to + 64, context, 34);
	memset(to + 98, 5, 32);
	return 130;
}

static bool ask(int channel, const struct signer_key_id *key, uint16_t scheme,
		const uint8_t *message, size_t size, uint8_t *ret, size_t *ret_size)
{
	struct signer_request request = { .key = *key, .scheme = scheme };
	const struct iovec parts[] = { { &request, sizeof(request) },
				       { (void *)message, size } };

	if (size > SIGNER_MESSAGE_MAX) /* signer_ask sends no such thing */
		return writev(channel, parts, 2) > 0 &&
		       recv(channel, ret, SIGNER_SIGNATURE_MAX, 0) > 0;
	return signer_ask(channel, &request, message, size, ret, SIGNER_SIGNATURE_MAX,
			  ret_size) == 0;
}

static void expect_refusal(struct process process, const char *why)
{
	struct pollfd polled = { .fd = process.control, .events = POLLIN };
	struct keeper_refusal refusal;

	assert_int_equal(poll(&polled, 1, PATIENCE_MS), 1);
	assert_int_equal(keeper_hear(process.control, &refusal), KEEPER_REFUSED);
	assert_int_equal(strlen(refusal.association), sizeof(association) - 1);
	if (!strstr(refusal.why, why))
		fail_msg("\"%s\" was told, not \"%s\"", refusal.why, why);
}

static void expect_good(EVP_PKEY *key, const uint8_t *message, size_t size,
			const uint8_t *signature, size_t signature_size)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(
		EVP_DigestVerify(context, signature, signature_size, message, size), 1);
	EVP_MD_CTX_free(context);
}

static void it_signs_once(void **state)
{
	struct process process = start();
	struct signer_key_id id;
	EVP_PKEY *key = load(process, "ec", &id);
	uint8_t message[256], signature[SIGNER_SIGNATURE_MAX];
	size_t size = verify_13(SIGNER_SERVER, message), signature_size;
	int channel;

	(void)state;
	assert_int_equal(keeper_serve(process.control), KEEPER_YES);
	channel = open_channel(process, SIGNER_SERVER, &id);
	assert_true(ask(channel, &id, ECDSA_SHA256, message, size, signature,
			&signature_size));
	expect_good(key, message, size, signature, signature_size);
	assert_false(ask(channel, &id, ECDSA_SHA256, message, size, signature,
			 &signature_size));
	expect_refusal(process, "a second signature");
	close(channel);
	EVP_PKEY_free(key);
	end(process);
}

/* A process that was taken over can't collect what it may have signed. */
static void an_association_has_one_channel_of_a_side(void **state)
{
	struct process process = start();
	struct signer_key_id id;
	EVP_PKEY *key = load(process, "ec", &id);
	uint8_t message[256], signature[SIGNER_SIGNATURE_MAX];
	size_t size = verify_13(SIGNER_CLIENT, message), signature_size;
	int server, first, second;

	(void)state;
	assert_int_equal(keeper_serve(process.control), KEEPER_YES);
	server = open_channel(process, SIGNER_SERVER, &id);
	first = open_channel(process, SIGNER_CLIENT, &id);
	second = open_channel(process, SIGNER_CLIENT, &id);
	assert_false(
		ask(first, &id, ECDSA_SHA256, message, size, signature, &signature_size));
	assert_true(ask(second, &id, ECDSA_SHA256, message, size, signature,
			&signature_size));
	size = verify_13(SIGNER_SERVER, message);
	assert_true(ask(server, &id, ECDSA_SHA256, message, size, signature,
			&signature_size));
	close(server);
	close(first);
	close(second);
	EVP_PKEY_free(key);
	end(process);
}

static void what_no_handshake_signs_is_refused(void **state)
{
	struct process process = start();
	struct signer_key_id ec, other, rsa;
	EVP_PKEY *keys[] = { load(process, "ec", &ec), load(process, "other", &other),
			     load(process, "rsa", &rsa) };
	uint8_t server[256], client[256], digest[32] = { 1 }, signature[2048];
	static uint8_t long_one[SIGNER_MESSAGE_MAX + 1];
	size_t size = verify_13(SIGNER_SERVER, server), signature_size;
	const struct {
		const struct signer_key_id *granted, *key;
		uint16_t scheme;
		const uint8_t *message;
		size_t size;
		const char *why;
	} cases[] = {
		{ &ec, &ec, ECDSA_SHA256, client, size, "no TLS server signs" },
		{ &ec, &ec, ECDSA_SHA256, digest, 32, "no TLS server signs" },
		{ &ec, &ec, ECDSA_SHA256, server, size - 1, "no TLS server signs" },
		{ &ec, &ec, ECDSA_SHA256, server, 0, "no TLS server signs" },
		{ &ec, &ec, ECDSA_SHA256, long_one, sizeof(long_one), "too long" },
		{ &ec, &other, ECDSA_SHA256, server, size, "isn't its own" },
		{ &ec, &rsa, RSA_PSS, server, size, "isn't its own" },
		{ &ec, &ec, RSA_PSS, server, size, "TLS doesn't have" },
		{ &ec, &ec, 0x0503, server, size, "TLS doesn't have" },
		{ &ec, &ec, 0x0203, server, size, "TLS doesn't have" },
		{ &rsa, &rsa, RSA_PKCS1, server, size, "TLS doesn't have" },
	};

	(void)state;
	verify_13(SIGNER_CLIENT, client);
	assert_int_equal(keeper_serve(process.control), KEEPER_YES);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		int channel = open_channel(process, SIGNER_SERVER, cases[i].granted);

		assert_false(ask(channel, cases[i].key, cases[i].scheme, cases[i].message,
				 cases[i].size, signature, &signature_size));
		expect_refusal(process, cases[i].why);
		close(channel);
	}
	/* A request that is cut within its head; and the other side's channel. */
	for (size_t cut = 1; cut < sizeof(struct signer_request); cut += 11) {
		int channel = open_channel(process, SIGNER_SERVER, &ec);

		assert_int_equal(send(channel, server, cut, 0), cut);
		expect_refusal(process, "too long, or none");
		close(channel);
	}
	for (size_t i = 0; i < LENGTH(keys); i++)
		EVP_PKEY_free(keys[i]);
	end(process);
}

/* One side's message on the other side's channel is a case above; here the client's. */
static void a_client_signs_as_a_client(void **state)
{
	struct process process = start();
	struct signer_key_id id;
	EVP_PKEY *key = load(process, "rsa", &id);
	uint8_t message[256], signature[SIGNER_SIGNATURE_MAX];
	size_t size = verify_13(SIGNER_CLIENT, message), signature_size;
	int channel;

	(void)state;
	assert_int_equal(keeper_serve(process.control), KEEPER_YES);
	channel = open_channel(process, SIGNER_CLIENT, &id);
	assert_true(
		ask(channel, &id, RSA_PSS, message, size, signature, &signature_size));
	assert_int_equal(signature_size, EVP_PKEY_get_size(key));
	close(channel);
	channel = open_channel(process, SIGNER_CLIENT, &id);
	size = verify_13(SIGNER_SERVER, message);
	assert_false(
		ask(channel, &id, RSA_PSS, message, size, signature, &signature_size));
	expect_refusal(process, "no TLS client signs");
	close(channel);
	EVP_PKEY_free(key);
	end(process);
}

/* Each of many channels is full of requests, before the good one's is sent. */
static void a_flood_holds_up_no_good_one(void **state)
{
	enum { FLOODING = 100, REQUESTS = 20 };
	struct process process = start();
	struct signer_key_id id;
	EVP_PKEY *key = load(process, "ec", &id);
	struct {
		struct signer_request request;
		uint8_t message[200];
	} bad;
	uint8_t message[256], signature[SIGNER_SIGNATURE_MAX];
	size_t size = verify_13(SIGNER_SERVER, message), signature_size;
	struct pollfd polled = { .fd = process.control, .events = POLLIN };
	struct keeper_refusal refusal;
	int channels[FLOODING], good;

	(void)state;
	memset(&bad, 0, sizeof(bad));
	bad.request.key = id;
	bad.request.scheme = ECDSA_SHA256;
	assert_int_equal(keeper_serve(process.control), KEEPER_YES);
	kill(process.pid, SIGSTOP);
	for (int i = 0; i < FLOODING; i++) {
		snprintf(association, sizeof(association), "%016x", (unsigned)i);
		channels[i] = open_channel(process, SIGNER_SERVER, &id);
		for (int j = 0; j < REQUESTS; j++)
			(void)!send(channels[i], &bad, sizeof(bad),
				    MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	snprintf(association, sizeof(association), "%016x", FLOODING);
	good = open_channel(process, SIGNER_SERVER, &id);
	kill(process.pid, SIGCONT);
	assert_true(
		ask(good, &id, ECDSA_SHA256, message, size, signature, &signature_size));
	expect_good(key, message, size, signature, signature_size);
	/* One refusal each: the rest of what was sent is never looked at. */
	for (int i = 0; i < FLOODING; i++) {
		expect_refusal(process, "no TLS server signs");
		close(channels[i]);
	}
	close(good);
	keeper_ping(process.control);
	assert_int_equal(poll(&polled, 1, PATIENCE_MS), 1);
	assert_int_equal(keeper_hear(process.control, &refusal), KEEPER_ALIVE);
	EVP_PKEY_free(key);
	end(process);
}

static void expect_no_channel(struct process process, const struct keeper_grant *grant)
{
	int channel = keeper_open(process.control, grant);
	struct pollfd polled = { .fd = channel, .events = POLLIN };
	uint8_t byte;

	assert_true(channel >= 0);
	assert_int_equal(poll(&polled, 1, PATIENCE_MS), 1);
	assert_int_equal(recv(channel, &byte, 1, 0), 0);
	close(channel);
}

/* They would have it read behind its memory. */
static void grants_that_are_none_are_refused(void **state)
{
	struct process process = start();
	struct keeper_grant grants[3] = { { .key_count = CONFIG_PAIRS_MAX + 1 },
					  { .side = 2 },
					  { .key_count = 1 } };

	(void)state;
	memset(grants[2].association, 'a', sizeof(grants[2].association));
	assert_int_equal(keeper_serve(process.control), KEEPER_YES);
	for (size_t i = 0; i < LENGTH(grants); i++)
		expect_no_channel(process, &grants[i]);
	end(process);
}

static void one_that_serves_reads_no_file(void **state)
{
	struct process process = start();
	struct config_file file = file_of("other");
	struct config_faults faults = { 0 };
	struct signer_key_id id;
	EVP_PKEY *key = load(process, "ec", &id), *none = NULL;

	(void)state;
	EVP_PKEY_free(key);
	assert_int_equal(keeper_serve(process.control), KEEPER_YES);
	assert_int_equal(keeper_load(process.control, &file, &none, &faults), KEEPER_NO);
	assert_null(none);
	config_faults_clear(&faults);
	end(process);
}

static void faults_come_as_they_are_found_here(void **state)
{
	struct process process = start();
	struct config_file file = file_of("ec"), absent = file_of("absent");
	struct config_faults faults = { 0 };
	EVP_PKEY *key = NULL;

	(void)state;
	assert_int_equal(keeper_load(process.control, &absent, &key, &faults), KEEPER_NO);
	assert_int_equal(faults.error_count, 1);
	assert_non_null(strstr(faults.items[0].text, "the.conf:7: tls.key: can't open"));
	config_faults_clear(&faults);
	assert_int_equal(chmod(file.path, 0644), 0);
	assert_int_equal(keeper_load(process.control, &file, &key, &faults), KEEPER_YES);
	assert_int_equal(faults.error_count, 1);
	assert_non_null(strstr(faults.items[0].text, "chmod 0400 it"));
	assert_int_equal(chmod(file.path, 0600), 0);
	config_faults_clear(&faults);
	EVP_PKEY_free(key);
	end(process);
}

static void a_successor_has_what_is_handed_over(void **state)
{
	struct process old = start(), next = start();
	struct signer_key_id id, rsa, unknown = { { 9 } };
	EVP_PKEY *key = load(old, "ec", &id), *other = load(next, "rsa", &rsa);
	uint8_t message[256], signature[SIGNER_SIGNATURE_MAX];
	size_t size = verify_13(SIGNER_SERVER, message), signature_size;
	int at_old, at_next;

	(void)state;
	assert_int_equal(keeper_serve(old.control), KEEPER_YES);
	at_old = open_channel(old, SIGNER_SERVER, &id);
	assert_int_equal(keeper_hand_over(old.control, next.control, &unknown),
			 KEEPER_NO);
	assert_int_equal(keeper_hand_over(old.control, next.control, &id), KEEPER_YES);
	assert_int_equal(keeper_serve(next.control), KEEPER_YES);
	at_next = open_channel(next, SIGNER_SERVER, &id);
	assert_true(ask(at_next, &id, ECDSA_SHA256, message, size, signature,
			&signature_size));
	expect_good(key, message, size, signature, signature_size);

	/* Let go, it still signs for who has a channel, tells what it refuses, and ends
	 * with the last channel. */
	shutdown(old.control, SHUT_WR);
	assert_true(ask(at_old, &id, ECDSA_SHA256, message, size, signature,
			&signature_size));
	assert_false(ask(at_old, &id, ECDSA_SHA256, message, size, signature,
			 &signature_size));
	expect_refusal(old, "a second signature");
	await_end(old);
	close(at_old);
	close(at_next);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	end(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_signs_once),
		cmocka_unit_test(an_association_has_one_channel_of_a_side),
		cmocka_unit_test(what_no_handshake_signs_is_refused),
		cmocka_unit_test(a_client_signs_as_a_client),
		cmocka_unit_test(a_flood_holds_up_no_good_one),
		cmocka_unit_test(grants_that_are_none_are_refused),
		cmocka_unit_test(one_that_serves_reads_no_file),
		cmocka_unit_test(faults_come_as_they_are_found_here),
		cmocka_unit_test(a_successor_has_what_is_handed_over),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
