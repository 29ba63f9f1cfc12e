"""Goal: what a PACS answers to an object of the spool decides what becomes of it: success and
warnings end it; A700 and a lost answer bring it again; A900, C000 and 0122 keep it as dead,
with an alert; an object within which the PACS breaks off three times is dead, and its
neighbours get through; a PACS that closes between objects is called again. Objects of one
study arrive in their order."""
import collections

import dicom
import spool
from harness import Test, eventually
from objects import make

rules = collections.defaultdict(list)	# by SOP instance: what is answered, one after another
arrived = dicom.Arrivals()
POISON, LOSE, CLOSE = "poison", "lose", "close"


def serve(association):
	association.accept()
	while (message := association.receive()) is not None:
		instance = message.command[0x1000]
		rule = rules[instance].pop(0) if rules[instance] else 0
		if rule == POISON:
			return
		arrived.put((instance, message.data))
		if rule == LOSE:
			return
		association.respond(message, 0 if rule == CLOSE else rule)
		if rule == CLOSE:
			return
	association.send(dicom.release_pdu(dicom.RELEASE_RP))


with Test() as t:
	pacs = t.pacs(serve)
	settings = {**spool.changes(t, retry_max_seconds=1)}
	gateway = t.gateway(pacs, {**settings,
				   "destinations.0.couriers": 1})
	modality = t.associate(gateway)
	cases = {}
	for name, rule in {
		"stored": [], "warning": [0xB000], "later": [0xA700], "twice later": [0xA701] * 2,
		"no match": [0xA900], "not understood": [0xC000], "not supported": [0x0122],
		"lost answer": [LOSE], "closes behind": [CLOSE], "poison": [POISON] * 9,
		"last": [],
	}.items():
		obj = cases[name] = make("explicit", size=30000)
		rules[obj.sop_instance] = rule
		assert modality.store(obj).status == 0
	modality.release()

	def lines(name):
		return gateway.audit(event="delivery", sop_instance=cases[name].sop_instance)

	spool.wait_delivered(t)
	told = {name: [(line["outcome"], line.get("reason"), line.get("status"))
		       for line in lines(name)] for name in cases}
	good = ("forwarded", None, "0000")
	for name in ("stored", "closes behind", "last"):
		assert told[name] == [good], (name, told[name])
	assert told["warning"] == [("forwarded", None, "B000")]
	for name, status in (("later", "A700"), ("twice later", "A701")):
		assert told[name] == [("failed", "destination-status", status)] * \
			len(told[name][:-1]) + [good] and len(told[name]) > 1, (name, told[name])
	for name, status in (("no match", "A900"), ("not understood", "C000"),
			     ("not supported", "0122")):
		assert told[name] == [("dead", "destination-status", status)], (name, told[name])
	assert told["lost answer"] == [("unconfirmed", "destination-lost", None), good]
	assert [outcome for outcome, _, _ in told["poison"]] == ["unconfirmed"] * 2 + ["dead"], told["poison"]
	assert told["poison"][-1][1] == "spool-repeated-abort"
	assert len(spool.names(t, "x")) == 4
	eventually(lambda: len(gateway.audit(event="alert")) == 4)

	got = []
	while not arrived.empty():
		got.append(arrived.get())
	assert all(cases[name].data == data for name in cases for instance, data in got
		   if instance == cases[name].sop_instance)

	# three studies, their objects in turn, by two couriers

	gateway.reload({**settings, "destinations.0.port": 1})
	modality = t.associate(gateway)
	studies = [[], [], []]
	uids = [make("explicit").study for _ in studies]
	for number in range(30):
		obj = make("explicit", size=3000, study=uids[number % 3])
		studies[number % 3].append(obj.sop_instance)
		assert modality.store(obj).status == 0
	modality.release()
	gateway.reload({**settings, "destinations.0.port": pacs.port})
	eventually(lambda: arrived.qsize() == 30)
	order = [arrived.get()[0] for _ in range(30)]
	for study in studies:
		assert [instance for instance in order if instance in study] == study
