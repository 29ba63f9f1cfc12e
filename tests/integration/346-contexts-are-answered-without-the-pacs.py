"""Goal: while nobody asks the PACS, an association is answered by what the PACS is known to
accept, learnt by couriers and by associations, and kept across restarts; else by spool.accept.
What it has refused is not accepted for an hour; an object that it refuses so is dead, with an
alert, and kept."""
import dicom
import spool
from dicom import Rejection
from harness import Test, eventually
from objects import EXPLICIT, IMPLICIT, JPEG, SECONDARY_CAPTURE, XA, make

with Test() as t:
	accepts = {(XA, EXPLICIT), (SECONDARY_CAPTURE, IMPLICIT)}

	def serve(association):
		association.accept(lambda number, abstract, syntaxes: next(
			((0, syntax) for syntax in syntaxes if (abstract, syntax) in accepts),
			(4, syntaxes[0])))
		association.serve(stored=pacs.stored)

	pacs = t.pacs(serve)

	def answers(*contexts):
		association = t.connect(gateway)
		answer = association.request(contexts=[
			(2 * i + 1, abstract, syntaxes) for i, (abstract, syntaxes) in enumerate(contexts)])
		assert not isinstance(answer, Rejection), answer
		association.release()
		return [syntax if result == 0 else None for result, syntax in
			(answer.answers[2 * i + 1] for i in range(len(contexts)))]

	# nothing is known: what is offered first; or what the configuration lists
	settings = spool.changes(t, retry_max_seconds=1)
	gateway = t.gateway(1, settings)
	assert answers((XA, [JPEG, EXPLICIT]), (SECONDARY_CAPTURE, [EXPLICIT])) == [JPEG, EXPLICIT]
	gateway.reload({"spool": {**settings["spool"], "accept": [EXPLICIT]}})
	assert answers((XA, [JPEG, EXPLICIT]), (SECONDARY_CAPTURE, [IMPLICIT])) == [EXPLICIT, None]

	# a courier learns
	gateway.reload(settings)
	objects = [make("jpeg"), make("explicit")]
	for obj in objects:
		modality = t.associate(gateway, contexts=[(1, XA, [obj.transfer_syntax])])
		assert modality.store(obj).status == 0
		modality.release()
	gateway.reload({**settings, "destinations.0.port": pacs.port})
	dead = gateway.wait_audit(event="delivery", outcome="dead")
	assert (dead["reason"], dead["sop_instance"]) == \
		("destination-context", objects[0].sop_instance), dead
	assert pacs.stored.get().data == objects[1].data
	assert len(spool.names(t, "x")) == 1
	gateway.wait_audit(event="alert")
	for _ in range(2):
		assert answers((XA, [JPEG, EXPLICIT]), (XA, [JPEG]), (SECONDARY_CAPTURE, [JPEG])) == \
			[EXPLICIT, None, JPEG]
		gateway.stop()
		gateway.start()
	gateway.stop()

	# an association learns, in fallback, and knows when the PACS is away
	settings = spool.changes(t, "fallback", retry_max_seconds=1)
	settings["spool"]["directory"] = str(t.work / "fallback")
	gateway = t.gateway(pacs, settings)
	assert answers((XA, [JPEG, EXPLICIT]), (SECONDARY_CAPTURE, [EXPLICIT, IMPLICIT])) == \
		[EXPLICIT, IMPLICIT]
	gateway.reload({**settings, "destinations.0.port": 1})
	assert answers((XA, [JPEG, EXPLICIT]), (SECONDARY_CAPTURE, [EXPLICIT, IMPLICIT])) == \
		[EXPLICIT, IMPLICIT]
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	modality.release()
	line = gateway.wait_audit(event="instance", outcome="spooled")
	assert len(spool.names(t)) >= 1
