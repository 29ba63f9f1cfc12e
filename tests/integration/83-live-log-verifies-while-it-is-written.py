"""Goal: a log that the gateway is writing and rotating verifies at any moment, signatures
and all; and when it was stopped, each line is covered by a signed checkpoint."""
import os
import pathlib
import threading

from auditlog import run
from chain import by_age
from harness import Test
from objects import make

with Test() as t:
	gateway = t.gateway(t.pacs(), {"audit.checkpoint_records": 7, "audit.rotate_bytes": 20000})
	key = pathlib.Path(t.pki) / "audit.key.pub"
	done, verdicts = threading.Event(), []

	def verify():
		return run("verify", "--config", gateway.config, "--key", key)

	def watch():
		while not done.is_set():
			verdicts.append(verify())

	association = t.associate(gateway)
	assert association.store(make("explicit")).status == 0
	watcher = threading.Thread(target=watch)
	watcher.start()
	try:
		count = 0
		while count < 80 or len(verdicts) < 6:
			assert association.store(make("explicit")).status == 0
			count += 1
	finally:
		done.set()
		watcher.join()
	for verdict in verdicts:
		assert verdict.returncode == 0, verdict.stdout + verdict.stderr
	association.release()
	gateway.stop()
	last = verify()
	assert last.returncode == 0, last.stdout + last.stderr
	assert "chain alone" not in last.stdout, last.stdout
	files = by_age(gateway.folder)
	assert len(files) > 2, files
	# Without its last line, without a file, with a file of its own cut in two.
	text = gateway.audit_file.read_bytes()
	gateway.audit_file.write_bytes(text[:text[:-1].rfind(b"\n") + 1])
	# Where a rotation came last, what a checkpoint covers is in the file before.
	assert text.count(b"\n") < 2 or "truncated" in verify().stdout, text
	gateway.audit_file.write_bytes(text)
	assert verify().returncode == 0
	os.rename(files[1], gateway.folder / "elsewhere")
	missing = verify()
	assert missing.returncode == 1 and "missing" in missing.stdout, missing.stdout
