"""Goal: in spool.mode "fallback" an object goes to the PACS at once; where the PACS isn't
there, drops it at any byte, answers A700 or not at all, the object is acknowledged from the
spool, and delivered once the PACS is well, bit for bit. What the PACS refuses for good the
modality hears. Neither while the spool has earlier ones does one overtake them."""
import threading

import dicom
import spool
from harness import Test
from objects import make

stored = dicom.Arrivals()
answered, left = threading.Event(), threading.Event()
mood = ["well"]
LARGE, PIECE = 2_500_000, 100_000


def store(association, message):
	stored.put(message.data)
	association.respond(message)


def read_data(association, size):
	while size > 0:
		size -= len(association.read_pdv()[3])


def serve(association):
	association.accept()
	while True:
		association.await_pdv()
		if association.pdvs[0] is None:
			association.send(dicom.release_pdu(dicom.RELEASE_RP))
			return
		if mood[0] == "drops":
			association.receive_command()
			association.read(3000)
			return
		if mood[0] == "refuses and leaves":
			command = association.receive_command()
			read_data(association, PIECE)
			association.respond(command, 0xC000)
			answered.set()
			read_data(association, PIECE)	# the gateway looks for an answer behind it
			association.close()
			left.set()
			return
		message = association.receive()
		if mood[0] == "well":
			store(association, message)
		elif mood[0] == "silent":
			association.read(1)
		elif mood[0] == "closes":
			return
		else:
			association.respond(message, mood[0])


with Test() as t:
	pacs = t.pacs(serve)
	gateway = t.gateway(pacs, {**spool.changes(t, "fallback"), "limits.response_seconds": 5})
	modality = t.associate(gateway)

	def send(size=70000):
		obj = make("explicit", size=size)
		return obj, modality.store(obj).status

	def begin_anew(then):
		"""What has just failed isn't tried again by the same association for a second."""
		modality.release()
		mood[0] = "well"
		association = t.associate(gateway)
		mood[0] = then
		return association

	def line_of(obj):
		return gateway.wait_audit(event="instance", sop_instance=obj.sop_instance)

	obj, status = send()
	assert status == 0 and line_of(obj)["outcome"] == "forwarded"
	assert stored.get() == obj.data

	for case, reason in ((0xA700, "destination-status"), ("closes", "destination-lost"),
			     ("silent", "destination-timeout"), ("drops", "destination-lost")):
		for size in (10000, 70000, LARGE):
			modality = begin_anew(case)
			obj, status = send(size)
			line = line_of(obj)
			assert status == 0, (case, size, status)
			assert line["outcome"] == "spooled" and line["reason"] == reason, line
			mood[0] = "well"
			assert stored.get() == obj.data, (case, size)
			spool.wait_delivered(t)

	for status in (0xA900, 0xC000, 0x0122):
		modality = begin_anew(status)
		obj, heard = send()
		assert heard == status and line_of(obj)["outcome"] == "failed"
	assert not spool.names(t, "q")

	# A refusal for good before the object has ended stands, also when the PACS hangs up then.
	modality = begin_anew("refuses and leaves")
	obj = make("explicit", size=LARGE)
	modality.store_command(obj)
	modality.send_data(1, obj.data[:PIECE], last=False)
	assert answered.wait(dicom.PATIENCE)
	modality.send_data(1, obj.data[PIECE:2 * PIECE], last=False)
	assert left.wait(dicom.PATIENCE)
	modality.send_data(1, obj.data[2 * PIECE:])
	assert modality.receive().status == 0xC000
	assert line_of(obj)["outcome"] == "failed" and not spool.names(t, "q")

	modality = begin_anew(0xA700)
	first, status = send()
	mood[0] = "well"
	second, status = send()
	assert [line_of(obj)["outcome"] for obj in (first, second)] == ["spooled"] * 2
	got = {stored.get(), stored.get()}
	assert got == {first.data, second.data}
	spool.wait_delivered(t)
	modality = begin_anew("well")
	obj, status = send()
	assert status == 0 and line_of(obj)["outcome"] == "forwarded"
	modality.release()
