"""Goal: an object's file is taken out of the spool's folder while the PACS is given it, and
another's while an operator wants it held. Both are told of once, and neither waits
any longer: not in the listing, nor in the log."""
import subprocess

import dicom
import spool
from harness import Test, cathgate, child, eventually
from objects import make


def serve(association):
	association.accept()
	while (message := association.receive()) is not None:
		for name in spool.names(t, "q"):
			(t.work / "spool" / name).unlink()
		association.respond(message)
	association.send(dicom.release_pdu(dicom.RELEASE_RP))


with Test() as t:
	pacs = t.pacs(serve)
	settings = spool.changes(t)
	gateway = t.gateway(pacs, settings)

	def store():
		modality = t.associate(gateway)
		assert modality.store(make("explicit", size=1000)).status == 0
		modality.release()

	def tool(*arguments):
		return subprocess.run([cathgate(), "spool", *arguments, "--config", gateway.config],
				      capture_output=True, text=True)

	def gone():
		return [line for line in gateway.audit(event="alert", reason="spool-corrupt")
			if "is gone" in line["detail"]]

	store()
	eventually(lambda: len(gone()) == 1)
	assert gateway.audit(event="delivery")[-1]["outcome"] == "forwarded"
	assert tool("list").stdout.endswith("0 objects, 0 B\n"), tool("list").stdout

	gateway.reload({**settings, "destinations.0.port": 1})
	eventually(lambda: not child(gateway.pid, "courier"))	# that knows the port before
	store()
	name, = spool.names(t, "q")
	(t.work / "spool" / name).unlink()
	tool("hold", name.split(".")[0])
	eventually(lambda: len(gone()) == 2)
	assert tool("list").stdout.endswith("0 objects, 0 B\n"), tool("list").stdout
	assert "can't be renamed" not in gateway.log()
