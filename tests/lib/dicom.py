"""The DICOM upper layer by hand (PS3.8 9.3), for modalities and PACSs that misbehave.

Association is one end of a connection. A modality calls request(), store(), release(); a
PACS calls accept(), receive(), respond(). Beneath, send() writes any bytes and read_pdu()
reads any PDU, so that a test can leave the path at each step.
"""
import queue
import socket
import ssl
import struct
import threading
from dataclasses import dataclass, field

from objects import EXPLICIT, IMPLICIT, VERIFICATION, XA
from wait import PATIENCE

ASSOCIATE_RQ, ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = range(1, 8)
APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
C_STORE_RQ, C_STORE_RSP, C_FIND_RQ, C_ECHO_RQ = 0x0001, 0x8001, 0x0020, 0x0030
NO_DATA_SET = 0x0101


class Closed(Exception):
	"""The other end closed the connection."""


class Aborted(Exception):
	"""The other end sent an A-ABORT."""

	def __init__(self, source, reason):
		super().__init__(f"A-ABORT source {source} reason {reason}")
		self.source, self.reason = source, reason


def pdu(kind, body):
	return struct.pack(">BBI", kind, 0, len(body)) + body


def item(kind, body):
	if isinstance(body, str):
		body = body.encode()
	return struct.pack(">BBH", kind, 0, len(body)) + body


def abort_pdu(source=0, reason=0):
	return pdu(ABORT, bytes([0, 0, source, reason]))


def release_pdu(kind=RELEASE_RQ):
	return pdu(kind, bytes(4))


def proposal(context, abstract, syntaxes):
	return item(0x20, bytes([context, 0, 0, 0]) + item(0x30, abstract)
		    + b"".join(item(0x40, syntax) for syntax in syntaxes))


def user_information(max_pdu=131072, extra=b""):
	return item(0x50, item(0x51, struct.pack(">I", max_pdu)) + item(0x52, "2.25.5577")
		    + item(0x55, "CATHGATE_TEST") + extra)


def associate_rq(calling="CATHLAB3", called="CATHGATE", contexts=(), extra=b"",
		 max_pdu=131072):
	"""contexts: (id, abstract syntax, [transfer syntaxes]) or bytes as they shall stand."""
	body = struct.pack(">HH16s16s32x", 1, 0, called.ljust(16).encode("latin-1"),
			   calling.ljust(16).encode("latin-1"))
	body += item(0x10, APPLICATION_CONTEXT)
	for context in contexts:
		body += context if isinstance(context, bytes) else proposal(*context)
	return pdu(ASSOCIATE_RQ, body + user_information(max_pdu, extra))


def items_of(body):
	at = 0
	while at + 4 <= len(body):
		kind, size = body[at], struct.unpack_from(">H", body, at + 2)[0]
		yield kind, body[at + 4:at + 4 + size]
		at += 4 + size


@dataclass
class Request:
	"""What an A-ASSOCIATE-RQ or -AC says."""
	called: str = ""
	calling: str = ""
	contexts: dict = field(default_factory=dict)	# id: (abstract, [syntaxes])
	answers: dict = field(default_factory=dict)	# id: (result, syntax)
	user: dict = field(default_factory=dict)	# item type: body

	@classmethod
	def parse(cls, body):
		self = cls(body[4:20].decode("latin-1").strip(),
			   body[20:36].decode("latin-1").strip())
		for kind, value in items_of(body[68:]):
			subitems = list(items_of(value[4:]))
			if kind == 0x20:
				self.contexts[value[0]] = (
					[s.decode() for k, s in subitems if k == 0x30][0],
					[s.decode() for k, s in subitems if k == 0x40])
			elif kind == 0x21:
				syntax = [s.decode() for k, s in subitems if k == 0x40]
				self.answers[value[0]] = (value[2], syntax[0] if syntax else "")
			elif kind == 0x50:
				self.user = dict(items_of(value))
		return self


@dataclass
class Rejection:
	result: int
	source: int
	reason: int


