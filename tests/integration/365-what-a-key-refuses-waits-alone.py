"""Goal: an object that names a key which is there, and which that key refuses, waits alone: other
objects of that key are delivered at once, and nobody says that the key is missing."""
import struct

import spool
from harness import Test, eventually
from objects import make

with Test() as t:
	folder, settings = t.work / "spool", spool.changes(t)
	gateway = t.gateway(1, settings)
	modality, sent = t.associate(gateway), [make("explicit", size=10000) for _ in range(3)]
	for obj in sent:
		assert modality.store(obj).status == 0
	modality.release()
	gateway.stop()
	first, second, _ = spool.names(t, "q")

	def forge(name, change):
		"""As an association can that somebody has taken over: under a good name."""
		content = change((folder / name).read_bytes())
		(folder / name).unlink()
		(folder / spool.renamed(t, name, content)).write_bytes(content)

	# A point of small order, and a suite that isn't the key's.
	forge(first, lambda content: content[:32] + bytes(32) + content[64:])
	forge(second, lambda content: content[:8] + struct.pack(">BBH", 2, 0, 1120) + content[12:32]
	      + bytes(1120 + 2) + b"\0\x20" + content[1156:])
	pacs = t.pacs()
	gateway.reconfigure({**settings, "destinations.0.port": pacs.port})
	gateway.start()
	assert pacs.stored.get().data == sent[2].data
	alerts = lambda: [line["detail"] for line in gateway.audit(event="alert")
			  if "waits alone" in line["detail"]]
	eventually(lambda: first.split(".")[0] in " ".join(alerts()))
	assert not [line for line in gateway.audit(event="alert") if "no key in spool.key" in line["detail"]]
	eventually(lambda: not [name for name in spool.names(t, "q")
				if name.split(".")[0] not in (first.split(".")[0], second.split(".")[0])])
	assert pacs.stored.empty()
