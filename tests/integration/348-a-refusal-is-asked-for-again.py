"""Goal: a PACS that refuses for a while what it takes at other times shuts no modality out for
good. A courier learns a refusal of the object's own kind alone; that holds for an hour, also across
a restart, and what the PACS accepts later outweighs it."""
import spool
from dicom import Rejection
from harness import Test
from objects import EXPLICIT, IMPLICIT, SECONDARY_CAPTURE, XA, make

with Test() as t:
	starting = False

	def serve(association):
		association.accept(lambda number, abstract, syntaxes: (3 if starting else 0, syntaxes[0]))
		association.serve(stored=pacs.stored)

	pacs = t.pacs(serve)

	def answers():
		association = t.connect(gateway)
		answer = association.request(contexts=[(1, XA, [EXPLICIT]), (3, SECONDARY_CAPTURE, [IMPLICIT])])
		assert not isinstance(answer, Rejection), answer
		association.release()
		return [answer.answers[number][0] == 0 for number in (1, 3)]

	def store(kind="explicit", abstract=XA, syntax=EXPLICIT):
		obj = make(kind, syntax=syntax)
		modality = t.associate(gateway, contexts=[(1, abstract, [syntax])])
		assert modality.store(obj).status == 0
		modality.release()
		return obj.data

	# the PACS has accepted both, is started again, and refuses both
	settings = spool.changes(t, retry_max_seconds=1)
	gateway = t.gateway(pacs, settings)
	sent = [store(), store("secondary-capture", SECONDARY_CAPTURE, IMPLICIT)]
	assert [pacs.stored.get().data for _ in sent] == sent
	gateway.stop()
	starting = True
	gateway.start()
	store()
	gateway.wait_audit(event="delivery", outcome="dead")
	starting = False
	assert answers() == [False, True]

	# for an hour
	gateway.stop()
	spool.age_refusals(t, settings["spool"]["key"], 3500)
	gateway.start()
	assert answers() == [False, True]
	gateway.stop()
	spool.age_refusals(t, settings["spool"]["key"], 200)
	gateway.start()
	assert answers() == [True, True]
	obj = store()
	assert pacs.stored.get().data == obj

	# refused once more; then an association hears that the PACS accepts it
	gateway.stop()
	starting = True
	gateway.start()
	store()
	gateway.wait_audit_beyond(1, event="delivery", outcome="dead")
	assert answers() == [False, True]
	starting = False
	gateway.reload({"spool": {**settings["spool"], "mode": "fallback"}, "destinations.0.port": pacs.port})
	assert answers() == [True, True]
	gateway.reload({**settings, "destinations.0.port": pacs.port})
	assert answers() == [True, True]
	assert len(spool.names(t, "x")) == 2
