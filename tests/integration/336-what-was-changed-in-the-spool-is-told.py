"""Goal: while the gateway is stopped somebody changes bytes of spooled objects, cuts them,
puts one's content into another's file, renames one to say another state, takes one away,
empties one, and puts files of his own there. The next start delivers the objects that are
whole, tells of each of the others, and delivers none of them."""
import os
import shutil

import spool
from harness import Test, eventually
from objects import make

with Test() as t:
	folder = t.work / "spool"
	settings = spool.changes(t)
	gateway = t.gateway(1, settings)
	sent = {}
	modality = t.associate(gateway)
	for size in (70000, 70000, 70000, 70000, 70000, 70000, 200000, 200000, 100, 100):
		obj = make("explicit", size=size)
		assert modality.store(obj).status == 0
		sent[gateway.wait_audit(event="instance", sop_instance=obj.sop_instance)
		     ["detail"].split()[1]] = obj
	modality.release()
	gateway.stop()
	names = spool.names(t, "q")
	assert [name.split(".")[0] for name in names] == list(sent)

	def change(number, at):
		content = bytearray((folder / names[number]).read_bytes())
		content[at] ^= 1
		(folder / names[number]).write_bytes(content)

	change(0, 20)			# the header
	change(1, -1)			# the end
	change(2, 5000)			# the middle
	os.truncate(folder / names[3], 4096 + 65552)	# between two segments
	os.truncate(folder / names[4], 0)
	shutil.copy(folder / names[6], folder / names[7])
	os.rename(folder / names[5], folder / (names[5][:-1] + "d"))	# as if delivered
	os.unlink(folder / names[8])
	(folder / "stranger").write_bytes(b"x")
	(folder / names[9].replace(names[9][20:24], "AAAA")).write_bytes(b"x")
	whole = {names[number].split(".")[0] for number in (6, 9)}

	pacs = t.pacs()
	gateway.reconfigure({**settings, "destinations.0.port": pacs.port})
	gateway.start()
	eventually(lambda: len(gateway.audit(event="delivery", outcome="forwarded")) == 2)
	eventually(lambda: len(gateway.audit(event="delivery", outcome="dead")) == 6)
	# the records come before the renames
	eventually(lambda: not set(spool.names(t, "q")) & set(names))
	dead = gateway.audit(event="delivery", outcome="dead")
	assert {line["reason"] for line in dead} == {"spool-corrupt"}
	assert sorted(line["detail"].split()[1].rstrip(":") for line in dead) == \
		sorted(names[number].split(".")[0] for number in (0, 1, 2, 3, 4, 7))
	got = {pacs.stored.get().data for _ in range(2)}
	assert got == {sent[number].data for number in whole}
	assert pacs.stored.empty()
	told = " ".join(line["detail"] for line in gateway.audit(event="alert"))
	assert "3 files in the spool's folder are none of its own, or were renamed" in told, told
	assert (folder / "stranger").exists()
