"""Goal: whatever lies in wait under the names by which the gateway replaces a file, it is
never written through: neither a link in the metrics' folder nor one beside the audit log
costs an acknowledged line, and the file is replaced all the same."""
import os
import subprocess

import metrics
from harness import Test, children, eventually, tool
from objects import make


def store(t, gateway):
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	modality.release()


def set_traps(file, aim, pids):
	"""Under each name that a draft of that file has or had."""
	for suffix in (*pids, "new", "next", "tmp"):
		file.with_name(f"{file.name}.{suffix}").symlink_to(aim)


def metrics_dont_overwrite_the_log(t):
	folder = t.work / "textfile"
	folder.mkdir()
	file = folder / "cathgate.prom"
	gateway = t.gateway(t.pacs(), {"metrics": {"textfile": str(file)}})
	eventually(file.exists)
	store(t, gateway)
	set_traps(file, gateway.audit_file, children(gateway.pid, but_for=()))
	assert gateway.stop() == 0
	assert metrics.value(metrics.parse(file.read_text()), "cathgate_up") == 0
	assert not file.is_symlink()
	assert len(gateway.audit(outcome="forwarded")) == 1
	tool("audit", "verify", "--key", t.pki / "audit.key.pub", gateway.audit_file)


def nor_does_what_stands_beside_it(t):
	"""audit.told, audit.exported, the notes, and a torn end that is put aside."""
	gateway = t.gateway(t.pacs(), {"audit.messages": str(t.work / "messages")})
	store(t, gateway)
	assert gateway.stop() == 0
	aim = t.work / "aim"
	aim.write_text("somebody's")
	beside = gateway.audit_file.with_suffix
	for suffix in (".told", ".exported-messages", ".checkpoint", ".torn"):
		set_traps(beside(suffix), aim, ())
	with open(gateway.audit_file, "ab") as log:
		log.write(b'{"seq":')
	subprocess.run(["touch", "-d", "1 hour ago", beside(".checkpoint")], check=True)
	gateway.start()
	store(t, gateway)
	assert gateway.stop() == 0
	assert aim.read_text() == "somebody's"
	torn = [path for path in gateway.folder.glob("audit.torn-*")]
	assert [path.read_bytes() for path in torn] == [b'{"seq":'], torn
	for suffix in (".exported-messages", ".checkpoint"):
		assert not beside(suffix).is_symlink() and beside(suffix).stat().st_size > 0
	tool("audit", "verify", "--key", t.pki / "audit.key.pub", gateway.audit_file)


with Test() as t:
	metrics_dont_overwrite_the_log(t)
	nor_does_what_stands_beside_it(t)
