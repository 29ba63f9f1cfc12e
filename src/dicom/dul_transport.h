/*
 * DCMTK's view of a peer: a transport connection over a `struct transport`, and a guard
 * on the stream of PDUs. DCMTK answers a PDU that its state doesn't allow with an A-ABORT
 * of its own and then reports success, and it reports a lost connection as an abort; so
 * the guard reads each PDU's head first, lets pass only what may come now, and remembers
 * what came instead.
 */
#ifndef CATHGATE_DICOM_DUL_TRANSPORT_H
#define CATHGATE_DICOM_DUL_TRANSPORT_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/dcmlayer.h>
#include <dcmtk/dcmnet/dcmtrans.h>

#include "cathgate/net/transport.h"

enum pdu_type : uint8_t { /* PS3.8 9.3.1 */
			  PDU_NONE = 0,
			  PDU_ASSOCIATE_RQ = 1,
			  PDU_ASSOCIATE_AC = 2,
			  PDU_ASSOCIATE_RJ = 3,
			  PDU_DATA = 4,
			  PDU_RELEASE_RQ = 5,
			  PDU_RELEASE_RP = 6,
			  PDU_ABORT = 7
};

enum wire_fault {
	WIRE_OK,
	WIRE_LOST,    /* the peer closed, the connection failed or the waiter gave up */
	WIRE_PROTOCOL /* a PDU that may not come now, or one of an impossible length */
};

/* The stream of PDUs of one association. */
class dul_wire
{
public:
	/* `replay` is read before the transport; it must outlive the first PDU. */
	dul_wire(struct transport *transport, const uint8_t *replay, size_t replay_size)
	    : transport_(transport), replay_(replay), replay_size_(replay_size)
	{
	}

	/* Which PDUs may come from now on: bits 1 << pdu_type. */
	void expect(unsigned types)
	{
		expected_ = types;
	}

	ssize_t read(void *buffer, size_t size);
	/* Nothing goes out after a write has failed: the peer could take what follows for
	 * the rest of what it misses. 0 or -1. */
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
	/* Of the PDU that came last: its type, its length without the head. */
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
	bool take_head(uint8_t head[6]);

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
	~dul_connection() override;
	/* The socket that DCMTK has connected by itself, to be closed. */
	void set_decoy(int fd)
	{
		decoy_ = fd;
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

	void close_decoy();

	dul_wire *wire_;
	int decoy_ = -1;
	size_t held_ = 0;
	std::array<uint8_t, record_size> record_;
};

/* Gives DCMTK the one connection it was made with. */
class dul_layer : public DcmTransportLayer
{
public:
	/* On the requestor's side the socket that DCMTK hands over is a decoy. */
	dul_layer(dul_wire *wire, bool requestor)
	    : connection_(new dul_connection(wire)), requestor_(requestor)
	{
	}
	DcmTransportConnection *createConnection(DcmNativeSocketType socket,
						 OFBool) override;

private:
	std::unique_ptr<dul_connection> connection_;
	bool requestor_;
};

#endif
