"""Goal: what is odd about a PACS's A-ASSOCIATE-AC or response, and can mean one thing only,
costs no object: stored is stored. What could be another's answer is still unconfirmed."""
import struct

import dicom
from dicom import APPLICATION_CONTEXT, C_STORE_RSP, NO_DATA_SET, item
from harness import Test
from objects import EXPLICIT, XA, make, new_uid

MAXIMUM = item(0x51, struct.pack(">I", 16384))
UID = item(0x52, "2.25.99")
ANSWER = item(0x21, b"\1\0\0\0" + item(0x40, EXPLICIT))


def accepted(*answers, user=item(0x50, MAXIMUM + UID), application=APPLICATION_CONTEXT,
	     titles=b"CATHGATE".ljust(16) * 2, more=b""):
	body = struct.pack(">HH", 1, 0) + titles + bytes(32) + item(0x10, application)
	return dicom.pdu(2, body + b"".join(answers or (ANSWER,)) + user + more)


def with_user(*items):
	return accepted(user=item(0x50, b"".join(items)))


ACCEPTED = {
	"no maximum length": with_user(UID),
	"maximum length of 3 bytes": with_user(item(0x51, b"\0\0\x40"), UID),
	"two maximum lengths": with_user(MAXIMUM, MAXIMUM, UID),
	"empty implementation UID": with_user(MAXIMUM, item(0x52, "")),
	"no implementation UID": with_user(MAXIMUM),
	"implementation UID of letters": with_user(MAXIMUM, item(0x52, "abc")),
	"version of 17": with_user(MAXIMUM, UID, item(0x55, "v" * 17)),
	"unknown user item": with_user(MAXIMUM, UID, item(0x5f, "what")),
	"a window": with_user(MAXIMUM, UID, item(0x53, b"\0\7\0\7")),
	"empty user information": with_user(),
	"no user information": accepted(user=b""),
	"unknown item": accepted(more=item(0x42, "what")),
	"syntax with a NUL": accepted(item(0x21, b"\1\0\0\0" + item(0x40, EXPLICIT + "\0"))),
	"syntax with a space": accepted(item(0x21, b"\1\0\0\0" + item(0x40, EXPLICIT + " "))),
	"answers to no question": accepted(ANSWER, item(0x21, b"\7\0\0\0" + item(0x40, "1.2"))),
	"other AE titles": accepted(titles=bytes(32)),
	"application context with a space": accepted(application=APPLICATION_CONTEXT + " "),
}


def element(number, value, group=0):
	if isinstance(value, int):
		value = struct.pack("<H", value)
	if isinstance(value, str):
		value = value.encode() + b"\0" * (len(value) % 2)
	return struct.pack("<HHI", group, number, len(value)) + value


def response(message, without=(), **changed):
	values = {0x0002: XA, 0x0100: C_STORE_RSP, 0x0120: message.command[0x0110],
		  0x0800: NO_DATA_SET, 0x0900: 0, 0x1000: message.command[0x1000]}
	values.update({int(key[1:], 16): value for key, value in changed.items()})
	return [element(key, value) for key, value in values.items() if key not in without]


STORED = {	# what it says, of the message
	"backwards": lambda m: reversed(response(m)),
	"status first": lambda m: [element(0x0900, 0), *response(m, [0x0900])],
	"no data set type": lambda m: response(m, [0x0800]),
	"no SOP class": lambda m: response(m, [0x0002]),
	"another SOP class": lambda m: response(m, x0002="1.2.3"),
	"no SOP instance": lambda m: response(m, [0x1000]),
	"empty SOP instance": lambda m: response(m, x1000=""),
	"SOP instance with a space": lambda m: response(m, x1000=m.command[0x1000] + " "),
	"wrong group length": lambda m: [element(0, b"\xff\0\0\0"), *response(m)],
	"unknown elements": lambda m: [*response(m), element(0x5001, "x"), element(0x0110, 9)],
}
DOUBTFUL = {
	"no message id": lambda m: response(m, [0x0120]),
	"message id of 4 bytes": lambda m: response(m, x0120=b"\1\0\0\0"),
	"no status": lambda m: response(m, [0x0900]),
	"status of 4 bytes": lambda m: response(m, x0900=bytes(4)),
	"two statuses": lambda m: [*response(m), element(0x0900, 0xA700)],
	"two SOP instances": lambda m: [*response(m), element(0x1000, new_uid())],
	"SOP instance of letters": lambda m: response(m, x1000="1.2.x"),
	"another group": lambda m: [element(0x0018, "1.2", group=8), *response(m)],
	"announces a data set": lambda m: response(m, x0800=1),
	"no command field": lambda m: response(m, [0x0100]),
}


def answer_with_each(association):
	association.read_request()
	association.max_pdu = 16384
	association.send(accepts[pacs.connections - 1])
	while (message := association.receive()) is not None:
		says = answers.pop(0) if answers else response
		association.send_pdvs(1, b"".join(says(message)), True)
	association.send(dicom.release_pdu(dicom.RELEASE_RP))


def outcome(obj):
	line, = gateway.audit(event="instance", sop_instance=obj.sop_instance)
	return line["outcome"], line.get("reason")


with Test() as t:
	accepts, answers = [], []
	pacs = t.pacs(answer_with_each)
	gateway = t.gateway(pacs, {"modalities.0.max_handshakes_per_minute": 1000,
				   "limits.response_seconds": 5})
	for name, content in ACCEPTED.items():
		accepts.append(content)
		modality = t.associate(gateway)
		assert modality.accepted.answers[1] == (0, EXPLICIT), name
		assert modality.store(make("explicit", size=40000)).status == 0, name
		modality.release()
	for name, says in STORED.items():
		accepts.append(accepted())
		answers.append(says)
		modality, obj = t.associate(gateway), make("explicit", size=100)
		modality.store_command(obj)
		modality.send_data(1, obj.data)
		assert modality.receive_command().status == 0, name
		assert outcome(obj) == ("forwarded", None), f"{name}: {outcome(obj)}"
		modality.release()
	for name, says in DOUBTFUL.items():
		accepts.append(accepted())
		answers.append(says)
		modality, obj = t.associate(gateway), make("explicit", size=100)
		assert modality.store(obj).status == 0xA700, name
		assert outcome(obj) == ("unconfirmed", "destination-protocol"), name
		modality.release()
