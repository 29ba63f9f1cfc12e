"""Goal: what is wrong with one context of an A-ASSOCIATE-RQ costs that context alone, and an
item that nobody needs costs nothing: what storescp and Orthanc bear is borne. What could
mean two things is still refused, and the PACS hears nothing of either."""
import struct

import dicom
from dicom import APPLICATION_CONTEXT, XA_CONTEXT, Aborted, Closed, Rejection, item
from harness import Test
from objects import EXPLICIT, SECONDARY_CAPTURE, XA, make

LONG = "1.2." + "3" * 70
MAXIMUM = item(0x51, struct.pack(">I", 16384))
UID, VERSION = item(0x52, "2.25.5577"), item(0x55, "T")
GOOD_USER = item(0x50, MAXIMUM + UID + VERSION)


def request(*contexts, user=GOOD_USER, application=None, version=1, reserved=b"\0", more=b""):
	body = struct.pack(">H", version) + reserved * 2 + b"CATHGATE".ljust(16)
	body += b"CATHLAB3".ljust(16) + reserved * 32
	body += item(0x10, APPLICATION_CONTEXT) if application is None else application
	for context in contexts or (XA_CONTEXT,):
		body += context if isinstance(context, bytes) else dicom.proposal(*context)
	return dicom.pdu(1, body + user + more)


def with_user(*items):
	return request(user=item(0x50, b"".join(items)))


def second(*items, number=3):
	"""The context of test objects, and another."""
	return request(XA_CONTEXT, item(0x20, bytes([number, 0, 0, 0]) + b"".join(items)))


ABSTRACT, TRANSFER = item(0x30, SECONDARY_CAPTURE), item(0x40, EXPLICIT)
ANSWERS = {	# what the other context is answered: 3 abstract, 4 transfer syntaxes
	"abstract syntax of letters": (second(item(0x30, "1.2.x"), TRANSFER), 3),
	"abstract syntax of 74": (second(item(0x30, LONG), TRANSFER), 3),
	"empty abstract syntax": (second(item(0x30, ""), TRANSFER), 3),
	"no abstract syntax": (second(TRANSFER), 3),
	"two abstract syntaxes": (second(ABSTRACT, item(0x30, XA), TRANSFER), 3),
	"transfer syntax of letters": (second(ABSTRACT, item(0x40, "1.2.x")), 4),
	"transfer syntax of 74": (second(ABSTRACT, item(0x40, LONG)), 4),
	"no transfer syntax": (second(ABSTRACT), 4),
	"nothing in it": (second(), 3),
	"letters, and a good one": (second(ABSTRACT, item(0x40, "1.2.x"), TRANSFER), 0),
	"74, and a good one": (second(ABSTRACT, item(0x40, LONG), TRANSFER), 0),
	"empty, and a good one": (second(ABSTRACT, item(0x40, ""), TRANSFER), 0),
	"unknown item": (second(ABSTRACT, item(0x77, "what"), TRANSFER), 0),
	"padded with NULs": (second(item(0x30, SECONDARY_CAPTURE + "\0"),
				    item(0x40, EXPLICIT + "\0")), 0),
	"padded with spaces": (second(item(0x30, SECONDARY_CAPTURE + " "),
				      item(0x40, EXPLICIT + " ")), 0),
}
BORNE = {
	"no maximum length": with_user(UID, VERSION),
	"maximum length 0": with_user(item(0x51, bytes(4)), UID),
	"maximum length of 3 bytes": with_user(item(0x51, b"\0\1\0"), UID),
	"two maximum lengths": with_user(MAXIMUM, MAXIMUM, UID),
	"empty implementation UID": with_user(MAXIMUM, item(0x52, ""), VERSION),
	"implementation UID of letters": with_user(MAXIMUM, item(0x52, "abc")),
	"implementation UID of 74": with_user(MAXIMUM, item(0x52, LONG)),
	"no implementation UID": with_user(MAXIMUM, VERSION),
	"two implementation UIDs": with_user(MAXIMUM, UID, UID),
	"no version": with_user(MAXIMUM, UID),
	"empty version": with_user(MAXIMUM, UID, item(0x55, "")),
	"version of 17": with_user(MAXIMUM, UID, item(0x55, "v" * 17)),
	"version of 80": with_user(MAXIMUM, UID, item(0x55, "v" * 80)),
	"window of 3 bytes": with_user(MAXIMUM, UID, item(0x53, b"\0\1\0")),
	"role that leads outside": with_user(MAXIMUM, UID, item(0x54, b"\0\x30" b"1.2")),
	"role of letters": with_user(MAXIMUM, UID, item(0x54, b"\0\x03" b"1.x\1\1")),
	"extended that leads outside": with_user(MAXIMUM, UID, item(0x56, b"\0\x30" b"1.2")),
	"common extended, cut": with_user(MAXIMUM, UID, item(0x57, b"\0\x30" b"1.2")),
	"answer to an identity": with_user(MAXIMUM, UID, item(0x59, b"\0\0")),
	"unknown user item": with_user(MAXIMUM, UID, item(0x5f, "what")),
	"empty user information": with_user(),
	"no user information": request(user=b""),
	"two user informations": request(more=GOOD_USER),
	"unknown item": request(more=item(0x42, "what")),
	"answer to a context": request(more=item(0x21, b"\5\0\0\0" + TRANSFER)),
	"two application contexts": request(application=item(0x10, APPLICATION_CONTEXT) * 2),
	"application context with a NUL":
		request(application=item(0x10, APPLICATION_CONTEXT + "\0")),
	"application context with a space":
		request(application=item(0x10, APPLICATION_CONTEXT + " ")),
	"reserved bytes": request(reserved=b"\1"),
	"another version, too": request(version=3),
	"even id": second(ABSTRACT, TRANSFER, number=4),
	"id 0": second(ABSTRACT, TRANSFER, number=0),
}
REFUSED = {	# the A-ASSOCIATE-RJ, or None for an A-ABORT
	"no application context": (request(application=b""), (1, 1, 2)),
	"application context of letters": (request(application=item(0x10, "x")), (1, 1, 2)),
	"another application context": (request(application=item(0x10, "1.2.3")), (1, 1, 2)),
	"another version": (request(version=2), (1, 2, 2)),
	"an id twice": (request(XA_CONTEXT, XA_CONTEXT), None),
	"maximum length 10": (with_user(item(0x51, struct.pack(">I", 10))), None),
	"two identities": (with_user(MAXIMUM, *[item(0x58, b"\1\0\0\3joe\0\0")] * 2), None),
	"identity that leads outside": (with_user(MAXIMUM, item(0x58, b"\1\0\0\x09joe")), None),
	"syntax that leads outside": (second(b"\x30\0\0\x40" b"1.2"), None),
	"user item that leads outside": (with_user(MAXIMUM, b"\x5f\0\0\x40" b"what"), None),
	"item that leads outside": (request(more=b"\x42\0\0\x40" b"what"), None),
	"stray bytes": (request(more=b"\0\0"), None),
}


