"""Goal: a log has one writer: a second gateway on the same audit log doesn't start."""
import subprocess

from dicom import PATIENCE
from harness import Test, cathgated

with Test() as t:
	first = t.gateway(t.pacs())
	second = t.configured(1, {"audit.file": str(first.audit_file)})
	done = subprocess.run([cathgated(), "--config", second.config, "--foreground"],
			      timeout=PATIENCE, stderr=subprocess.PIPE, text=True)
	assert done.returncode != 0 and "audit.jsonl" in done.stderr, done
	assert len(first.audit(event="start")) == 1
	t.associate(first).release()
