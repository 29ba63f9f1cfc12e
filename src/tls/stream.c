#include "internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "cathgate/base/bytes.h"
#include "cathgate/net/net.h"

/* A P-DATA-TF of the largest size as TLS records. */
#define WRITE_BUFFER (136 * 1024)

/* Records that hold no data (KeyUpdate, session tickets, alerts, requests for another
 * handshake) cost us work and bring nothing. A peer has reason to send a few of them, so
 * it may send this many until it has sent that much data. */
#define IDLE_RECORDS_MAX   32
#define IDLE_RECORDS_BYTES 65536

struct tls_stream {
	SSL *ssl;
	int fd;
	const struct waiter *waiter;
	bool server;
	bool settled;	       /* the peer has accepted our certificate */
	bool closed;	       /* by the peer */
	int error;	       /* not 0: the connection can't be used any more */
	bool write_cut;	       /* a record stands half written, or unsent */
	unsigned reads_left;   /* of the socket, for the call in hand */
	uint64_t taken_bytes;  /* of all records that came */
	unsigned idle_records; /* without data, since they were last counted anew ... */
	size_t data_bytes;     /* ... and the data since then */
	bool failed;	       /* in TLS itself: see `failure` */
	struct tls_failure failure;
};

enum outcome { OUTCOME_WANTS_INPUT, OUTCOME_WANTS_OUTPUT, OUTCOME_OVER };

/* On EINTR and EAGAIN DCMTK would try again for ever. */
static int final_error(int error)
{
	return error == 0 || error == EINTR || error == EAGAIN ? EIO : error;
}

/* Before each call of OpenSSL. */
static void begin_call(struct tls_stream *stream)
{
	ERR_clear_error();
	errno = 0;
	stream->reads_left = TLS_READS_A_CALL;
}

/* Called before each call that reads; false if no more can be read. */
static bool may_read(struct tls_stream *stream)
{
	if (stream->closed || stream->error != 0)
		return false;
	if (stream->idle_records > IDLE_RECORDS_MAX) {
		tls_fail(&stream->failure, stream->server, REASON_MALFORMED,
			 "%s sends TLS records that hold no data, without end",
			 tls_who(stream->server));
		stream->failed = true;
		stream->error = EPROTO;
		return false;
	}
	begin_call(stream);
	return true;
}

static void note_data(struct tls_stream *stream, size_t count)
{
	stream->settled = true;
	stream->data_bytes += count;
	if (stream->data_bytes < IDLE_RECORDS_BYTES)
		return;
	stream->data_bytes = 0;
	stream->idle_records = 0;
}

void tls_note_record(int sent, int version, int kind, const void *bytes, size_t size,
		     SSL *ssl, void *context)
{
	struct tls_stream *stream = context;
	const uint8_t *head = bytes;

	(void)version;
	(void)ssl;
	if (!stream || sent || size == 0)
		return;
	if (kind == SSL3_RT_HEADER && size >= SSL3_RT_HEADER_LENGTH)
		stream->taken_bytes +=
			(uint64_t)SSL3_RT_HEADER_LENGTH + bytes_get_be16(head + 3);
	if ((kind == SSL3_RT_HEADER || kind == SSL3_RT_INNER_CONTENT_TYPE) &&
	    head[0] != SSL3_RT_APPLICATION_DATA)
		stream->idle_records++;
}

bool tls_may_read(BIO *bio, unsigned *reads_left)
{
	if (*reads_left > 0) {
		(*reads_left)--;
		return true;
	}
	BIO_set_retry_read(bio);
	return false;
}

static long limit_reads(BIO *bio, int operation, const char *bytes, size_t size, int argi,
			long argl, int rc, size_t *processed)
{
	struct tls_stream *stream = (struct tls_stream *)BIO_get_callback_arg(bio);

	(void)bytes;
	(void)size;
	(void)argi;
	(void)argl;
	(void)processed;
	if (operation == BIO_CB_READ && !tls_may_read(bio, &stream->reads_left))
		return -1;
	return rc;
}

/* Judges a failed call of OpenSSL; errno must be as the call left it. */
static enum outcome judge_call(struct tls_stream *stream, int rc)
{
	int error = errno;

