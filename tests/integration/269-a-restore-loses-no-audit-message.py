"""Goal: audit messages that wait for their repository beside the log are still there when the log
is restored, and how far the exporter has come goes with them; on a bare machine, which has
neither, all that the log says is told again. What can't go along stops the restore, and so does
a rsyslog that reads there."""
import os
import subprocess

import small_disk
from audit_messages import marks, written
from harness import Test
from own_machine import LOG, OWN_UID, SITE, Machine

small_disk.in_namespace()
MESSAGES = LOG.parent / "messages"
POSITION = LOG.parent / "audit.exported-messages"


def started_machine(uid):
	machine = Machine(t, uid)
	machine.setup()
	machine.configure("  signing_key", f'  messages = "{MESSAGES}";\n  signing_key')
	return machine


def ran(machine):
	"""The messages when the gateway has run once more."""
	machine.stop(machine.start())
	return written(MESSAGES)


def restored(status=0, *how, **more):
	return machine.run("restore", file, "--passphrase-file", secret, "--yes", *how, status=status,
			   **more)


def state():
	return sorted(str(path) for path in LOG.parent.rglob("*"))


def refused(says, *how, **more):
	before = state()
	said = restored(1, *how, **more)
	assert says in said and state() == before, said


def rsyslog_is_stopped_first():
	"""systemctl's answer while it runs and the gateway doesn't."""
	programs = t.work / "programs"
	programs.mkdir()
	systemctl = programs / "systemctl"
	systemctl.write_text("#!/bin/sh\ncase $* in *is-active*cathgate-syslog*) ;; *) exit 3 ;; esac\n")
	systemctl.chmod(0o755)
	refused("systemctl stop cathgated.socket cathgated.service cathgate-syslog.service",
		env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})


def what_cannot_go_along_is_named():
	odd = MESSAGES / "odd"
	odd.symlink_to("/etc/shadow")
	refused(f"{odd} is neither a plain file nor a folder")
	odd.unlink()
	subprocess.run(["mount", "-t", "tmpfs", "tmpfs", MESSAGES], check=True)
	(MESSAGES / "cathgate-1.log").write_text("#\n")
	refused("is on another file system")
	subprocess.run(["umount", MESSAGES], check=True)


with Test() as t:
	secret, file = t.work / "secret", t.work / "gw.backup"
	secret.write_text("a long enough passphrase\n")
	machine = started_machine(OWN_UID)
	told = ran(machine)
	assert told and POSITION.exists()
	machine.run("backup", file, "--passphrase-file", secret, "--with-log")
	names = subprocess.run(f"openssl cms -decrypt -inform DER -binary -in {file} -pwri_password "
			       f"'{secret.read_text().strip()}' | tar -tzf -", shell=True, check=True,
			       capture_output=True, text=True).stdout.split()
	assert "log/audit.jsonl" in names, names
	assert not [name for name in names if "exported" in name or "messages" in name], names

	rsyslog_is_stopped_first()
	what_cannot_go_along_is_named()

	# Here the files stay the same ones, so rsyslog goes on where it was.
	(MESSAGES / "of an admin").write_text("kept")
	(LOG.parent / "audit.torn-earlier").write_text("kept")
	inodes = {path.name: path.stat().st_ino for path in MESSAGES.glob("*.log")}
	position, owner = POSITION.read_bytes(), MESSAGES.stat()
	(SITE / "rsyslog.conf").write_text("# one\n")
	assert "cathgate-syslog" not in restored()	# its configuration isn't in the backup
	assert written(MESSAGES) == told and POSITION.read_bytes() == position
	assert {path.name: path.stat().st_ino for path in MESSAGES.glob("*.log")} == inodes
	now = MESSAGES.stat()
	assert (now.st_uid, now.st_gid, now.st_mode) == (owner.st_uid, owner.st_gid, owner.st_mode)
	assert (MESSAGES / "of an admin").read_text() == "kept"
	assert (LOG.parent / "audit.torn-earlier").read_text() == "kept"
	more = ran(machine)
	assert more[:len(told)] == told and len(more) > len(told)
	assert len(set(marks(more))) == len(more), "a message was told twice"
	machine.run("audit", "verify")

	# On a bare machine.
	machine = Machine(t, uid=777)
	restored()
	assert not MESSAGES.exists() and not POSITION.exists()
	again = ran(machine)
	assert again[:len(told)] == told and len(again) > len(told), (len(again), len(told))