def command(elements):
	"""A command set from {element of group 0000: bytes, text or 16-bit number}."""
	out = b""
	for element, value in sorted(elements.items()):
		if isinstance(value, int):
			value = struct.pack("<H", value)
		elif isinstance(value, str):
			value = value.encode()
			value += (b" " if element in (0x0902, 0x1030) else b"\0") * (len(value) % 2)
		out += struct.pack("<HHI", 0, element, len(value)) + value
	return struct.pack("<HHII", 0, 0, 4, len(out)) + out


def parse_command(content):
	at, found = 0, {}
	while at < len(content):
		_, element, size = struct.unpack_from("<HHI", content, at)
		value = content[at + 8:at + 8 + size]
		if element in (0x0002, 0x0003, 0x1000, 0x0902, 0x1030):
			found[element] = value.rstrip(b"\0 ").decode("latin-1")
		elif size == 2:
			found[element] = struct.unpack("<H", value)[0]
		else:
			found[element] = value
		at += 8 + size
	return found


@dataclass
class Message:
	context: int
	command: dict
	data: bytes = b""

	@property
	def status(self):
		return self.command[0x0900]


class Association:
	def __init__(self, sock):
		self.sock = sock
		self.sock.settimeout(PATIENCE)
		self.max_pdu = 16384
		self.pdvs = []
		self.next_id = 0
		self.requested = self.accepted = None

	# bytes and PDUs

	def send(self, content):
		self.sock.sendall(content)

	def read(self, size):
		content = bytearray()
		while len(content) < size:
			try:
				part = self.sock.recv(size - len(content))
			except (ssl.SSLEOFError, ConnectionResetError, BrokenPipeError):
				part = b""
			if not part:
				raise Closed()
			content += part
		return bytes(content)

	def read_pdu(self):
		kind, _, size = struct.unpack(">BBI", self.read(6))
		body = self.read(size)
		if kind == ABORT:
			raise Aborted(body[2], body[3])
		return kind, body

	def expect(self, wanted):
		kind, body = self.read_pdu()
		assert kind == wanted, f"PDU {kind} came, not {wanted}"
		return body

	def close(self):
		"""Without a word: what a killed process leaves behind."""
		self.sock.close()

	def abort(self, source=0, reason=0):
		self.send(abort_pdu(source, reason))
		self.close()

	# messages

	def send_pdvs(self, context, content, is_command, last=True):
		step = max(self.max_pdu - 6 & ~1, 2)	# PDVs are of even length (PS3.8 E.2)
		for at in range(0, max(len(content), 1), step):
			part = content[at:at + step]
			end = last and at + step >= len(content)
			head = struct.pack(">IBB", len(part) + 2, context, is_command | end << 1)
			self.send(pdu(P_DATA, head + part))

	def send_command(self, context, elements):
		self.send_pdvs(context, command(elements), True)

	def send_data(self, context, content, last=True):
		self.send_pdvs(context, content, False, last)

	def read_pdv(self):
		"""(context, is a command, is the last, content); None at an A-RELEASE-RQ."""
		while not self.pdvs:
			kind, body = self.read_pdu()
			if kind == RELEASE_RQ:
				return None
			assert kind == P_DATA, f"PDU {kind} came, not P-DATA"
			while body:
				size, context, flags = struct.unpack_from(">IBB", body)
				self.pdvs.append((context, bool(flags & 1), bool(flags & 2),
						  body[6:4 + size]))
				body = body[4 + size:]
		return self.pdvs.pop(0)

	def await_pdv(self):
		"""Waits for a PDV and leaves it for the next read."""
		self.pdvs.insert(0, self.read_pdv())

	def receive(self):
		"""The next whole message, or None at an A-RELEASE-RQ."""
		parts = {True: b"", False: b""}
		message = None
		while True:
			pdv = self.read_pdv()
			if pdv is None:
				return None
			context, is_command, last, content = pdv
			parts[is_command] += content
			if last and is_command:
				message = Message(context, parse_command(parts[True]))
				if message.command.get(0x0800) == NO_DATA_SET:
					return message
			elif last:
				message.data = parts[False]
				return message

	def receive_command(self):
		"""A message's command; its data set is left to read_pdv()."""
		content, last = b"", False
		while not last:
			context, _, last, part = self.read_pdv()
			content += part
		return Message(context, parse_command(content))

	# the modality's part

	def request(self, **request):
		"""Its Request when accepted, or the Rejection."""
		self.send(associate_rq(**request))
		return self.read_answer()

	def read_answer(self):
		kind, body = self.read_pdu()
		if kind == ASSOCIATE_RJ:
			return Rejection(*body[1:4])
		assert kind == ASSOCIATE_AC, f"PDU {kind} came, not A-ASSOCIATE-AC"
		self.accepted = Request.parse(body)
		limit = struct.unpack(">I", self.accepted.user[0x51])[0]
		self.max_pdu = limit or 131072
		return self.accepted

	def store_command(self, obj, context=1, **more):
		self.next_id = (self.next_id + 1) % 65536
		elements = {0x0002: obj.sop_class, 0x0100: C_STORE_RQ, 0x0110: self.next_id,
			    0x0700: 0, 0x0800: 1, 0x1000: obj.sop_instance}
		elements.update(more.get("elements", {}))
		self.send_command(context, elements)
		return self.next_id

	def store(self, obj, context=1, **more):
		"""Sends an object and returns the response, which must be to this request."""
		number = self.store_command(obj, context, **more)
		self.send_data(context, obj.data)
		response = self.receive()
		assert response.context == context, response
		assert response.command[0x0100] == C_STORE_RSP, response
		assert response.command[0x0120] == number, response
		assert response.command[0x1000] == obj.sop_instance, response
		return response

	def echo(self, context=1):
		self.next_id = (self.next_id + 1) % 65536
		self.send_command(context, {0x0002: VERIFICATION, 0x0100: C_ECHO_RQ,
					    0x0110: self.next_id, 0x0800: NO_DATA_SET})
		return self.receive()

	def release(self):
		self.send(release_pdu())
		self.expect(RELEASE_RP)
		self.close()

	# the PACS's part

	def read_request(self):
		self.requested = Request.parse(self.expect(ASSOCIATE_RQ))
		limit = struct.unpack(">I", self.requested.user[0x51])[0]
		self.max_pdu = limit or 131072
		return self.requested

	def accept(self, choose=None, max_pdu=131072):
		"""Accepts each context with its first transfer syntax, unless `choose`, given
		id, abstract and transfer syntaxes, returns a result and a transfer syntax, or
		None to leave it unanswered."""
		request = self.requested or self.read_request()
		answers = b""
		for number, (abstract, syntaxes) in request.contexts.items():
			answer = choose(number, abstract, syntaxes) if choose else (
				0, syntaxes[0])
			if answer:
				answers += item(0x21, bytes([number, 0, answer[0], 0])
						+ item(0x40, answer[1]))
		body = struct.pack(">HH16s16s32x", 1, 0, request.called.ljust(16).encode(),
				   request.calling.ljust(16).encode())
		body += item(0x10, APPLICATION_CONTEXT) + answers
		self.send(pdu(ASSOCIATE_AC, body + user_information(max_pdu)))
		return request

	def reject(self, result, source, reason):
		self.requested or self.read_request()
		self.send(pdu(ASSOCIATE_RJ, bytes([0, result, source, reason])))

	def respond(self, message, status=0, **elements):
		request = message.command
		answer = {0x0002: request[0x0002], 0x0100: request[0x0100] | 0x8000,
			  0x0120: request[0x0110], 0x0800: NO_DATA_SET, 0x0900: status}
		if 0x1000 in request:
			answer[0x1000] = request[0x1000]
		answer.update(elements.get("elements", {}))
		self.send_command(message.context, answer)

	def serve(self, status=0, elements=None, stored=None):
		"""Answers every message until the release."""
		while (message := self.receive()) is not None:
			if stored is not None:
				stored.put(message)
			self.respond(message, status, elements=elements or {})
		self.send(release_pdu(RELEASE_RP))