	switch (SSL_get_error(stream->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return OUTCOME_WANTS_INPUT;
	case SSL_ERROR_WANT_WRITE:
		return OUTCOME_WANTS_OUTPUT;
	case SSL_ERROR_ZERO_RETURN:
		stream->closed = true;
		return OUTCOME_OVER;
	case SSL_ERROR_SYSCALL:
		stream->error = final_error(error);
		return OUTCOME_OVER;
	default:
		if (tls_is_end_of_file()) {
			/* No close_notify: DICOM's release tells whether all came. */
			stream->closed = true;
			stream->error = EPIPE;
			return OUTCOME_OVER;
		}
		tls_fail_stream(&stream->failure, stream->server, stream->ssl,
				stream->settled);
		stream->failed = true;
		stream->error = EPROTO;
		return OUTCOME_OVER;
	}
}

MUST_USE static int wait_for_socket(struct tls_stream *stream, enum outcome outcome)
{
	const struct waiter *waiter = stream->waiter;
	bool input = outcome == OUTCOME_WANTS_INPUT;

	if (input)
		net_quickack(stream->fd);
	if (waiter->wait(waiter->context, stream->fd, input ? POLLIN : POLLOUT) == 0)
		return 0;
	errno = ECANCELED;
	return -1;
}

/* The result of a read or a peek after the end of the stream. */
static ssize_t end_of_stream(const struct tls_stream *stream)
{
	if (stream->closed)
		return 0;
	errno = stream->error;
	return -1;
}

static ssize_t stream_read(void *context, void *buffer, size_t size)
{
	struct tls_stream *stream = context;
	enum outcome outcome;
	size_t count;
	int rc;

	while (may_read(stream)) {
		rc = SSL_read_ex(stream->ssl, buffer, size, &count);
		if (rc == 1) {
			note_data(stream, count);
			return (ssize_t)count;
		}
		outcome = judge_call(stream, rc);
		if (outcome != OUTCOME_OVER && wait_for_socket(stream, outcome) != 0)
			return -1;
	}
	return end_of_stream(stream);
}

static ssize_t stream_peek(void *context, void *buffer, size_t size)
{
	struct tls_stream *stream = context;
	size_t count;
	int rc;

	if (may_read(stream)) {
		rc = SSL_peek_ex(stream->ssl, buffer, size, &count);
		if (rc == 1)
			return (ssize_t)count;
		if (judge_call(stream, rc) != OUTCOME_OVER) {
			errno = EAGAIN;
			return -1;
		}
	}
	return end_of_stream(stream);
}

/* In TLS 1.3 a server that refuses our certificate sends an alert and closes. Our write
 * can fail before we have read the alert: so read it now. */
static void hear_last_alert(struct tls_stream *stream)
{
	int error = stream->error;
	size_t count;
	char byte;
	int rc;

	if (stream->failed)
		return;
	begin_call(stream);
	rc = SSL_peek_ex(stream->ssl, &byte, 1, &count);
	if (rc != 1)
		judge_call(stream, rc);
	stream->error = error;
}

/* Sends what OpenSSL has written into the buffer of gather_writes. */
MUST_USE static int flush_writes(struct tls_stream *stream)
{
	BIO *bio = SSL_get_wbio(stream->ssl);

	for (;;) {
		errno = 0;
		if (BIO_flush(bio) > 0)
			return 0;
		if (!BIO_should_retry(bio)) {
			stream->error = final_error(errno);
			hear_last_alert(stream);
			errno = stream->error;
			return -1;
		}
		if (wait_for_socket(stream, OUTCOME_WANTS_OUTPUT) != 0) {
			stream->write_cut = true;
			return -1;
		}
	}
}

static int stream_write(void *context, const void *bytes, size_t size)
{
	struct tls_stream *stream = context;
	enum outcome outcome;
	size_t count;
	int rc;

	if (size == 0)
		return 0;
	while (stream->error == 0 && !stream->write_cut) {
		begin_call(stream);
		rc = SSL_write_ex(stream->ssl, bytes, size, &count);
		if (rc == 1)
			return flush_writes(stream);
		outcome = judge_call(stream, rc);
		if (outcome == OUTCOME_OVER) {
			hear_last_alert(stream);
			break;
		}
		if (wait_for_socket(stream, outcome) != 0) {
			stream->write_cut = true;
			return -1;
		}
	}
	errno = stream->error != 0 ? stream->error : EPIPE;
	return -1;
}

static uint64_t stream_taken(void *context)
{
	const struct tls_stream *stream = context;

	return stream->taken_bytes;
}

static void stream_close(void *context)
{
	struct tls_stream *stream = context;

	if (stream->error == 0 && !stream->write_cut)
		SSL_shutdown(stream->ssl);
	SSL_free(stream->ssl);
	ERR_clear_error();
	close(stream->fd);
	free(stream);
}

/* Sends all records of a PDU in one write, which saves system calls and wakes the peer
 * once. */
MUST_USE static int gather_writes(SSL *ssl)
{
	BIO *socket = SSL_get_wbio(ssl), *buffer = BIO_new(BIO_f_buffer());

	if (!buffer || BIO_set_write_buffer_size(buffer, WRITE_BUFFER) <= 0 ||
	    !BIO_up_ref(socket)) {
		BIO_free(buffer);
		return -1;
	}
	SSL_set0_wbio(ssl, BIO_push(buffer, socket));
	return 0;
}

int tls_stream_new(SSL *ssl, int fd, const struct waiter *waiter, bool server,
		   struct transport *ret)
{
	struct tls_stream *stream = calloc(1, sizeof(*stream));

	/* A server only sends short answers. */
	if (!stream || (!server && gather_writes(ssl) != 0)) {
		free(stream);
		return -1;
	}
	stream->ssl = ssl;
	stream->fd = fd;
	stream->waiter = waiter;
	stream->server = server;
	/* In TLS 1.3 a client has verified us when the handshake is done; a server may
	 * not have. */
	stream->settled = server;
	SSL_set_msg_callback_arg(ssl, stream);
	BIO_set_callback_arg(SSL_get_rbio(ssl), (char *)stream);
	BIO_set_callback_ex(SSL_get_rbio(ssl), limit_reads);
	*ret = (struct transport){ .fd = fd,
				   .context = stream,
				   .read = stream_read,
				   .write = stream_write,
				   .peek = stream_peek,
				   .taken = stream_taken,
				   .close = stream_close };
	return 0;
}

SSL *tls_stream_ssl(const struct transport *transport)
{
	const struct tls_stream *stream = transport->context;

	return transport->read == stream_read ? stream->ssl : NULL;
}

bool tls_failed(const struct transport *transport, struct tls_failure *ret)
{
	const struct tls_stream *stream = transport->context;

	if (transport->read != stream_read || !stream->failed)
		return false;
	*ret = stream->failure;
	return true;
}
