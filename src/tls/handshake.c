#include "internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "cathgate/net/net.h"
#include "cathgate/signer/provider.h"

/* PS3.8 section 9.3: the types of the seven PDUs, with a reserved 00 after them. */
#define DICOM_PDU_FIRST 0x01
#define DICOM_PDU_LAST	0x07
/* RFC 8446 section 5.1: how a record of the handshake, or an alert, begins. */
#define TLS_ALERT     0x15
#define TLS_HANDSHAKE 0x16
#define TLS_MAJOR     0x03
/* RFC 5246 appendix E.2: the hello of an SSL 2 client, which OpenSSL answers. */
#define SSL2_HELLO  0x01
#define SSL2_LENGTH 0x80

struct handshake {
	const struct tls_context *context;
	int fd, signer;
	const struct waiter *waiter;
	SSL *ssl;
	unsigned char first[4]; /* bytes of the peer */
	size_t first_count;
	unsigned reads_left;   /* of the call in hand */
	enum reason own_fault; /* of a pair of ours that is out of date; REASON_NONE */
	char own_detail[TLS_SENTENCE_SIZE];
	struct tls_verdict verdict;
	struct tls_failure *failure;
};

/* Notes the first of our pairs that is out of date, if one is. False when all are. Peers
 * would refuse it with an alert that may mislead: so our own dates are checked first. */
static bool has_valid_pair(struct handshake *handshake)
{
	const struct tls_context *context = handshake->context;
	char detail[TLS_SENTENCE_SIZE];
	bool has_one = false;

	for (size_t i = 0; i < context->pair_count; i++) {
		enum reason reason = tls_chain_fault(context->pairs[i].chain, detail);

		has_one = has_one || reason == REASON_NONE;
		if (reason == REASON_NONE || handshake->own_fault != REASON_NONE)
			continue;
		handshake->own_fault = reason;
		memcpy(handshake->own_detail, detail, sizeof(detail));
	}
	return has_one;
}

static void fail_own(const struct handshake *handshake)
{
	tls_fail(handshake->failure, handshake->context->server, handshake->own_fault,
		 "%s", handshake->own_detail);
}

/* Shows the pairs that are in date only: a peer that knows both kinds of keys gets on. */
MUST_USE static bool show_valid(SSL *ssl, const struct tls_context *context)
{
	char detail[TLS_SENTENCE_SIZE];
	bool good = true;

	SSL_certs_clear(ssl);
	for (size_t i = 0; i < context->pair_count; i++) {
		const struct tls_pair *pair = &context->pairs[i];

		if (tls_chain_fault(pair->chain, detail) != REASON_NONE)
			continue;
		good = good &&
		       SSL_use_certificate(ssl, sk_X509_value(pair->chain, 0)) == 1 &&
		       SSL_use_PrivateKey(ssl, pair->signer) == 1;
		for (int j = 1; good && j < sk_X509_num(pair->chain); j++)
			good = SSL_add1_chain_cert(ssl, sk_X509_value(pair->chain, j)) ==
			       1;
	}
	return good;
}

void tls_verdict_begin(const struct tls_context *context, struct tls_verdict *ret)
{
	*ret = (struct tls_verdict){ 0 };
	if (context->server_name)
		snprintf(ret->server_name, sizeof(ret->server_name), "%s",
			 context->server_name);
}

int tls_note_verdict(int good, X509_STORE_CTX *store)
{
	SSL *ssl =
		X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_verdict *verdict = SSL_get_app_data(ssl);
	X509 *certificate = X509_STORE_CTX_get_current_cert(store);

	if (good || verdict->error != X509_V_OK)
		return good;
	if (tls_is_excused(store))
		return 1;
	verdict->error = X509_STORE_CTX_get_error(store);
	verdict->depth = X509_STORE_CTX_get_error_depth(store);
	if (certificate) {
		tls_subject(X509_get_subject_name(certificate), verdict->subject);
		tls_subject(X509_get_issuer_name(certificate), verdict->issuer);
		tls_date(tls_time(X509_get0_notBefore(certificate)), verdict->not_before);
		tls_date(tls_time(X509_get0_notAfter(certificate)), verdict->not_after);
	}
	return 0;
}

/* The protocol of a peer whose first bytes are these; NULL when it may be TLS. */
static const char *other_language(const unsigned char *bytes, size_t count, bool server)
{
	static const char *const http[] = { "GET ", "HEAD", "POST", "PUT ",
					    "OPTI", "CONN", "HTTP" };

	if ((bytes[0] == TLS_HANDSHAKE || (!server && bytes[0] == TLS_ALERT)) &&
	    (count < 2 || bytes[1] == TLS_MAJOR))
		return NULL;
	if (server && (bytes[0] & SSL2_LENGTH) != 0 && count >= 3 &&
	    bytes[2] == SSL2_HELLO)
		return NULL;
	if (bytes[0] >= DICOM_PDU_FIRST && bytes[0] <= DICOM_PDU_LAST &&
	    (count < 2 || bytes[1] == 0))
		return "plain DICOM";
	for (size_t i = 0; i < sizeof(http) / sizeof(http[0]); i++)
		if (count >= 4 && memcmp(bytes, http[i], 4) == 0)
			return "plain HTTP";
	return "something that isn't TLS";
}

