#!/bin/bash
# Goal: a modality whose association and objects storescp and Orthanc would answer with a
# hang-up or an abort gets each good object to them, and they are released at its end.
. "$(dirname "$0")/../lib/test.sh"

odd_modality() {
	PYTHONPATH=$lib python3 - "$gateway_port" "$pki" <<-'PYTHON'
		import pathlib
		import struct
		import sys

		import dicom
		from dicom import APPLICATION_CONTEXT, XA_CONTEXT, item
		from objects import EXPLICIT, SECONDARY_CAPTURE, XA, make

		context = dicom.client_context(pathlib.Path(sys.argv[2]), "angio")
		modality = dicom.Association(dicom.connect(int(sys.argv[1]), context))
		long = "1.2." + "3" * 80
		body = struct.pack(">HH16s16s32x", 1, 0, b"CATHGATE".ljust(16), b"CATHLAB3".ljust(16))
		body += item(0x10, APPLICATION_CONTEXT + " ") + dicom.proposal(*XA_CONTEXT)
		body += dicom.proposal(3, long, [EXPLICIT])
		body += dicom.proposal(5, SECONDARY_CAPTURE, [long, EXPLICIT])
		body += dicom.proposal(7, SECONDARY_CAPTURE, [])
		body += item(0x50, item(0x52, "") + item(0x55, "v" * 80) + item(0x54, b"\0\x30"))
		modality.send(dicom.pdu(1, body))
		answers = {key: result for key, (result, _) in modality.read_answer().answers.items()}
		assert answers == {1: 0, 3: 3, 5: 0, 7: 4}, answers

		for wrong in ({0x1000: "1.2.x"}, {0x1000: long}, {0x0800: b""}, {0x0110: b"\1"}):
		    obj = make("explicit")
		    modality.store_command(obj, elements=wrong)
		    modality.send_data(1, obj.data)
		    assert modality.receive().status == 0xC000, wrong
		    assert modality.store(make("explicit")).status == 0, wrong
		obj = make("secondary-capture")	# its elements backwards
		elements = {0x0002: obj.sop_class, 0x0100: 1, 0x0110: 99, 0x0700: 0, 0x0800: 1,
			    0x1000: obj.sop_instance}
		parts = [dicom.command({key: value})[12:] for key, value in elements.items()]
		modality.send_pdvs(5, b"".join(reversed(parts)), True)
		modality.send_data(5, obj.data)
		assert modality.receive().status == 0
		try:
		    modality.read_pdu()
		except dicom.Aborted:
		    sys.exit(0)		# it was idle
		sys.exit("it was not ended")
	PYTHON
}

start_storescp
start_gateway limits.idle_seconds=5
expect "storescp gets each good object" odd_modality
expect "five of them" test "$(find "$work/storescp" -type f | wc -l)" = 5
expect "it is released" eventually grep -q "Association Release" "$work/storescp.log"
expect "and nothing ends otherwise" fails grep -Eqi "abort|^E:" "$work/storescp.log"

end_gateways
gateways=()
start_orthanc
start_gateway limits.idle_seconds=5
expect "Orthanc gets each good object" odd_modality
expect "five of them" test "$(curl -sS "$orthanc/instances" | jq length)" = 5
expect "and nothing ends otherwise" fails grep -Eqi "abort|DIMSE failure" "$work/orthanc.log"
