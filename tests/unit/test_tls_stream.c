/*
 * Goal: every byte arrives as it was sent, a peek never waits, and whoever gives up,
 * hangs up or asks for a new handshake gets a plain answer.
 */
#include "tls_session.h"

#include <errno.h>

#define BULK_BYTES  (64 * 1024 * 1024)
#define CHUNK_BYTES 131072

/* Different in every place, so that nothing lost, doubled or swapped is missed. */
static void pattern(unsigned char *chunk, size_t at)
{
	for (size_t i = 0; i < CHUNK_BYTES; i += 8) {
		uint64_t value = (at + i) * 0x9e3779b97f4a7c15ULL;

		memcpy(chunk + i, &value, sizeof(value));
	}
}

static int read_all(SSL *ssl, unsigned char *bytes, size_t size)
{
	size_t done = 0, count;

	for (; done < size; done += count) {
		if (SSL_read_ex(ssl, bytes + done, size - done, &count) != 1)
			return -1;
	}
	return 0;
}

static int swap_bulk(SSL *ssl)
{
	static unsigned char wanted[CHUNK_BYTES], got[CHUNK_BYTES];
	size_t count;

	for (size_t at = 0; at < BULK_BYTES; at += CHUNK_BYTES) {
		pattern(wanted, at);
		if (read_all(ssl, got, CHUNK_BYTES) != 0 ||
		    memcmp(got, wanted, CHUNK_BYTES) != 0)
			return 10;
	}
	for (size_t at = 0; at < BULK_BYTES; at += CHUNK_BYTES) {
		pattern(wanted, at);
		if (SSL_write_ex(ssl, wanted, CHUNK_BYTES, &count) != 1)
			return 11;
	}
	return SSL_shutdown(ssl) >= 0 ? 0 : 12;
}

/* How often this process has called for something to be written. */
static unsigned long count_writes(void)
{
	FILE *io = fopen("/proc/self/io", "re");
	unsigned long count = 0;
	char line[64];

	assert_non_null(io);
	while (fgets(line, sizeof(line), io) != NULL)
		sscanf(line, "syscw: %lu", &count);
	fclose(io);
	return count;
}

static void swap(bool server, const char *certificate)
{
	static unsigned char wanted[CHUNK_BYTES], got[CHUNK_BYTES];
	struct peer peer = { .certificate = certificate, .talk = swap_bulk };
	struct session session;
	const struct transport *transport = &session.transport;
	unsigned long before;

	open_session(&session, &(struct setting){ 0 }, server, &peer);
	before = count_writes();
	for (size_t at = 0; at < BULK_BYTES; at += CHUNK_BYTES) {
		pattern(wanted, at);
		assert_int_equal(
			transport->write(transport->context, wanted, CHUNK_BYTES), 0);
	}
	/* To a destination each goes in one call, and what is left of it where it can't
	 * take all. */
	if (!server)
		assert_true(count_writes() - before < 4 * (BULK_BYTES / CHUNK_BYTES));
	for (size_t at = 0; at < BULK_BYTES; at += CHUNK_BYTES) {
		ssize_t count;

		pattern(wanted, at);
		for (size_t done = 0; done < CHUNK_BYTES; done += (size_t)count) {
			count = transport->read(transport->context, got + done,
						CHUNK_BYTES - done);
			assert_true(count > 0);
		}
		assert_memory_equal(got, wanted, CHUNK_BYTES);
	}
	assert_int_equal(transport->read(transport->context, got, 1), 0);
	close_session(&session);
}

static void test_bulk_is_whole_both_ways(void **state)
{
	(void)state;
	swap(true, "angio");
	swap(false, "pacs");
}

/* A key update, which gives a reader nothing; a word; a goodbye: each when asked for. */
static int update_speak_close(SSL *ssl)
{
	char byte;

	if (SSL_read(ssl, &byte, 1) != 1 ||
	    SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) != 1 ||
	    SSL_do_handshake(ssl) != 1)
		return 10;
	if (SSL_read(ssl, &byte, 1) != 1 || SSL_write(ssl, "hello", 5) != 5)
		return 11;
	return SSL_read(ssl, &byte, 1) == 1 && SSL_shutdown(ssl) >= 0 ? 0 : 12;
}

static int speak_cut(SSL *ssl)
{
	char byte;

	return SSL_write(ssl, "hello", 5) == 5 && SSL_read(ssl, &byte, 1) == 1 ? 0 : 10;
}

