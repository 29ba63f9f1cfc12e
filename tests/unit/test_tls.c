/*
 * Goal: only a peer that proves itself gets through, and each way to fail has its word.
 */
#include "tls_session.h"

#include <errno.h>

static void test_good_modality_gets_in(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct session session;

	(void)state;
	for (size_t i = 0; i < LENGTH(versions); i++) {
		struct peer peer = { .certificate = "angio",
				     .trust = "root",
				     .version = versions[i],
				     .talk = answer_a_byte };
		char digest[DIGEST_HEX_SIZE];

		open_session(&session, &(struct setting){ .crl = { "root" } }, true,
			     &peer);
		check_a_byte(&session);
		assert_string_equal(session.peer.version, i == 0 ? "TLSv1.2" : "TLSv1.3");
		assert_string_equal(session.peer.cipher,
				    i == 0 ? "ECDHE-ECDSA-AES128-GCM-SHA256"
					   : "TLS_AES_128_GCM_SHA256");
		if (OPENSSL_VERSION_NUMBER >= 0x30500000L && i == 1)
			assert_string_equal(session.peer.group, "X25519MLKEM768");
		else
			assert_string_equal(session.peer.group, "X25519");
		assert_string_equal(session.peer.subject, "CN=angio");
		assert_string_equal(session.peer.common_name, "angio");
		assert_int_equal(session.peer.dns_count, 2);
		assert_string_equal(session.peer.dns[1], "b.example");
		assert_int_equal(session.peer.uri_count, 1);
		assert_string_equal(session.peer.uri[0], "urn:angio");
		assert_true(is_after_making(session.peer.not_after, 400 * DAY));
		assert_int_equal(strlen(session.peer.certificate_sha256),
				 DIGEST_HEX_SIZE - 1);
		snprintf(digest, sizeof(digest), "%s", session.peer.public_key_sha256);
		assert_string_not_equal(digest, session.peer.certificate_sha256);
		close_session(&session);
	}
}

#define MODALITY(ours, theirs)     \
	{                          \
		true, ours, theirs \
	}
#define DESTINATION(ours, theirs)   \
	{                           \
		false, ours, theirs \
	}