def ask(content):
	association = t.connect(gateway)
	try:
		association.send(content)
		return association, association.read_answer()
	except (Aborted, Closed, OSError):
		return association, None


def check_accepted(name, content, expected):
	modality, answer = ask(content)
	assert isinstance(answer, dicom.Request), f"{name}: {answer}"
	results = {number: result for number, (result, _) in answer.answers.items()}
	assert results == expected, f"{name}: {results}"
	assert modality.store(make("explicit", size=100)).status == 0, name
	modality.release()
	proposed = pacs.requests.get(timeout=dicom.PATIENCE).contexts
	assert list(proposed) == [number for number in results if results[number] == 0], name
	assert proposed.get(3, (0, [EXPLICIT]))[1] == [EXPLICIT], f"{name}: {proposed}"


with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs, {"modalities.0.max_handshakes_per_minute": 1000})
	for name, (content, result) in ANSWERS.items():
		check_accepted(name, content, {1: 0, 3: result})
	for name, content in BORNE.items():
		number = {"even id": 4, "id 0": 0}.get(name)
		check_accepted(name, content, {1: 0} if number is None else {1: 0, number: 3})
	told = gateway.audit(event="association", outcome="accepted", reason="malformed")
	assert len(told) == 2 + sum(result != 0 for _, result in ANSWERS.values()), told
	assert all(line["detail"].startswith("1 of 2 contexts") for line in told), told

	for pad in ("", "\0", " "):	# the SCP's role alone: its class is found, however padded
		named = (SECONDARY_CAPTURE + pad).encode()
		role = item(0x54, struct.pack(">H", len(named)) + named + b"\0\1")
		check_accepted("role", request(XA_CONTEXT, (3, named.decode(), [EXPLICIT]),
					       user=item(0x50, MAXIMUM + UID + role)),
			       {1: 0, 3: 1})

	ids = range(256)
	for order in (ids, sorted(ids, key=lambda number: number % 2)):
		every = [(number, XA, [EXPLICIT]) for number in order]
		check_accepted("every id", request(*every),
			       {number: 0 if number % 2 else 3 for number in ids})

	connections = pacs.connections
	for name, (content, rejection) in REFUSED.items():
		before = len(gateway.audit(event="association", outcome="refused"))
		_, answer = ask(content)
		assert answer == (Rejection(*rejection) if rejection else None), f"{name}: {answer}"
		line = gateway.wait_audit_beyond(before, event="association", outcome="refused")
		assert line["reason"] == "malformed", f"{name}: {line}"
	modality, answer = ask(request((1, "1.2.x", [EXPLICIT])))	# none is left
	assert answer.answers[1][0] == 3, answer
	modality.release()
	assert pacs.connections == connections, "the PACS was called for nothing"
