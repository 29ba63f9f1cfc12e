#include "dul_transport.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

/* DCMTK would try again on a stale EINTR. */
static ssize_t fail_finally()
{
	errno = EIO;
	return -1;
}

ssize_t dul_wire::take(void *buffer, size_t size)
{
	if (replay_size_ > 0) {
		size = std::min(size, replay_size_);
		memcpy(buffer, replay_, size);
		replay_ += size;
		replay_size_ -= size;
		return static_cast<ssize_t>(size);
	}
	return transport_->read(transport_->context, buffer, size);
}

bool dul_wire::take_head(uint8_t head[PDU_HEAD_SIZE])
{
	struct pdu_head came;
	bool is_allowed;

	for (size_t have = 0; have < PDU_HEAD_SIZE;) {
		ssize_t count = take(head + have, PDU_HEAD_SIZE - have);

		if (count <= 0) {
			fault_ = WIRE_LOST;
			return false;
		}
		have += static_cast<size_t>(count);
	}
	is_allowed = pdu_head_read(head, expected_, &came);
	type_ = came.type;
	length_ = came.length;
	body_left_ = length_;
	if (!is_allowed)
		fault_ = WIRE_PROTOCOL;
	return is_allowed;
}

ssize_t dul_wire::read(void *buffer, size_t size)
{
	ssize_t count;

	if (fault_ != WIRE_OK)
		return fail_finally();
	if (body_left_ == 0) { /* DCMTK reads the six bytes of a head by themselves */
		uint8_t head[PDU_HEAD_SIZE];

		if (size != PDU_HEAD_SIZE || !take_head(head))
			return fail_finally();
		memcpy(buffer, head, PDU_HEAD_SIZE);
		return PDU_HEAD_SIZE;
	}
	count = take(buffer, std::min(size, body_left_));
	if (count <= 0) {
		fault_ = WIRE_LOST;
		return fail_finally();
	}
	body_left_ -= static_cast<size_t>(count);
	return count;
}

int dul_wire::write(const void *bytes, size_t size)
{
	if (shut_)
		return -1;
	if (size > 0 && transport_->write(transport_->context, bytes, size) != 0) {
		shut_ = true;
		return -1;
	}
	return 0;
}

int dul_wire::write_short(enum pdu_type type, uint8_t byte_8, uint8_t byte_9,
			  uint8_t byte_10)
{
	const uint8_t pdu[] = {
		static_cast<uint8_t>(type), 0, 0, 0, 0, 4, 0, byte_8, byte_9, byte_10
	};

	return write(pdu, sizeof(pdu));
}

ssize_t dul_connection::read(void *buffer, size_t size)
{
	return wire_->read(buffer, size);
}

/* DCMTK writes a P-DATA-TF in two pieces: the head, which is held back here, then the
 * fragment. The head and the begin of the fragment are copied into one TLS record of full
 * size; the rest is sent from the caller's memory. Other PDUs come in one piece. */
ssize_t dul_connection::write(void *bytes, size_t size)
{
	const uint8_t *next = static_cast<const uint8_t *>(bytes);
	size_t first;

	if (held_ == 0 && size == head_size && next[0] == PDU_DATA) {
		memcpy(record_.data(), next, head_size);
		held_ = head_size;
		return static_cast<ssize_t>(size);
	}
	if (held_ == 0)
		return wire_->write(next, size) == 0 ? static_cast<ssize_t>(size)
						     : fail_finally();

	first = std::min(size, record_size - held_);
	if (first > 0)
		memcpy(record_.data() + held_, next, first);
	first += held_;
	if (wire_->write(record_.data(), first) != 0)
		return fail_finally();
	first -= held_;
	held_ = 0;
	if (wire_->write(next + first, size - first) != 0)
		return fail_finally();
	return static_cast<ssize_t>(size);
}

OFCondition dul_connection::serverSideHandshake()
{
	return EC_Normal;
}

OFCondition dul_connection::clientSideHandshake()
{
	return EC_Normal;
}

OFCondition dul_connection::renegotiate(const char *)
{
	return EC_Normal;
}

void dul_connection::close() /* the transport is the caller's */
{
}

void dul_connection::closeTransportConnection()
{
}

unsigned long dul_connection::getPeerCertificateLength()
{
	return 0;
}

unsigned long dul_connection::getPeerCertificate(void *, unsigned long)
{
	return 0;
}

OFBool dul_connection::networkDataAvailable(int) /* read does the waiting */
{
	return OFTrue;
}

OFBool dul_connection::isTransparentConnection()
{
	return OFFalse;
}

OFString &dul_connection::dumpConnectionParameters(OFString &text)
{
	return text;
}

DcmTransportConnection *dul_layer::createConnection(DcmNativeSocketType, OFBool)
{
	return connection_.release();
}