/* Bounds the reads that OpenSSL does in one call, and keeps the peer's first bytes. */
static long watch_reads(BIO *bio, int operation, const char *bytes, size_t size, int argi,
			long argl, int rc, size_t *processed)
{
	struct handshake *handshake = (struct handshake *)BIO_get_callback_arg(bio);

	(void)size;
	(void)argi;
	(void)argl;
	if (operation == BIO_CB_READ && !tls_may_read(bio, &handshake->reads_left))
		return -1;
	if (operation == (BIO_CB_READ | BIO_CB_RETURN) && rc > 0 &&
	    handshake->first_count == 0) {
		handshake->first_count = *processed < sizeof(handshake->first)
						 ? *processed
						 : sizeof(handshake->first);
		memcpy(handshake->first, bytes, handshake->first_count);
	}
	return rc;
}

/* OpenSSL would only say, after five bytes, that the peer's TLS version is wrong. */
static bool speaks_tls(struct handshake *handshake)
{
	bool server = handshake->context->server;
	const char *language;

	if (handshake->first_count == 0)
		return true;
	language = other_language(handshake->first, handshake->first_count, server);
	if (!language)
		return true;
	if (server)
		tls_fail(handshake->failure, server, REASON_NOT_TLS,
			 "%s speaks %s on this TLS port; switch TLS on there",
			 tls_who(server), language);
	else
		tls_fail(handshake->failure, server, REASON_NOT_TLS,
			 "%s doesn't speak TLS on that port, but %s; correct `port`, or "
			 "switch TLS on there",
			 tls_who(server), language);
	return false;
}

static void fail_lost(struct handshake *handshake, int error)
{
	bool server = handshake->context->server;
	const char *how = error != 0 ? strerror(error) : "closed";

	if (server || handshake->first_count > 0)
		tls_fail(handshake->failure, server, REASON_PEER_LOST,
			 "%s ended the connection during the TLS handshake (%s)",
			 tls_who(server), how);
	else
		tls_fail(handshake->failure, server, REASON_PEER_LOST,
			 "%s ended the connection without an answer (%s); does it speak "
			 "TLS on that port?",
			 tls_who(server), how);
}

/* Reads what is there, without waiting: closing a socket with unread bytes resets the
 * connection, and the peer might lose our alert. */
static void let_alert_through(int fd)
{
	char bytes[4096];

	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 16 && recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0; i++)
		continue;
}

/* Looks at a client's first bytes before an SSL is made, so that a client without TLS
 * costs little. */
MUST_USE static int look_first(struct handshake *handshake)
{
	const struct waiter *waiter = handshake->waiter;
	ssize_t size;

	do {
		if (waiter->wait(waiter->context, handshake->fd, POLLIN) != 0) {
			handshake->failure->reason = REASON_NONE;
			handshake->failure->detail[0] = '\0';
			return -1;
		}
		size = recv(handshake->fd, handshake->first, sizeof(handshake->first),
			    MSG_PEEK | MSG_DONTWAIT);
	} while (size < 0 && (errno == EAGAIN || errno == EINTR));
	if (size <= 0) {
		fail_lost(handshake, size < 0 ? errno : 0);
		return -1;
	}
	handshake->first_count = (size_t)size;
	if (speaks_tls(handshake))
		return 0;
	let_alert_through(handshake->fd);
	return -1;
}

/* Goes on as far as it can: 0 when done, 1 when it must wait for *ret_events, -1 on
 * failure.
 */
