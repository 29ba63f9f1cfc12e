"""Goal: a log that somebody changed while the gateway was stopped is moved aside whole, an
alert is raised, and work goes on in a new chain."""
from chain import read_log
from harness import Test, eventually
from objects import make


def edit(text):
	return text.replace('"calling_ae":"CATHLAB3"', '"calling_ae":"CATHLAB4"', 1)


def take_out(text):
	lines = text.splitlines(True)
	return "".join(lines[:3] + lines[4:])


def swap(text):
	lines = text.splitlines(True)
	lines[2], lines[3] = lines[3], lines[2]
	return "".join(lines)


def cut(text):
	return "".join(text.splitlines(True)[:-3])


def remove(text):
	return None


with Test() as t:
	pacs = t.pacs()
	for change in (edit, take_out, swap, cut, remove):
		gateway = t.gateway(pacs)
		modality = t.associate(gateway)
		for _ in range(3):
			assert modality.store(make("explicit")).status == 0
		modality.release()
		gateway.wait_audit(event="association", outcome="released")
		assert gateway.stop() == 0
		read_log(gateway.folder)
		assert (gateway.folder / "audit.checkpoint").exists()

		changed = change(gateway.audit_file.read_text())
		if changed is None:
			gateway.audit_file.unlink()
		else:
			gateway.audit_file.write_text(changed)
		gateway.start()
		alert = gateway.wait_audit(event="alert", outcome="raised", reason="audit-broken")
		first = gateway.audit()[0]
		assert first["seq"] == 0 and first["event"] == "start", first
		assert first["detail"] == alert["detail"], first
		if changed is not None:
			broken, = gateway.folder.glob("audit.broken-*.jsonl")
			assert broken.read_text() == changed
			assert broken.stem in alert["detail"], alert
		assert list(gateway.folder.glob("audit.broken-*.checkpoint"))
		assert t.associate(gateway).store(make("explicit")).status == 0

		assert gateway.stop() == 0	# it is said once
		gateway.start()
		eventually(lambda: len(gateway.audit(event="start")) == 2)
		assert len(gateway.audit(reason="audit-broken")) == 1
		read_log(gateway.folder)
