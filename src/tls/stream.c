#include "internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "cathgate/net.h"

/* A P-DATA-TF of the largest size as TLS records. */
#define WRITE_BUFFER (136 * 1024)

struct tls_stream {
	SSL *ssl;
	int fd;
	const struct waiter *waiter;
	bool server;
	bool settled;	/* the peer has taken our certificate: an alert means others */
	bool closed;	/* by the peer: no more can be read */
	int error;	/* not 0: the connection is of no more use */
	bool write_cut; /* a record stands half written, or unsent */
	bool failed;	/* TLS itself, as `failure` says */
	struct tls_failure failure;
};

enum outcome { OUTCOME_WANTS_INPUT, OUTCOME_WANTS_OUTPUT, OUTCOME_OVER };

/* DCMTK takes EINTR and EAGAIN for a reason to try again, for ever. */
static int final_error(int error)
{
	return error == 0 || error == EINTR || error == EAGAIN ? EIO : error;
}

/* Of a call of OpenSSL that failed; errno must be as the call left it. */
static enum outcome judge(struct tls_stream *stream, int rc)
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
			/* Without a close_notify; DICOM's own release says what is whole.
			 */
			stream->closed = true;
			stream->error = EPIPE;
			return OUTCOME_OVER;
		}
		tls_fail_stream(&stream->failure, stream->server, stream->settled);
		stream->failed = true;
		stream->error = EPROTO;
		return OUTCOME_OVER;
	}
}

static int wait_for(struct tls_stream *stream, enum outcome outcome)
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

/* What a read or a peek answers once the stream is over. */
static ssize_t over(const struct tls_stream *stream)
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

	while (!stream->closed && stream->error == 0) {
		ERR_clear_error();
		errno = 0;
		rc = SSL_read_ex(stream->ssl, buffer, size, &count);
		if (rc == 1) {
			stream->settled = true;
			return (ssize_t)count;
		}
		outcome = judge(stream, rc);
		if (outcome != OUTCOME_OVER && wait_for(stream, outcome) != 0)
			return -1;
	}
	return over(stream);
}

static ssize_t stream_peek(void *context, void *buffer, size_t size)
{
	struct tls_stream *stream = context;
	size_t count;
	int rc;

	if (!stream->closed && stream->error == 0) {
		ERR_clear_error();
		errno = 0;
		rc = SSL_peek_ex(stream->ssl, buffer, size, &count);
		if (rc == 1)
			return (ssize_t)count;
		if (judge(stream, rc) != OUTCOME_OVER) {
			errno = EAGAIN;
			return -1;
		}
	}
	return over(stream);
}

/* A server that refuses a certificate in TLS 1.3 sends its alert and closes; a write can
 * run into the closed socket before anybody has read the alert. */
static void hear_last_alert(struct tls_stream *stream)
{
	int error = stream->error;
	size_t count;
	char byte;
	int rc;

	if (stream->failed)
		return;
	ERR_clear_error();
	errno = 0;
	rc = SSL_peek_ex(stream->ssl, &byte, 1, &count);
	if (rc != 1)
		judge(stream, rc);
	stream->error = error;
}

/* Sends what OpenSSL has written into the buffer before the socket. */
static int flush(struct tls_stream *stream)
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
		if (wait_for(stream, OUTCOME_WANTS_OUTPUT) != 0) {
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
		ERR_clear_error();
		errno = 0;
		rc = SSL_write_ex(stream->ssl, bytes, size, &count);
		if (rc == 1)
			return flush(stream);
		outcome = judge(stream, rc);
		if (outcome == OUTCOME_OVER) {
			hear_last_alert(stream);
			break;
		}
		if (wait_for(stream, outcome) != 0) {
			stream->write_cut = true;
			return -1;
		}
	}
	errno = stream->error != 0 ? stream->error : EPIPE;
	return -1;
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

/* All records of a PDU leave in one write: each write is a pass through the kernel's
 * network code, and wakes the peer for a record. */
static int gather_writes(SSL *ssl)
{
	BIO *socket = SSL_get_wbio(ssl), *buffer = BIO_new(BIO_f_buffer());

	if (buffer == NULL || BIO_set_write_buffer_size(buffer, WRITE_BUFFER) <= 0 ||
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

	/* What goes to a modality is short. */
	if (stream == NULL || (!server && gather_writes(ssl) != 0)) {
		free(stream);
		return -1;
	}
	stream->ssl = ssl;
	stream->fd = fd;
	stream->waiter = waiter;
	stream->server = server;
	/* A client's verdict is part of its handshake; of a server it comes after. */
	stream->settled = server;
	*ret = (struct transport){ .fd = fd,
				   .context = stream,
				   .read = stream_read,
				   .write = stream_write,
				   .peek = stream_peek,
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
