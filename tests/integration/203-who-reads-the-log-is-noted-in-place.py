"""Goal: that root reads the audit log is noted in the messages' folder, owned by the user
whose folder it is; a link of that user's has root write nowhere else."""
import os
import subprocess

from dicom import PATIENCE
from harness import SKIPPED, Test, cathgate, cathgated

NOBODY = 65534

if os.geteuid() != 0:
	print("skipped: it is about what root does")
	raise SystemExit(SKIPPED)


def tail(config):
	done = subprocess.run([cathgate(), "audit", "tail", "--config", config],
			      capture_output=True, text=True)
	assert done.returncode == 0 and "start" in done.stdout, done
	return done.stderr


def lead(messages, aim):
	"""The service's user has a link where its folder was."""
	messages.rename(messages.with_name("moved"))
	messages.symlink_to(aim)
	os.chown(messages, NOBODY, NOBODY, follow_symlinks=False)


with Test() as t:
	log = t.work / "log"
	log.mkdir()
	messages = log / "messages"
	gateway = t.gateway(t.pacs(), {"audit.file": str(log / "audit.jsonl"),
				       "audit.messages": str(messages)})
	assert gateway.stop() == 0
	for path in (log, *log.rglob("*")):
		os.chown(path, NOBODY, NOBODY)

	assert tail(gateway.config) == ""
	note, = messages.glob("cathgate-used-*.log")
	assert (note.stat().st_uid, note.stat().st_mode & 0o777) == (NOBODY, 0o640)
	assert b"110101" in note.read_bytes()

	aim = t.work / "roots"
	aim.mkdir()
	lead(messages, aim)
	said = tail(gateway.config)
	assert list(aim.iterdir()) == [], "root was led astray"
	assert "can't be told" in said and "symbolic link" in said, said

	# Further up the way it is the same.
	messages.unlink()
	(log / "moved").rename(messages)
	log.rename(t.work / "service")
	deeper = t.work / "service/deeper"
	deeper.symlink_to(aim)
	os.chown(deeper, NOBODY, NOBODY, follow_symlinks=False)
	(aim / "messages").mkdir()
	text = gateway.config.read_text().replace(str(log), str(t.work / "service"))
	gateway.config.write_text(text.replace("service/messages", "service/deeper/messages"))
	assert "can't be told" in tail(gateway.config)
	assert list((aim / "messages").iterdir()) == []

	# Nor does a gateway that somebody starts as root write there, or mend what it finds.
	target = aim / "log"
	target.write_text("no line")
	real = (t.work / "service/audit.jsonl").rename(t.work / "service/kept")
	(t.work / "service/audit.jsonl").symlink_to(target)
	os.chown(t.work / "service/audit.jsonl", NOBODY, NOBODY, follow_symlinks=False)
	done = subprocess.run([cathgated(), "--config", gateway.config, "--foreground"],
			      capture_output=True, text=True, timeout=PATIENCE)
	assert done.returncode != 0 and "can't be opened" in done.stderr, done
	assert target.read_text() == "no line"
	real.rename(t.work / "service/audit.jsonl")

	# Root's own link is as good as the folder.
	os.chown(deeper, 0, 0, follow_symlinks=False)
	assert tail(gateway.config) == ""
	assert len(list((aim / "messages").iterdir())) == 1
