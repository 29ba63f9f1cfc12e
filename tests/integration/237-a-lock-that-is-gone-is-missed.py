"""Goal: when somebody removes the audit log's lock file, the gateway locks the log anew; a
second gateway that was quicker writes on undisturbed, and the first names it."""
import subprocess

from dicom import PATIENCE
from harness import Test, cathgated, eventually, tool
from objects import make


def is_verified(log):
	tool("audit", "verify", "--key", t.pki / "audit.key.pub", log)


def it_is_locked_anew():
	gateway = t.gateway(pacs, {"audit.checkpoint_records": 2})
	modality = t.associate(gateway)
	lock = gateway.folder / "audit.lock"
	assert modality.store(make("explicit")).status == 0
	lock.unlink()
	for _ in range(3):
		assert modality.store(make("explicit")).status == 0
	eventually(lock.exists)
	second = t.configured(pacs, {"audit.file": str(gateway.audit_file)})
	done = subprocess.run([cathgated(), "--config", second.config, "--foreground"],
			      timeout=PATIENCE, stderr=subprocess.PIPE, text=True, check=False)
	assert done.returncode != 0 and "has the audit log locked" in done.stderr, done
	modality.release()
	assert gateway.stop() == 0
	is_verified(gateway.audit_file)


def a_quicker_one_is_named():
	first = t.gateway(pacs)
	one = t.associate(first)
	assert one.store(make("explicit")).status == 0
	(first.folder / "audit.lock").unlink()
	second = t.configured(pacs, {"audit.file": str(first.audit_file)})
	second.start()
	other = t.associate(second)
	for _ in range(3):
		assert other.store(make("explicit")).status == 0
		assert one.store(make("explicit")).status == 0xA700
	assert "another process has it locked" in first.log(), first.log()
	assert "stop the other gateway" in first.log(), first.log()
	assert not list(first.folder.glob("audit.broken*")), "the second's log was moved"
	first.stop()
	other.release()
	assert second.stop() == 0
	is_verified(first.audit_file)


with Test() as t:
	pacs = t.pacs()
	it_is_locked_anew()
	a_quicker_one_is_named()
