/*
 * The connection that DCMTK uses, over a `struct transport`, and a guard on the stream of
 * PDUs (dul_wire). When a PDU isn't allowed in its state, DCMTK sends an A-ABORT and
 * reports success; a lost connection it reports as an abort. So the guard reads the head
 * of each PDU first, passes only those that are allowed, and remembers what else came.
 */
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/dcmlayer.h>
#include <dcmtk/dcmnet/dcmtrans.h>

#include "cathgate/net/transport.h"
#include "pdu.h"

enum wire_fault {
	WIRE_OK,
	WIRE_LOST,    /* the peer closed, the connection failed or the waiter gave up */
	WIRE_PROTOCOL /* a PDU that isn't allowed now, or of a wrong length */
};

/* The stream of PDUs of one association. */
class dul_wire
{
public:
	/* `replay` is read before the transport, and must outlive the first PDU. */
	dul_wire(struct transport *transport, const uint8_t *replay, size_t replay_size)
	    : transport_(transport), replay_(replay), replay_size_(replay_size)
	{
	}

	/* Sets the PDUs that are allowed from now on: bits 1 << pdu_type. */
	void expect(unsigned types)
	{
		expected_ = types;
	}

	ssize_t read(void *buffer, size_t size);
	/* 0 or -1. After a failure nothing more is sent: the peer could take it for the
	 * rest of the PDU that was cut off. */
	int write(const void *bytes, size_t size);
	/* A PDU of ten bytes: A-ASSOCIATE-RJ, A-ABORT. */
	int write_short(enum pdu_type type, uint8_t byte_8, uint8_t byte_9,
			uint8_t byte_10);
	void shut()
	{
		shut_ = true;
	}

	enum wire_fault fault() const
	{
		return fault_;
	}
	/* The type of the last PDU, and its length without the head. */
	uint8_t type() const
	{
		return type_;
	}
	size_t length() const
	{
		return length_;
	}

private:
	ssize_t take(void *buffer, size_t size);
	bool take_head(uint8_t head[PDU_HEAD_SIZE]);

	struct transport *transport_;
	const uint8_t *replay_;
	size_t replay_size_;
	unsigned expected_ = 1U << PDU_ASSOCIATE_RQ;
	enum wire_fault fault_ = WIRE_OK;
	uint8_t type_ = PDU_NONE;
	size_t length_ = 0, body_left_ = 0;
	bool shut_ = false;
};

class dul_connection : public DcmTransportConnection
{
public:
	explicit dul_connection(dul_wire *wire)
	    : DcmTransportConnection(DCMNET_INVALID_SOCKET), wire_(wire)
	{
	}

	ssize_t read(void *buffer, size_t size) override;
	ssize_t write(void *bytes, size_t size) override;
	OFCondition serverSideHandshake() override;
	OFCondition clientSideHandshake() override;
	OFCondition renegotiate(const char *) override;
	void close() override;
	void closeTransportConnection() override;
	unsigned long getPeerCertificateLength() override;
	unsigned long getPeerCertificate(void *, unsigned long) override;
	OFBool networkDataAvailable(int) override;
	OFBool isTransparentConnection() override;
	OFString &dumpConnectionParameters(OFString &text) override;

private:
	static constexpr size_t head_size = 12;	     /* of a P-DATA-TF with one PDV */
	static constexpr size_t record_size = 16384; /* of TLS */

	dul_wire *wire_;
	size_t held_ = 0;
	std::array<uint8_t, record_size> record_;
};

/* Gives DCMTK its one connection. */
class dul_layer : public DcmTransportLayer
{
public:
	explicit dul_layer(dul_wire *wire) : connection_(new dul_connection(wire))
	{
	}
	DcmTransportConnection *createConnection(DcmNativeSocketType socket,
						 OFBool) override;

private:
	std::unique_ptr<dul_connection> connection_;
};
