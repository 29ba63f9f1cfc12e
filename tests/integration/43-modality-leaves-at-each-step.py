"""Goal: at whatever step a modality aborts or just vanishes, its place is free again, the
PACS completes no half object, and the audit log says what it was."""
import dicom
from dicom import XA_CONTEXT, Association
from harness import Test, eventually
from objects import make


def before_request(modality, obj):
	pass


def before_answer(modality, obj):
	modality.send(dicom.associate_rq(contexts=[XA_CONTEXT]))


def idle(modality, obj):
	modality.request(contexts=[XA_CONTEXT])


def after_command(modality, obj):
	idle(modality, obj)
	modality.store_command(obj)


def in_command(modality, obj):
	idle(modality, obj)
	modality.send_pdvs(1, b"\0\0\0\0", True, last=False)


def in_data(modality, obj):
	after_command(modality, obj)
	modality.send_data(1, obj.data[:300000], last=False)


def after_data(modality, obj):
	after_command(modality, obj)
	modality.send_data(1, obj.data)


WAYS = ((Association.abort, "peer-abort"), (Association.close, "peer-lost"))
STEPS = (before_request, before_answer, idle, in_command, after_command, in_data, after_data)

with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs)
	whole = []	# the PACS may be slow to show what it took
	for leave, reason in WAYS:
		for step in STEPS:
			obj = make("explicit", size=400000)
			whole.append(obj.data)
			modality = t.connect(gateway)
			step(modality, obj)
			leave(modality)
			eventually(lambda: not gateway.associations())
			lines = gateway.audit(event="instance", sop_instance=obj.sop_instance)
			if step is in_data or step is after_command:
				line, = lines
				assert line["outcome"] == "failed", line
				assert line["reason"] == reason, line
			elif step is after_data:
				line, = lines
				assert line["outcome"] in ("forwarded", "unconfirmed"), line
			else:
				assert not lines, lines
			while not pacs.stored.empty():
				assert pacs.stored.get().data in whole
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