def client_context(pki, name, ca="hospital-ca"):
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
	context.check_hostname = False
	context.load_verify_locations(pki / f"{ca}.crt")
	if name:
		context.set_ciphers("DEFAULT:@SECLEVEL=0")	# to show a weak key
		chain = pki / f"{name}-chain.crt"
		context.load_cert_chain(chain if chain.exists() else pki / f"{name}.crt",
					pki / f"{name}.key")
	return context


def server_context(pki, name, ca="hospital-ca"):
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
	context.verify_mode = ssl.CERT_REQUIRED
	context.load_verify_locations(pki / f"{ca}.crt")
	context.load_cert_chain(pki / f"{name}.crt", pki / f"{name}.key")
	return context


class LateContext:
	"""A server's TLS context whose handshake waits for a word."""

	def __init__(self, context):
		self.context, self.came, self.word = context, threading.Event(), threading.Event()

	def wrap_socket(self, sock, **more):
		sock.recv(1, socket.MSG_PEEK)	# the client's handshake has begun by then
		self.came.set()
		self.word.wait(PATIENCE)
		return self.context.wrap_socket(sock, **more)


def connect(port, context=None, address="127.0.0.1"):
	"""A connected socket, with TLS when a context is given."""
	sock = socket.create_connection((address, port), PATIENCE)
	sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
	if context is None:
		return sock
	try:
		return context.wrap_socket(sock, server_hostname="gateway.test")
	except BaseException:
		sock.close()
		raise


