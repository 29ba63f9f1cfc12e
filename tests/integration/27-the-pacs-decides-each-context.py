"""Goal: negotiation is the PACS's: same ids and syntaxes out, its answer to each context
back; what it leaves unanswered is refused; the SCP role is nobody's."""
import struct

from dicom import PATIENCE, item
from harness import Test
from objects import BIG_ENDIAN, EXPLICIT, IMPLICIT, JPEG, RLE, XA

ROLE, EXTENDED, ASYNC = 0x54, 0x56, 0x53
SYNTAXES = [IMPLICIT, EXPLICIT, BIG_ENDIAN, JPEG, RLE] + [f"2.25.77.{n}" for n in range(55)]
UNANSWERED = 9


def abstract_of(number):
	return XA if number == 1 else f"2.25.88.{number}"


def choose(number, abstract, syntaxes):
	if number == UNANSWERED:
		return None
	result = number // 2 % 5
	return result, syntaxes[number % len(syntaxes)] if result == 0 else ""


def decide(association):
	pacs.requests.put(association.accept(choose))
	association.serve()


def of_uid(kind, uid, rest):
	return item(kind, struct.pack(">H", len(uid)) + uid.encode() + rest)


with Test() as t:
	pacs = t.pacs(decide)
	extended = of_uid(EXTENDED, XA, b"\2\0\3\0\1\0")
	contexts = [(number, abstract_of(number), SYNTAXES) for number in range(1, 256, 2)]
	modality = t.associate(t.gateway(pacs), contexts=contexts,
			       extra=of_uid(ROLE, XA, b"\1\1") + extended
			       + item(ASYNC, b"\0\5\0\5"))
	request = pacs.requests.get(timeout=PATIENCE)
	assert request.contexts == {number: (abstract, syntaxes)
				    for number, abstract, syntaxes in contexts}
	assert item(EXTENDED, request.user[EXTENDED]) == extended
	assert ASYNC not in request.user, "one operation at a time"
	assert ROLE not in request.user or request.user[ROLE][-1] == 0

	answers = modality.accepted.answers
	assert list(answers) == [number for number, *_ in contexts]
	assert answers.pop(UNANSWERED)[0] != 0
	for number, (result, syntax) in answers.items():
		wanted = choose(number, "", SYNTAXES)
		assert result == wanted[0], f"{number}: {result}"
		assert result or syntax == wanted[1], f"{number}: {syntax}"
	assert ROLE not in modality.accepted.user or modality.accepted.user[ROLE][-1] == 0