MUST_USE static int step_handshake(struct handshake *handshake, short *ret_events)
{
	bool has_no_signature;
	int rc, error;

	ERR_clear_error();
	errno = 0;
	handshake->reads_left = TLS_READS_A_CALL;
	signer_lend(handshake->signer);
	rc = SSL_do_handshake(handshake->ssl);
	error = errno;
	has_no_signature = signer_has_failed();
	signer_lend(-1);
	if (rc == 1)
		return 0;
	if (has_no_signature) {
		tls_fail(handshake->failure, handshake->context->server, REASON_INTERNAL,
			 "the keeper of the private keys gave no signature");
		return -1;
	}
	if (!speaks_tls(handshake))
		return -1;
	switch (SSL_get_error(handshake->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		*ret_events = POLLIN;
		return 1;
	case SSL_ERROR_WANT_WRITE:
		*ret_events = POLLOUT;
		return 1;
	case SSL_ERROR_SYSCALL:
		fail_lost(handshake, error);
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		fail_lost(handshake, 0);
		return -1;
	default:
		if (tls_is_end_of_file())
			fail_lost(handshake, 0);
		else
			tls_fail_handshake(handshake->failure, handshake->context->server,
					   handshake->ssl, &handshake->verdict);
		/* The peer may have wanted the pair that was left out. */
		if (handshake->own_fault != REASON_NONE &&
		    handshake->failure->reason == REASON_TLS_NO_COMMON)
			fail_own(handshake);
		return -1;
	}
}

MUST_USE static int run_handshake(struct handshake *handshake)
{
	const struct waiter *waiter = handshake->waiter;
	short events = 0;
	int rc;

	while ((rc = step_handshake(handshake, &events)) == 1) {
		if (events == POLLIN)
			net_quickack(handshake->fd);
		if (waiter->wait(waiter->context, handshake->fd, events) != 0) {
			handshake->failure->reason = REASON_NONE;
			handshake->failure->detail[0] = '\0';
			return -1;
		}
	}
	return rc;
}

int tls_check_pins(const struct tls_context *context, const struct tls_peer *peer,
		   struct tls_failure *failure)
{
	for (size_t i = 0; i < context->pin_count; i++)
		if (strcmp(context->pins[i], peer->public_key_sha256) == 0)
			return 0;
	if (context->pin_count == 0)
		return 0;
	tls_fail(failure, context->server, REASON_TLS_UNTRUSTED,
		 "%s's public key isn't one of public_key_sha256; it is %s",
		 tls_who(context->server), peer->public_key_sha256);
	return -1;
}

/* The SSL of one connection; NULL without memory. */
MUST_USE static SSL *ssl_new(struct handshake *handshake)
{
	const struct tls_context *context = handshake->context;
	SSL *ssl = SSL_new(context->ssl_ctx);
	bool good = ssl && SSL_set_fd(ssl, handshake->fd) == 1 &&
		    SSL_set_app_data(ssl, &handshake->verdict) == 1;

	if (good && context->server)
		SSL_set_accept_state(ssl);
	else if (good)
		SSL_set_connect_state(ssl);
	if (good && context->server_name && !context->server_name_is_address)
		good = SSL_set_tlsext_host_name(ssl, context->server_name) == 1;
	if (good && (handshake->own_fault != REASON_NONE || context->has_newer_pairs))
		good = show_valid(ssl, context);
	if (good) {
		SSL_set_verify(ssl, SSL_CTX_get_verify_mode(context->ssl_ctx),
			       tls_note_verdict);
		SSL_set_msg_callback(ssl, tls_note_record);
		BIO_set_callback_arg(SSL_get_rbio(ssl), (char *)handshake);
		BIO_set_callback_ex(SSL_get_rbio(ssl), watch_reads);
		return ssl;
	}
	SSL_free(ssl);
	return NULL;
}

int tls_handshake(const struct tls_context *context, int fd, int signer,
		  const struct waiter *waiter, struct transport *ret,
		  struct tls_peer *ret_peer, struct tls_failure *failure)
{
	struct handshake handshake = { .context = context,
				       .fd = fd,
				       .signer = signer,
				       .waiter = waiter,
				       .failure = failure };
	struct tls_peer peer = { 0 };
	int rc = -1;

	*failure = (struct tls_failure){ .reason = REASON_NONE };
	if (!has_valid_pair(&handshake)) {
		fail_own(&handshake);
		return -1;
	}
	if (context->server && look_first(&handshake) != 0)
		return -1;
	tls_verdict_begin(context, &handshake.verdict);
	handshake.ssl = ssl_new(&handshake);
	if (!handshake.ssl) {
		tls_fail(failure, context->server, REASON_INTERNAL, "no memory for TLS");
		goto out;
	}
	if (run_handshake(&handshake) != 0) {
		if (failure->reason != REASON_NONE)
			let_alert_through(fd);
		goto out;
	}
	if (!SSL_get0_peer_certificate(handshake.ssl) ||
	    SSL_get_verify_result(handshake.ssl) != X509_V_OK) {
		tls_fail(failure, context->server, REASON_TLS_NO_CERTIFICATE,
			 "%s showed no certificate", tls_who(context->server));
		goto out;
	}
	SSL_set_app_data(handshake.ssl, NULL);
	if (tls_peer_fill(handshake.ssl, &peer) != 0) {
		tls_fail(failure, context->server, REASON_INTERNAL, "no memory for TLS");
		goto out;
	}
	if (tls_check_pins(context, &peer, failure) != 0)
		goto out;
	if (tls_stream_new(handshake.ssl, fd, waiter, context->server, ret) != 0) {
		tls_fail(failure, context->server, REASON_INTERNAL, "no memory for TLS");
		goto out;
	}
	*ret_peer = peer;
	return 0;
out:
	failure->shown = handshake.verdict.shown;
	tls_peer_clear(&peer);
	SSL_free(handshake.ssl);
	ERR_clear_error();
	return rc;
}