static void test_peek_never_waits(void **state)
{
	struct peer peer = { .certificate = "angio",
			     .version = TLS1_3_VERSION,
			     .talk = update_speak_close };
	struct session session;
	const struct transport *transport = &session.transport;
	char bytes[16];

	(void)state;
	open_session(&session, &(struct setting){ 0 }, true, &peer);
	assert_int_equal(transport->write(transport->context, "x", 1), 0);
	assert_int_equal(patient(NULL, transport->fd, POLLIN), 0);
	errno = EINTR;
	assert_int_equal(transport->peek(transport->context, bytes, sizeof(bytes)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(transport->write(transport->context, "x", 1), 0);
	assert_int_equal(patient(NULL, transport->fd, POLLIN), 0);
	assert_int_equal(transport->peek(transport->context, bytes, 2), 2);
	assert_int_equal(transport->peek(transport->context, bytes, sizeof(bytes)), 5);
	assert_int_equal(transport->read(transport->context, bytes, sizeof(bytes)), 5);
	assert_memory_equal(bytes, "hello", 5);
	assert_int_equal(transport->write(transport->context, "x", 1), 0);
	assert_int_equal(patient(NULL, transport->fd, POLLIN), 0);
	assert_int_equal(transport->peek(transport->context, bytes, sizeof(bytes)), 0);
	assert_int_equal(transport->read(transport->context, bytes, sizeof(bytes)), 0);
	assert_false(tls_failed(transport, &session.failure));
	close_session(&session);
}

static void test_cut_without_goodbye_is_a_close(void **state)
{
	struct peer peer = { .certificate = "angio", .talk = speak_cut };
	struct session session;
	const struct transport *transport = &session.transport;
	char bytes[16];

	(void)state;
	open_session(&session, &(struct setting){ 0 }, true, &peer);
	assert_int_equal(transport->read(transport->context, bytes, sizeof(bytes)), 5);
	assert_int_equal(transport->write(transport->context, "x", 1), 0);
	assert_int_equal(transport->read(transport->context, bytes, sizeof(bytes)), 0);
	assert_int_equal(transport->peek(transport->context, bytes, sizeof(bytes)), 0);
	assert_int_equal(transport->write(transport->context, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	assert_false(tls_failed(transport, &session.failure));
	close_session(&session);
}

/* Until the connection is reset. */
static int read_nothing(SSL *ssl)
{
	struct pollfd pollfd = { .fd = SSL_get_fd(ssl) };

	return poll(&pollfd, 1, PATIENCE_MS) == 1 ? 0 : 10;
}

static void test_waiter_may_give_up_a_handshake(void **state)
{
	int turns = 0, pair[2];
	struct waiter gives_up = { impatient, &turns };
	struct session session = { 0 };

	(void)state;
	session.context = load_good(&(struct setting){ 0 }, true);
	connect_pair(pair);
	session.failure.reason = REASON_INTERNAL;
	assert_int_equal(shake(&session, pair[0], &gives_up), -1);
	assert_int_equal(turns, 1);
	assert_int_equal(session.failure.reason, REASON_NONE);
	close(pair[0]);
	close(pair[1]);
	tls_context_free(session.context);
}

static void give_up(bool server, const char *certificate)
{
	struct peer peer = { .certificate = certificate, .talk = read_nothing };
	int turns = 0;
	struct waiter gives_up = { impatient, &turns };
	struct session session = { 0 };
	struct transport *transport = &session.transport;
	static char bulk[16 * 1024 * 1024];
	struct waiter mine = waiter;
	struct linger reset = { .l_onoff = 1 };
	int fd;

	session.context = load_good(&(struct setting){ 0 }, server);
	fd = meet(&peer, server, &session.child);
	assert_int_equal(shake(&session, fd, &mine), 0);
	mine = gives_up;
	errno = EINTR;
	assert_int_equal(transport->read(transport->context, bulk, 1), -1);
	assert_int_equal(errno, ECANCELED);
	assert_int_equal(transport->write(transport->context, "still works", 11), 0);
	assert_int_equal(transport->write(transport->context, bulk, sizeof(bulk)), -1);
	assert_int_equal(errno, ECANCELED);
	assert_int_equal(transport->write(transport->context, "x", 1), -1);
	assert_true(errno != EINTR && errno != EAGAIN);
	assert_false(tls_failed(transport, &session.failure));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close_session(&session);
}

static void test_waiter_may_give_up_a_stream(void **state)
{
	(void)state;
	give_up(true, "angio");
	give_up(false, "pacs");
}

/* Neither version leaves the client anything to resume with. */
static int look_for_a_session(SSL *ssl)
{
	if (answer_a_byte(ssl) != 0)
		return 10;
	return SSL_SESSION_is_resumable(SSL_get_session(ssl)) ? 11 : 0;
}

static void test_nothing_can_be_resumed(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct session session;

	(void)state;
	for (size_t i = 0; i < LENGTH(versions); i++) {
		struct peer peer = { .certificate = "angio",
				     .version = versions[i],
				     .talk = look_for_a_session };

		open_session(&session, &(struct setting){ 0 }, true, &peer);
		check_a_byte(&session);
		close_session(&session);
	}
}

/* As a client; and as a server, which asks for it and hears of it at its next read. */
static int renegotiate(SSL *ssl)
{
	char byte;

	if (SSL_renegotiate(ssl) != 1)
		return 10;
	return SSL_do_handshake(ssl) == 1 && SSL_read(ssl, &byte, 1) == 1 ? 11 : 0;
}

static void test_renegotiation_fails(void **state)
{
	struct session session;
	char byte;

	(void)state;
	for (int server = 0; server <= 1; server++) {
		struct peer peer = { .certificate = "pacs",
				     .version = TLS1_2_VERSION,
				     .talk = renegotiate };

		open_session(&session, &(struct setting){ 0 }, server, &peer);
		assert_true(session.transport.read(session.transport.context, &byte, 1) <=
			    0);
		close_session(&session);
	}
}

/* RFC 8446 4.6.3: either side may, at any time, and ask the other to do so too. */
static int change_keys(SSL *ssl)
{
	for (int i = 0; i < 3; i++) {
		if (SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) != 1)
			return 10;
		if (answer_a_byte(ssl) != 0)
			return 11;
	}
	return 0;
}

static void test_keys_may_change(void **state)
{
	struct session session;

	(void)state;
	for (int server = 0; server <= 1; server++) {
		struct peer peer = { .certificate = "pacs",
				     .version = TLS1_3_VERSION,
				     .talk = change_keys };

		open_session(&session, &(struct setting){ 0 }, server, &peer);
		for (int i = 0; i < 3; i++)
			check_a_byte(&session);
		close_session(&session);
	}
}

/* A peer whose key updates never end. */
static int change_keys_only(SSL *ssl)
{
	char byte;

	if (answer_a_byte(ssl) != 0)
		return 10;
	while (SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1 &&
	       SSL_do_handshake(ssl) == 1)
		continue;
	return SSL_read(ssl, &byte, 1) == 1 ? 11 : 0;
}

/* So does one that sends a byte among them now and then. */
static int change_keys_for_each_byte(SSL *ssl)
{
	if (answer_a_byte(ssl) != 0)
		return 10;
	for (;;) {
		for (int i = 0; i < 100; i++)
			if (SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 ||
			    SSL_do_handshake(ssl) != 1)
				return 0;
		if (SSL_write(ssl, "x", 1) != 1)
			return 0;
	}
}

static void flood(bool server, int (*talk)(SSL *), bool peeks)
{
	struct peer peer = { .certificate = "pacs",
			     .version = TLS1_3_VERSION,
			     .talk = talk };
	struct session session;
	const struct transport *transport = &session.transport;
	ssize_t count;
	char byte;

	open_session(&session, &(struct setting){ 0 }, server, &peer);
	check_a_byte(&session);
	do {
		if (peeks)
			assert_int_equal(patient(NULL, transport->fd, POLLIN), 0);
		count = (peeks ? transport->peek : transport->read)(transport->context,
								    &byte, 1);
	} while (peeks ? count < 0 && errno == EAGAIN : count > 0);
	assert_int_equal(count, -1);
	assert_true(tls_failed(transport, &session.failure));
	assert_int_equal(session.failure.reason,
			 server ? REASON_MALFORMED : REASON_DESTINATION_PROTOCOL);
	assert_non_null(strstr(session.failure.detail, "hold no data"));
	close_session(&session);
}

static void test_records_without_data_come_to_an_end(void **state)
{
	(void)state;
	for (int server = 0; server <= 1; server++) {
		flood(server, change_keys_only, false);
		flood(server, change_keys_only, true);
		flood(server, change_keys_for_each_byte, false);
	}
}

/* What was taken from the network is more than the data: each record has a head and a
 * tag, and in TLS 1.3 a type within, in TLS 1.2 a part of the nonce. */
static void test_what_was_taken_is_counted(void **state)
{
	static const struct {
		int version;
		int (*talk)(SSL *);
		uint64_t taken;
	} rows[] = {
		{ TLS1_2_VERSION, answer_a_byte, 5 + 8 + 1 + 16 },
		{ TLS1_3_VERSION, answer_a_byte, 5 + 1 + 1 + 16 },
		/* A KeyUpdate takes 5 bytes. */
		{ TLS1_3_VERSION, change_keys, 5 + 5 + 1 + 16 + 5 + 1 + 1 + 16 },
	};
	struct session session;
	const struct transport *transport = &session.transport;

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct peer peer = { .certificate = "pacs",
				     .version = rows[i].version,
				     .talk = rows[i].talk };

		open_session(&session, &(struct setting){ 0 }, true, &peer);
		assert_int_equal(transport->taken(transport->context), 0);
		check_a_byte(&session);
		assert_int_equal(transport->taken(transport->context), rows[i].taken);
		for (int more = rows[i].talk == change_keys ? 2 : 0; more > 0; more--)
			check_a_byte(&session);
		close_session(&session);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bulk_is_whole_both_ways),
		cmocka_unit_test(test_peek_never_waits),
		cmocka_unit_test(test_cut_without_goodbye_is_a_close),
		cmocka_unit_test(test_waiter_may_give_up_a_handshake),
		cmocka_unit_test(test_waiter_may_give_up_a_stream),
		cmocka_unit_test(test_nothing_can_be_resumed),
		cmocka_unit_test(test_renegotiation_fails),
		cmocka_unit_test(test_keys_may_change),
		cmocka_unit_test(test_records_without_data_come_to_an_end),
		cmocka_unit_test(test_what_was_taken_is_counted),
	};

	return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