def speak_plain(port, source):
	"""DICOM on the port for TLS, until it is hung up on."""
	with socket.create_connection(("127.0.0.1", port), PATIENCE,
				      source_address=(source, 0)) as sock:
		sock.sendall(associate_rq(contexts=[XA_CONTEXT]))
		while sock.recv(4096):
			pass


class Impatient:
	"""A script for Pacs: the PACS leaves after each instance."""

	def __init__(self):
		self.gone = threading.Semaphore(0)

	def __call__(self, association):
		association.accept()
		if message := association.receive():
			association.respond(message)
			association.close()
			self.gone.release()

	def has_left(self):
		"""Waits until the PACS has left after one more instance; the next one finds no connection."""
		return self.gone.acquire(timeout=PATIENCE)


class Arrivals(queue.Queue):
	"""Whoever gets the next one waits as long as only a hang lasts."""

	def get(self, block=True, timeout=PATIENCE):
		return super().get(block, timeout)


class Pacs:
	"""A PACS that does what `script`, given an Association, says; each connection in a
	thread of its own. Without one it accepts all it is offered and stores it.

	stored: the messages that came, in order. connections: counted. faults: of scripts."""

	def __init__(self, context, script=None, address="127.0.0.1", port=0):
		self.script = script or self.behave
		self.context = context
		self.stored, self.requests = Arrivals(), Arrivals()
		self.connections = 0
		self.faults = []
		family = socket.AF_INET6 if ":" in address else socket.AF_INET
		self.listener = socket.create_server((address, port), family=family,
						     backlog=512)
		self.port = self.listener.getsockname()[1]
		threading.Thread(target=self.listen, daemon=True).start()

	def behave(self, association):
		self.requests.put(association.accept())
		association.serve(stored=self.stored)

	def listen(self):
		while True:
			try:
				sock, _ = self.listener.accept()
			except OSError:
				return
			self.connections += 1
			threading.Thread(target=self.run, args=(sock,), daemon=True).start()

	def run(self, sock):
		try:
			sock.settimeout(PATIENCE)
			sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
			if self.context:
				sock = self.context.wrap_socket(sock, server_side=True)
			self.script(Association(sock))
		except (Closed, Aborted, OSError):
			pass	# the gateway's right; what it means is seen at the other end
		except Exception as fault:	# a script's own mistake fails the test
			self.faults.append(fault)
		finally:
			sock.close()

	def close(self):
		self.listener.shutdown(socket.SHUT_RDWR)	# wakes accept()
		self.listener.close()


XA_CONTEXT = (1, XA, [EXPLICIT])
ECHO_CONTEXT = (3, VERIFICATION, [IMPLICIT])
