"""Goal: the record says what the data set calls itself where that isn't what the command says,
and has study and patient, whatever else of the data set is absent or can't be read, in each
encoding, and whatever becomes of the object."""
import zlib

from harness import Test, eventually
from objects import (BIG_ENDIAN, DEFLATED, DOSE_SR, EXPLICIT, IMPLICIT, XA, Object, Writer,
		     new_uid)

SYNTAXES = [IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED]
CONTEXTS = [(2 * i + 1, XA, [syntax]) for i, syntax in enumerate(SYNTAXES)]
CLASS, INSTANCE, PATIENT, STUDY = 0x00080016, 0x00080018, 0x00100020, 0x0020000D


def encoded(elements, syntax):
	data = Writer(syntax != IMPLICIT, syntax == BIG_ENDIAN).elements(elements)
	if syntax == DEFLATED:
		deflate = zlib.compressobj(wbits=-15)
		data = deflate.compress(data) + deflate.flush()
		data += b"\0" * (len(data) % 2)
	return data


def data_set(syntax, change=lambda elements: elements, size=64):
	"""An object, and the SOP instance and study that its data set names."""
	uid, study = new_uid(), new_uid()
	elements = {CLASS: ("UI", XA), INSTANCE: ("UI", uid), PATIENT: ("LO", "ID-17"),
		    STUDY: ("UI", study)}
	pixels = [(0x7FE00010, "OW", bytes(size))]
	elements = [(tag, *value) for tag, value in elements.items()]
	data = encoded(change(elements) + pixels, syntax)
	return Object(XA, new_uid(), syntax, data, study), uid


def without(tag):
	return lambda elements: [e for e in elements if e[0] != tag]


def with_value(tag, value):
	return lambda elements: [(t, vr, value if t == tag else v) for t, vr, v in elements]


CHANGES = {	# what of the head is not as it should be
	"nothing": lambda elements: elements,
	"no class": without(CLASS),
	"class of letters": with_value(CLASS, "1.2.abc"),
	"class of 70 characters": with_value(CLASS, "1." + "2" * 68),
	"empty class": with_value(CLASS, ""),
	"backwards": lambda elements: elements[::-1],
	"no patient": without(PATIENT),
	"no study": without(STUDY),
}


def record(obj):
	line, = eventually(lambda: gateway.audit(event="instance",
						 sop_instance=obj.sop_instance))
	return line


def check(line, name, obj, uid):
	assert f"the data set names another SOP instance, {uid}" in line["detail"], (
		f"{name}: {line}")
	assert line.get("study") == (None if name == "no study" else obj.study), f"{name}: {line}"
	assert ("patient" in line) == (name != "no patient"), f"{name}: {line}"


def answer_each(association):
	pacs.requests.put(association.accept())
	while (message := association.receive()) is not None:
		association.respond(message, statuses.pop(0) if statuses else 0)


with Test() as t:
	statuses = []
	pacs = t.pacs(answer_each)
	gateway = t.gateway(pacs)
	modality = t.associate(gateway, contexts=CONTEXTS)
	for context, _, (syntax,) in CONTEXTS:
		for name, change in CHANGES.items():
			obj, uid = data_set(syntax, change)
			assert modality.store(obj, context).status == 0
			line = record(obj)
			assert line["outcome"] == "forwarded", line
			check(line, f"{name}", obj, uid)

		obj, uid = data_set(syntax)	# refused by the PACS, perhaps for just that
		statuses.append(0xA900)
		assert modality.store(obj, context).status == 0xA900
		check(record(obj), "failed", obj, uid)

		obj, _ = data_set(syntax, with_value(CLASS, DOSE_SR))	# allowed as well
		assert modality.store(obj, context).status == 0
		detail = record(obj)["detail"]
		assert detail.startswith(f"the data set names another SOP class, {DOSE_SR}; "
					 "the data set names another SOP instance, "), detail

	for tag, vr in ((CLASS, b"??"), (0x00080008, b"  ")):	# text that is no VR
		obj, uid = data_set(EXPLICIT, without(tag))
		head = b"\x08\0" + bytes([tag & 0xFF, 0]) + vr + b"\4\0" b"1.2\0"
		obj.data = head + obj.data
		assert modality.store(obj, 3).status == 0
		check(record(obj), vr, obj, uid)

	obj, uid = data_set(EXPLICIT, size=100000)	# it leaves in mid-object
	modality.store_command(obj, 3)
	modality.send_data(3, obj.data[:20000], last=False)
	modality.close()
	line = record(obj)
	assert line["outcome"] == "failed" and line["reason"] == "peer-lost", line
	check(line, "cut", obj, uid)
	line = gateway.wait_audit(event="association", outcome="aborted")
	assert "data set" not in line["detail"], "that is the instance's alone"
