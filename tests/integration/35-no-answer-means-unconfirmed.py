"""Goal: once the last fragment went out and no answer came that fits, the PACS may hold the
object: recorded as unconfirmed, A7xx to the modality, and that association never used
again."""
from dicom import PATIENCE
from harness import Test
from objects import make, new_uid


def vanish(association, message):
	association.close()


def abort(association, message):
	association.abort()


def say_nothing(association, message):
	association.read_pdu()


def answer_with(**wrong):
	def answer(association, message):
		elements = {int(key[1:], 16): value for key, value in wrong.items()}
		association.respond(message, elements=elements)
		association.read_pdu()		# until the gateway gives up on us
	return answer


def on_another_context(association, message):
	message.context = 3
	association.respond(message)
	association.read_pdu()


FAULTS = [	# what the PACS does: reason
	(vanish, "destination-lost"),
	(abort, "destination-lost"),
	(say_nothing, "destination-timeout"),
	(answer_with(x0120=4711), "destination-protocol"),
	(answer_with(x1000=new_uid()), "destination-protocol"),
	(answer_with(x0100=0x8030), "destination-protocol"),
	(answer_with(x0900=0xFF00), "destination-protocol"),
	(answer_with(x0900=0xFF01), "destination-protocol"),
	(answer_with(x0900=0xFF42), "destination-protocol"),
	(on_another_context, "destination-protocol"),
]


def fail_first(association):
	association.accept()
	fault, _ = FAULTS[(pacs.connections - 1) // 2]
	if pacs.connections % 2:
		fault(association, association.receive())
	else:
		association.serve(stored=pacs.stored)


with Test() as t:
	pacs = t.pacs(fail_first)
	gateway = t.gateway(pacs, {"limits.response_seconds": 5})
	for number, (_, reason) in enumerate(FAULTS):
		modality = t.associate(gateway)
		doubtful, good = make("explicit"), make("explicit")
		assert modality.store(doubtful).status & 0xFF00 == 0xA700, reason
		line, = gateway.audit(event="instance", sop_instance=doubtful.sop_instance)
		assert line["outcome"] == "unconfirmed" and line["reason"] == reason, line
		assert line["sha256"] == doubtful.sha256, line

		assert modality.store(good).status == 0, "the next one finds a new association"
		assert pacs.stored.get(timeout=PATIENCE).data == good.data
		assert pacs.connections == 2 * number + 2
		modality.release()