static const struct welcome {
	bool server;
	struct setting setting;
	struct peer peer;
} welcomes[] = {
	/* An intermediate CA: known here or sent along, without CRLs and with. */
	MODALITY(OURS(.ca = "root+inter"), THEIRS(.certificate = "by-inter")),
	MODALITY(DEFAULTS, THEIRS(.certificate = "by-inter", .chain = "inter")),
	MODALITY(OURS(.ca = "root+inter", .crl = { "root", "inter" }),
		 THEIRS(.certificate = "by-inter")),
	/* A self-signed certificate vouches for itself. */
	MODALITY(OURS(.ca = "root+alone"), THEIRS(.certificate = "alone")),
	MODALITY(OURS(.ca = "root+alone", .crl = { "root" }),
		 THEIRS(.certificate = "alone")),
	MODALITY(OURS(.ca = "root+vain", .crl = { "root" }),
		 THEIRS(.certificate = "vain")),
	/* So does one of a CA that isn't here, by its SHA-256. */
	MODALITY(OURS(.ca = "by-other", .named = "by-other"),
		 THEIRS(.certificate = "by-other", .version = TLS1_2_VERSION)),
	MODALITY(OURS(.ca = "root+by-other", .named = "by-other", .crl = { "root" }),
		 THEIRS(.certificate = "by-other", .chain = "other")),
	MODALITY(OURS(.ca = "root+by-other", .named = "by-other", .crl = { "root" }),
		 THEIRS(.certificate = "angio")),
	MODALITY(OURS(.ca = "sha1-by-other", .named = "sha1-by-other"),
		 THEIRS(.certificate = "sha1-by-other")),
	DESTINATION(OURS(.ca = "by-other"), THEIRS(.certificate = "by-other")),
	DESTINATION(OURS(.ca = "root+by-other", .crl = { "root" }),
		    THEIRS(.certificate = "by-other")),
	MODALITY(OURS(.crl = { "der" }), THEIRS(.certificate = "angio")),
	MODALITY(OURS(.crl = { "stale", "root" }), THEIRS(.certificate = "angio")),
	/* The anchor isn't judged by a CRL of its own, which needn't fit it. */
	MODALITY(OURS(.crl = { "users" }), THEIRS(.certificate = "angio")),
	MODALITY(OURS(.crl = { "point" }), THEIRS(.certificate = "at-point")),
	MODALITY(OURS(.ca = "root+inter", .crl = { "cas", "inter" }),
		 THEIRS(.certificate = "by-inter")),
	/* Somebody's clock may be a little ahead of ours; what is further ahead waits. */
	MODALITY(OURS(.crl = { "ahead" }), THEIRS(.certificate = "angio")),
	MODALITY(DEFAULTS, THEIRS(.certificate = "ahead")),
	MODALITY(OURS(.crl = { "clean", "later" }), THEIRS(.certificate = "revoked")),
	MODALITY(OURS(.certificate = "gateway-by-inter+inter", .key = "gateway-by-inter"),
		 THEIRS(.certificate = "angio", .trust = "root")),
	MODALITY(OURS(.min_version = 13), THEIRS(.certificate = "angio")),
	MODALITY(DEFAULTS, THEIRS(.certificate = "angio", .groups = "P-384")),
	MODALITY(DEFAULTS, THEIRS(.certificate = "angio", .version = TLS1_2_VERSION,
				  .ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305")),
	MODALITY(DEFAULTS, THEIRS(.certificate = "ed25519", .version = TLS1_2_VERSION)),
	MODALITY(DEFAULTS, THEIRS(.certificate = "ed25519", .version = TLS1_3_VERSION)),
	MODALITY(DEFAULTS, THEIRS(.certificate = "ed448", .version = TLS1_2_VERSION)),
	MODALITY(DEFAULTS, THEIRS(.certificate = "ed448", .version = TLS1_3_VERSION)),
	MODALITY(DEFAULTS, THEIRS(.certificate = "rsa-pss", .version = TLS1_2_VERSION)),
	MODALITY(DEFAULTS, THEIRS(.certificate = "rsa-pss", .version = TLS1_3_VERSION)),
	/* For any purpose. */
	MODALITY(DEFAULTS, THEIRS(.certificate = "any", .version = TLS1_2_VERSION)),
	MODALITY(DEFAULTS, THEIRS(.certificate = "any")),
	DESTINATION(DEFAULTS, THEIRS(.certificate = "any")),
	MODALITY(DEFAULTS, THEIRS(.certificate = "by-any-ca", .chain = "any-ca")),
	DESTINATION(DEFAULTS, THEIRS(.certificate = "by-any-ca", .chain = "any-ca")),
	/* P-521 in either version, theirs or ours. */
	MODALITY(DEFAULTS, THEIRS(.certificate = "p521", .version = TLS1_2_VERSION)),
	MODALITY(DEFAULTS, THEIRS(.certificate = "p521", .version = TLS1_3_VERSION)),
	DESTINATION(DEFAULTS, THEIRS(.certificate = "p521", .version = TLS1_2_VERSION)),
	DESTINATION(OURS(.certificate = "p521"),
		    THEIRS(.certificate = "pacs", .trust = "root",
			   .version = TLS1_2_VERSION)),
	DESTINATION(OURS(.certificate = "p521"),
		    THEIRS(.certificate = "pacs", .trust = "root",
			   .version = TLS1_3_VERSION)),
	DESTINATION(DEFAULTS, THEIRS(.certificate = "pacs", .trust = "root")),
	DESTINATION(DEFAULTS, THEIRS(.certificate = "pacs", .version = TLS1_2_VERSION)),
	DESTINATION(OURS(.server_name = "192.0.2.7"), THEIRS(.certificate = "pacs")),
	DESTINATION(OURS(.server_name = "2001:db8::7"), THEIRS(.certificate = "pacs")),
};

static void test_other_good_peers_get_in(void **state)
{
	struct session session;

	(void)state;
	for (size_t i = 0; i < LENGTH(welcomes); i++) {
		struct peer peer = welcomes[i].peer;

		peer.talk = answer_a_byte;
		open_session(&session, &welcomes[i].setting, welcomes[i].server, &peer);
		check_a_byte(&session);
		close_session(&session);
	}
}

static void test_names_with_a_nul_are_left_out(void **state)
{
	struct peer peer = { .certificate = "nul" };
	struct session session;

	(void)state;
	open_session(&session, &(struct setting){ 0 }, true, &peer);
	assert_string_equal(session.peer.common_name, "");
	assert_int_equal(session.peer.dns_count, 1);
	assert_string_equal(session.peer.dns[0], "b.example");
	close_session(&session);
}

/* The others here use contexts that have travelled whole. */
static void test_a_cut_context_is_none(void **state)
{
	static const struct setting setting = { .ca = "root+inter",
						.crl = { "root", "inter" } };
	struct tls_context *context = load_good(&setting, true);
	struct configured configured;
	size_t size;
	uint8_t *bytes = pack_context(context, &size);

	(void)state;
	configure(&setting, true, &configured);
	for (size_t i = 0; i < size; i += i < 64 || i > size - 64 ? 1 : 7) {
		uint8_t *cut = malloc(i + 1);
		const uint8_t *at = cut;
		size_t left = i;

		assert_non_null(cut);
		memcpy(cut, bytes, i);
		assert_null(tls_context_unpack(&configured.tls, true, &at, &left));
		free(cut);
	}
	free(bytes);
	tls_context_free(context);
}

static void test_the_shortest_life_of_the_chain_counts(void **state)
{
	struct peer peer = { .certificate = "by-inter", .chain = "inter" };
	struct session session;

	(void)state;
	open_session(&session, &(struct setting){ 0 }, true, &peer);
	assert_true(is_after_making(session.peer.not_after, 200 * DAY));
	close_session(&session);
}

#undef MODALITY
#undef DESTINATION
#define MODALITY(ours, theirs, reason, detail)              \
	{                                                   \
		true, ours, theirs, REASON_##reason, detail \
	}
#define DESTINATION(ours, theirs, reason, detail)            \
	{                                                    \
		false, ours, theirs, REASON_##reason, detail \
	}

#define OLD_CIPHERS "ECDHE-ECDSA-AES128-SHA256:DHE-RSA-AES128-GCM-SHA256"

static const struct refusal {
	bool server;
	struct setting setting;
	struct peer peer;
	enum reason reason;
	const char *detail; /* part of it */
} refusals[] = {
	MODALITY(DEFAULTS, THEIRS(.version = TLS1_2_VERSION), TLS_NO_CERTIFICATE,
		 "the modality showed no certificate that counts"),
	MODALITY(DEFAULTS, THEIRS(.version = TLS1_3_VERSION), TLS_NO_CERTIFICATE,
		 "the modality showed no certificate that counts"),
	MODALITY(DEFAULTS, THEIRS(.certificate = "by-other"), TLS_UNTRUSTED,
		 "the modality's certificate CN=by-other was signed by a CA that isn't "
		 "in `ca` (CN=other)"),
	MODALITY(DEFAULTS, THEIRS(.certificate = "by-other", .chain = "other"),
		 TLS_UNTRUSTED, "CN=other isn't in `ca`"),
	MODALITY(DEFAULTS, THEIRS(.certificate = "alone"), TLS_UNTRUSTED, "self-signed"),
	MODALITY(DEFAULTS, THEIRS(.certificate = "by-inter"), TLS_UNTRUSTED,
		 "CN=by-inter"),
	MODALITY(DEFAULTS, THEIRS(.certificate = "by-angio", .chain = "angio"),
		 TLS_PURPOSE, "CN=angio isn't a CA's"),
	/* One that is in `ca` by itself: not unless it is named, nor what it signed, nor
	 * against its dates, nor against the CRL of its CA. */
	MODALITY(OURS(.ca = "root+by-other"), THEIRS(.certificate = "by-other"),
		 TLS_UNTRUSTED, "CN=by-other was signed by a CA that isn't in `ca`"),
	MODALITY(OURS(.ca = "root+by-other", .named = "angio"),
		 THEIRS(.certificate = "by-other"), TLS_UNTRUSTED, "CN=by-other"),
	MODALITY(OURS(.ca = "by-other", .named = "by-other"),
		 THEIRS(.certificate = "by-by-other", .chain = "by-other"), TLS_UNTRUSTED,
		 "CN=by-other was signed by a CA that isn't in `ca`"),
	MODALITY(OURS(.ca = "by-other", .named = "by-other"),
		 THEIRS(.certificate = "by-by-other"), TLS_UNTRUSTED,
		 "CN=by-other was signed by a CA that isn't in `ca`"),
	MODALITY(OURS(.ca = "expired-by-other", .named = "expired-by-other"),
		 THEIRS(.certificate = "expired-by-other"), TLS_EXPIRED, "has expired"),
	MODALITY(OURS(.ca = "root+revoked", .named = "revoked", .crl = { "root" }),
		 THEIRS(.certificate = "revoked"), TLS_REVOKED, "CN=revoked has been"),
	MODALITY(OURS(.ca = "root+vain", .crl = { "root" }),
		 THEIRS(.certificate = "by-vain"), TLS_CRL_MISSING, "`crl` has none"),
	DESTINATION(OURS(.ca = "by-other", .server_name = "other.example"),
		    THEIRS(.certificate = "by-other"), DESTINATION_NAME,
		    "isn't for the name other.example"),
	MODALITY(DEFAULTS, THEIRS(.certificate = "expired"), TLS_EXPIRED,
		 "has expired (20"),
	MODALITY(OURS(.ca = "root+old"), THEIRS(.certificate = "by-old-root"),
		 TLS_EXPIRED,
		 "the CA certificate in the modality's chain, CN=old-root has expired"),
	MODALITY(DEFAULTS, THEIRS(.certificate = "future"), TLS_NOT_YET_VALID,
		 "isn't valid yet"),
	MODALITY(OURS(.crl = { "root" }), THEIRS(.certificate = "revoked"), TLS_REVOKED,
		 "CN=revoked has been revoked"),
	MODALITY(OURS(.ca = "root+bad-inter", .crl = { "root", "bad-inter" }),
		 THEIRS(.certificate = "by-bad-inter"), TLS_REVOKED,
		 "the CA certificate in the modality's chain, CN=bad-inter has been"),
	MODALITY(OURS(.crl = { "clean", "ahead" }), THEIRS(.certificate = "revoked"),
		 TLS_REVOKED, "CN=revoked has been revoked"),
	MODALITY(OURS(.crl = { "later" }), THEIRS(.certificate = "angio"), TLS_CRL_STALE,
		 "CRL here isn't valid yet"),
	MODALITY(OURS(.crl = { "stale" }), THEIRS(.certificate = "angio"), TLS_CRL_STALE,
		 "CRL here is stale"),
	MODALITY(OURS(.crl = { "root" }),
		 THEIRS(.certificate = "by-inter", .chain = "inter"), TLS_CRL_MISSING,
		 "`crl` has none"),
	MODALITY(OURS(.crl = { "users" }), THEIRS(.certificate = "revoked"), TLS_REVOKED,
		 "CN=revoked has been revoked"),
	MODALITY(OURS(.crl = { "point" }), THEIRS(.certificate = "angio"),
		 TLS_CRL_MISSING, "CRL here is about others"),
	MODALITY(OURS(.ca = "root+inter", .crl = { "cas", "inter" }),
		 THEIRS(.certificate = "angio"), TLS_CRL_MISSING,
		 "the modality's certificate CN=angio can't be checked"),
	MODALITY(DEFAULTS, THEIRS(.certificate = "gateway"), TLS_PURPOSE,
		 "isn't meant for"),
	MODALITY(DEFAULTS, THEIRS(.certificate = "mail"), TLS_PURPOSE, "isn't meant for"),
	DESTINATION(DEFAULTS, THEIRS(.certificate = "mail"), DESTINATION_TLS,
		    "tls-purpose: "),
	MODALITY(DEFAULTS, THEIRS(.certificate = "any-no-sign"), TLS_PURPOSE,
		 "isn't meant for"),
	MODALITY(DEFAULTS, THEIRS(.certificate = "by-server-ca", .chain = "server-ca"),
		 TLS_PURPOSE, "CN=server-ca isn't meant for"),
	MODALITY(DEFAULTS, THEIRS(.certificate = "weak"), TLS_WEAK, "weak key"),
	MODALITY(DEFAULTS, THEIRS(.certificate = "weak", .version = TLS1_2_VERSION),
		 TLS_WEAK, "weak key"),
	MODALITY(DEFAULTS,
		 THEIRS(.certificate = "brainpool-client", .version = TLS1_2_VERSION),
		 TLS_NO_COMMON,
		 "the modality's certificate CN=brainpool-client has a key that not "
		 "every"),
	MODALITY(DEFAULTS,
		 THEIRS(.certificate = "brainpool-client", .version = TLS1_3_VERSION),
		 TLS_NO_CERTIFICATE, "with a key of RSA of 2048 bits or more, P-256"),
	MODALITY(DEFAULTS, THEIRS(.certificate = "sha1"), TLS_WEAK, "weak signature"),
	MODALITY(DEFAULTS, THEIRS(.certificate = "angio", .version = TLS1_1_VERSION),
		 TLS_VERSION, "min_version"),
	MODALITY(OURS(.min_version = 13),
		 THEIRS(.certificate = "angio", .version = TLS1_2_VERSION), TLS_VERSION,
		 "min_version"),
	MODALITY(DEFAULTS, THEIRS(.version = TLS1_2_VERSION, .ciphers = OLD_CIPHERS),
		 TLS_NO_COMMON, "no cipher"),
	MODALITY(DEFAULTS, THEIRS(.certificate = "angio", .groups = "X448"),
		 TLS_NO_COMMON, "no group"),
	MODALITY(DEFAULTS, THEIRS(.certificate = "angio", .trust = "other"),
		 TLS_PEER_REFUSED,
		 "the modality refused with the TLS alert \"unknown CA\": it doesn't "
		 "know"),
	MODALITY(DEFAULTS,
		 THEIRS(.certificate = "angio", .trust = "other",
			.version = TLS1_2_VERSION),
		 TLS_PEER_REFUSED, "unknown CA"),
	MODALITY(OURS(.certificate = "gateway-old"), THEIRS(.certificate = "angio"),
		 TLS_EXPIRED,
		 "the gateway's own certificate (CN=gateway-old) expired on 20"),
	MODALITY(OURS(.certificate = "gateway-new"), THEIRS(.certificate = "angio"),
		 TLS_NOT_YET_VALID, "the gateway's own certificate"),
	MODALITY(DEFAULTS, THEIRS(.raw = "\x01"), NOT_TLS,
		 "the modality speaks plain DICOM"),
	MODALITY(DEFAULTS, THEIRS(.raw = "GET / HTTP/1.1\r\n\r\n"), NOT_TLS,
		 "plain HTTP"),
	MODALITY(DEFAULTS, THEIRS(.raw = "hello"), NOT_TLS, "something that isn't TLS"),
	MODALITY(DEFAULTS, THEIRS(.raw = "\x16\x03\x01\xff\xff"), NOT_TLS,
		 "broke the rules"),
	MODALITY(DEFAULTS, THEIRS(.silent = true), PEER_LOST, "the modality ended"),

	DESTINATION(DEFAULTS, THEIRS(.certificate = "by-other"), DESTINATION_TLS,
		    "tls-untrusted: the destination's certificate CN=by-other"),
	DESTINATION(DEFAULTS, THEIRS(.certificate = "expired"), DESTINATION_TLS,
		    "tls-expired: the destination's"),
	DESTINATION(DEFAULTS, THEIRS(.certificate = "angio"), DESTINATION_TLS,
		    "tls-purpose: "),
	DESTINATION(DEFAULTS, THEIRS(.certificate = "weak"), DESTINATION_TLS,
		    "tls-weak: "),
	DESTINATION(OURS(.crl = { "stale" }), THEIRS(.certificate = "pacs"),
		    DESTINATION_TLS, "tls-crl-stale: "),
	DESTINATION(OURS(.server_name = "other.example"), THEIRS(.certificate = "pacs"),
		    DESTINATION_NAME, "isn't for the name other.example"),
	DESTINATION(OURS(.server_name = "192.0.2.8"), THEIRS(.certificate = "pacs"),
		    DESTINATION_NAME, "192.0.2.8"),
	/* Its common name would fit. */
	DESTINATION(OURS(.server_name = "gateway"), THEIRS(.certificate = "gateway"),
		    DESTINATION_NAME, "CN=gateway"),
	DESTINATION(OURS(.pin = "00"), THEIRS(.certificate = "pacs"), DESTINATION_TLS,
		    "public key isn't one of public_key_sha256; it is "),
	DESTINATION(DEFAULTS, THEIRS(.certificate = "pacs", .version = TLS1_1_VERSION),
		    DESTINATION_TLS, "tls-version: "),
	DESTINATION(OURS(.min_version = 13),
		    THEIRS(.certificate = "pacs", .version = TLS1_2_VERSION),
		    DESTINATION_TLS, "tls-version: "),
	DESTINATION(DEFAULTS, THEIRS(.version = TLS1_2_VERSION, .ciphers = OLD_CIPHERS),
		    DESTINATION_TLS, "tls-no-common: "),
	DESTINATION(DEFAULTS, THEIRS(.certificate = "pacs", .groups = "X448"),
		    DESTINATION_TLS, "tls-no-common: "),
	DESTINATION(DEFAULTS,
		    THEIRS(.certificate = "pacs", .trust = "other",
			   .version = TLS1_2_VERSION),
		    DESTINATION_TLS, "tls-peer-refused: the destination refused"),
	DESTINATION(DEFAULTS, THEIRS(.raw = "\x07"), DESTINATION_TLS,
		    "not-tls: the destination doesn't speak TLS on that port, but plain "
		    "DICOM"),
	DESTINATION(DEFAULTS, THEIRS(.raw = "HTTP/1.1 400 Bad\r\n"), DESTINATION_TLS,
		    "plain HTTP"),
	DESTINATION(DEFAULTS, THEIRS(.silent = true), DESTINATION_LOST,
		    "without an answer"),
};

static void test_each_refusal_has_its_reason(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < LENGTH(refusals); i++) {
		const struct refusal *refusal = &refusals[i];
		struct session session = { .is_server = refusal->server };
		int fd, rc;

		session.context = load_elsewhere(&refusal->setting, refusal->server);
		fd = meet(&refusal->peer, refusal->server, &session.child);
		rc = shake(&session, fd, &waiter);
		if (rc != -1 || session.failure.reason != refusal->reason ||
		    strstr(session.failure.detail, refusal->detail) == NULL) {
			print_error("refusal %zu: %d, %s, \"%s\", not %s, \"%s\"\n", i,
				    rc, reason_name(session.failure.reason),
				    session.failure.detail, reason_name(refusal->reason),
				    refusal->detail);
			wrong++;
		}
		assert_null(session.transport.context);
		assert_int_equal(close(fd), 0);
		part(session.child);
		tls_context_free(session.context);
	}
	assert_int_equal(wrong, 0);
}

/* In TLS 1.3 our own handshake is done before the server has judged our certificate. */
static void check_refused_late(const struct session *session)
{
	struct tls_failure failure;

	assert_true(tls_failed(&session->transport, &failure));
	assert_int_equal(failure.reason, REASON_DESTINATION_TLS);
	assert_non_null(strstr(failure.detail,
			       "tls-peer-refused: the destination refused with "
			       "the TLS alert \"unknown CA\""));
}

static const struct peer REFUSES_LATE = { .certificate = "pacs",
					  .trust = "other",
					  .version = TLS1_3_VERSION };

static void test_late_refusal_is_read(void **state)
{
	struct tls_failure failure;
	struct session session;
	char byte;

	(void)state;
	open_session(&session, &(struct setting){ 0 }, false, &REFUSES_LATE);
	assert_false(tls_failed(&session.transport, &failure));
	errno = EINTR;
	assert_int_equal(session.transport.read(session.transport.context, &byte, 1), -1);
	assert_int_equal(errno, EPROTO);
	check_refused_late(&session);
	close_session(&session);
}

static void test_late_refusal_is_peeked(void **state)
{
	struct session session;
	char byte;

	(void)state;
	open_session(&session, &(struct setting){ 0 }, false, &REFUSES_LATE);
	assert_int_equal(patient(NULL, session.transport.fd, POLLIN), 0);
	assert_int_equal(session.transport.peek(session.transport.context, &byte, 1), -1);
	assert_int_equal(errno, EPROTO);
	check_refused_late(&session);
	close_session(&session);
}

/* Writing into the closed socket, as an eager A-ASSOCIATE-RQ would. */
static void test_late_refusal_is_heard_by_a_writer(void **state)
{
	struct session session;
	char bytes[512] = "";

	(void)state;
	open_session(&session, &(struct setting){ 0 }, false, &REFUSES_LATE);
	part(session.child);
	while (session.transport.write(session.transport.context, bytes, sizeof(bytes)) ==
	       0)
		continue;
	assert_true(errno == EPIPE || errno == ECONNRESET);
	check_refused_late(&session);
	transport_close(&session.transport);
	tls_peer_clear(&session.peer);
	tls_context_free(session.context);
}

/* Here the modality's own alert comes after the handshake, and is about no certificate:
 * we sent it a broken record. */
static void test_alert_after_the_handshake(void **state)
{
	struct peer peer = { .certificate = "angio", .talk = read_until_error };
	static const char broken[] =
		"\x17\x03\x03\0\x20 this was sealed with no key at all";
	struct tls_failure failure;
	struct session session;
	char byte;

	(void)state;
	open_session(&session, &(struct setting){ 0 }, true, &peer);
	assert_int_equal(write(session.transport.fd, broken, 37), 37);
	assert_int_equal(session.transport.read(session.transport.context, &byte, 1), -1);
	assert_true(tls_failed(&session.transport, &failure));
	assert_int_equal(failure.reason, REASON_PEER_LOST);
	assert_non_null(strstr(failure.detail, "\"bad record mac\""));
	close_session(&session);
}

static int send_a_broken_record(SSL *ssl)
{
	static const char broken[] =
		"\x17\x03\x03\0\x20 this was sealed with no key at all";

	return write(SSL_get_fd(ssl), broken, 37) == 37 ? read_until_error(ssl) : 10;
}

static void test_broken_record(void **state)
{
	struct peer peer = { .certificate = "angio", .talk = send_a_broken_record };
	struct tls_failure failure;
	struct session session;
	char byte;

	(void)state;
	open_session(&session, &(struct setting){ 0 }, true, &peer);
	assert_int_equal(session.transport.read(session.transport.context, &byte, 1), -1);
	assert_int_equal(errno, EPROTO);
	assert_true(tls_failed(&session.transport, &failure));
	assert_int_equal(failure.reason, REASON_PEER_LOST);
	assert_non_null(strstr(failure.detail, "damaged"));
	close_session(&session);
}

static void test_right_pin_gets_in(void **state)
{
	struct peer peer = { .certificate = "pacs", .talk = answer_a_byte };
	char pin[DIGEST_HEX_SIZE];
	struct session session;

	(void)state;
	open_session(&session, &(struct setting){ 0 }, false, &peer);
	snprintf(pin, sizeof(pin), "%s", session.peer.public_key_sha256);
	check_a_byte(&session);
	close_session(&session);
	open_session(&session, &(struct setting){ .pin = pin }, false, &peer);
	check_a_byte(&session);
	close_session(&session);
}

/* A context made anew while another runs; that one is freed. */
static struct tls_context *renew(struct tls_context *running, const struct setting *next)
{
	struct config_faults faults = { 0 };
	struct tls_context *context = NULL;
	struct configured configured;

	configure(next, true, &configured);
	assert_int_equal(
		tls_server_new(&configured.tls, NULL, running, &context, &faults), 0);
	config_faults_clear(&faults);
	tls_context_free(running);
	return context;
}

static enum reason judged(struct tls_context *context, const char *certificate)
{
	struct peer peer = { .certificate = certificate };
	struct session session = { .context = context };
	int fd = meet(&peer, true, &session.child);

	if (shake(&session, fd, &waiter) == 0) {
		transport_close(&session.transport);
		tls_peer_clear(&session.peer);
	} else {
		close(fd);
	}
	part(session.child);
	return session.failure.reason;
}

/* Also through two reloads; and not once the CRL is there that counts. */
static void test_a_crl_stays_until_the_next_is_valid(void **state)
{
	struct tls_context *context =
		load_good(&(struct setting){ .crl = { "clean" } }, true);
	const struct setting later = { .crl = { "later" } };
	const struct tls_end *ends;
	size_t count;

	(void)state;
	assert_int_equal(tls_context_turn(context), 0);
	for (int i = 0; i < 2; i++) {
		context = renew(context, &later);
		assert_int_equal(judged(context, "angio"), REASON_NONE);
		assert_int_equal(judged(context, "revoked"), REASON_NONE);
		assert_true(is_after_making(tls_context_turn(context), 6900));
		ends = tls_context_ends(context, &count);
		assert_true(ends[count - 1].kind == TLS_END_CRL &&
			    ends[count - 1].begins < time(NULL));
	}
	context = renew(context, &(struct setting){ .crl = { "root" } });
	assert_int_equal(judged(context, "revoked"), REASON_TLS_REVOKED);
	context = renew(context, &(struct setting){ .crl = { "stale" } });
	assert_int_equal(judged(context, "angio"), REASON_TLS_CRL_STALE);
	context = renew(context, &later);
	assert_int_equal(judged(context, "angio"), REASON_TLS_CRL_STALE);
	tls_context_free(context);
}

static void test_a_pair_stays_until_the_next_is_valid(void **state)
{
	struct tls_context *context = load_good(&(struct setting){ 0 }, true);

	(void)state;
	context = renew(context, &(struct setting){ .certificate = "gateway-new" });
	assert_int_equal(judged(context, "angio"), REASON_NONE);
	assert_true(is_after_making(tls_context_turn(context), 9 * DAY / 2));
	context = renew(context, &(struct setting){ .certificate = "gateway-old" });
	assert_int_equal(judged(context, "angio"), REASON_TLS_EXPIRED);
	context = renew(context, &(struct setting){ .certificate = "gateway-new" });
	assert_int_equal(judged(context, "angio"), REASON_TLS_NOT_YET_VALID);
	tls_context_free(context);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_modality_gets_in),
		cmocka_unit_test(test_other_good_peers_get_in),
		cmocka_unit_test(test_names_with_a_nul_are_left_out),
		cmocka_unit_test(test_a_cut_context_is_none),
		cmocka_unit_test(test_the_shortest_life_of_the_chain_counts),
		cmocka_unit_test(test_each_refusal_has_its_reason),
		cmocka_unit_test(test_late_refusal_is_read),
		cmocka_unit_test(test_late_refusal_is_peeked),
		cmocka_unit_test(test_late_refusal_is_heard_by_a_writer),
		cmocka_unit_test(test_alert_after_the_handshake),
		cmocka_unit_test(test_broken_record),
		cmocka_unit_test(test_right_pin_gets_in),
		cmocka_unit_test(test_a_crl_stays_until_the_next_is_valid),
		cmocka_unit_test(test_a_pair_stays_until_the_next_is_valid),
	};

	return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
