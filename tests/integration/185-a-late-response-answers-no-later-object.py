"""Goal: a late second response to one object, without SOP instance, never answers a later one
that uses its message id again, however many other ids come between: the later object goes
over an association where no such response can be left over, or is in doubt."""
from dicom import C_STORE_RSP, NO_DATA_SET
from harness import Test
from objects import make

TRUTH = 0xC123


def nameless(association, message, status=0):
	association.send_command(message.context, {
		0x0002: message.command[0x0002], 0x0100: C_STORE_RSP,
		0x0120: message.command[0x0110], 0x0800: NO_DATA_SET, 0x0900: status})


def answers_again_when_the_id_comes_again(association):
	"""With what it said before, when the later object has come."""
	association.accept()
	seen = {}
	while (message := association.receive()) is not None:
		number = message.command[0x0110]
		if number in seen:
			nameless(association, seen[number])
			continue	# it doesn't even answer
		seen[number] = message
		if pacs.connections > 1:
			association.respond(message, TRUTH)
		elif names_instances and number == 1:
			association.respond(message)
		else:
			nameless(association, message)


def store(modality, number):
	obj = make("explicit", size=100)
	modality.next_id = number - 1
	modality.store_command(obj)
	modality.send_data(1, obj.data)
	status = modality.receive().status
	line, = gateway.audit(event="instance", sop_instance=obj.sop_instance)
	return status, line["outcome"]


with Test() as t:
	for names_instances, expected in ((False, (TRUTH, "failed")),
					  (True, (TRUTH, "failed"))):
		pacs = t.pacs(answers_again_when_the_id_comes_again)
		gateway = t.gateway(pacs, {"limits.response_seconds": 5})
		modality = t.associate(gateway)
		for number in (1, 2, 65535, 0, 3):
			assert store(modality, number) == (0, "forwarded"), number
		assert pacs.connections == 1, "ids that are new need no new association"
		assert store(modality, 1) == expected
		assert pacs.connections == 2
		modality.release()

	# A PACS that names each is believed, whatever the ids; a nameless one then is not.
	pacs = t.pacs(lambda association: (association.accept(), [
		association.respond(association.receive()) for _ in range(5)],
		nameless(association, association.receive()), association.receive()))
	gateway = t.gateway(pacs, {"limits.response_seconds": 5})
	modality = t.associate(gateway)
	for number in (1, 1, 2, 1, 2):
		assert store(modality, number) == (0, "forwarded"), number
	assert pacs.connections == 1
	assert store(modality, 1) == (0xA700, "unconfirmed")
