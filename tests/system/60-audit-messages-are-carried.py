"""Goal: cathgate-syslog.service under a real systemd, sandboxed as it is: installed with the
package and started by nobody but the admin, it carries the messages of a stored instance to
the audit repository over mutual TLS; ended, killed, restarted or upgraded it loses none; it
goes with the package."""
import os
import pathlib
import pwd
import shutil
import signal
import time

import audit_messages
import service
from audit_messages import kind, without_repeats, written
from service import PKI, do, eventually, is_serving, shown, step, store

UNIT = "cathgate-syslog.service"
RSYSLOG = pathlib.Path("/etc/cathgate/rsyslog.conf")
STATE = pathlib.Path("/var/lib/cathgate-syslog")
MESSAGES = pathlib.Path("/var/log/cathgate/messages")
SAMPLE = pathlib.Path("/usr/share/doc/cathgate/examples/rsyslog-cathgate.conf")


def installed():
	step("install: the unit is there, and neither enabled nor started")
	first, second = service.build_packages()
	said = service.install(first)
	assert UNIT in said, said
	is_off()
	do("systemctl", "start", UNIT)	# without a configuration there is nothing to do
	assert shown(UNIT, "ActiveState", "ConditionResult") == ["inactive", "no"]
	return second


def is_off():
	assert shown(UNIT, "LoadState", "UnitFileState", "ActiveState") == \
		["loaded", "disabled", "inactive"]


def configured(repository):
	"""As the head of the sample says; only what it marks is changed, and how often it tries."""
	step("set up: messages, the sample, certificates")
	for name, source in (("audit-ca.crt", "hospital-ca.crt"),
			     ("audit-client.crt", "gateway-client.crt"),
			     ("audit-client.key", "gateway-client.key")):
		shutil.copy2(PKI / source, PKI / name)
	do("chown", "-R", "cathgate:cathgate", PKI)
	text = SAMPLE.read_text()
	for before, after in (('target="audit.hospital.example"', 'target="127.0.0.1"'),
			      ('port="6514"', f'port="{repository.port}"'),
			      ('Peers="audit.hospital.example"', 'Peers="pacs.test"'),
			      ('resumeInterval="30"', 'resumeInterval="1"'),
			      ('resumeIntervalMax="300"', 'resumeIntervalMax="1"')):
		assert text.count(before) == 1, before
		text = text.replace(before, after)
	RSYSLOG.write_text(text)
	do("rsyslogd", "-N1", "-f", RSYSLOG)
	service.write_configuration(service.write_pacs(tls=False), {
		"destinations.0.tls": "none", "audit.messages": str(MESSAGES)})
	service.start_pacs("storescp")
	do("cathgated", "--check")


def carrier():
	return int(shown(UNIT, "MainPID"))


def is_working():
	state, pid = shown(UNIT, "ActiveState", "MainPID")
	return state == "active" and int(pid)


def stored():
	assert eventually(lambda: store() == 0)
	stored.count += 1


stored.count = 0


def all_arrived(repository):
	"""Those of an instance that is stored now, and all before it, as they were written."""
	stored()
	count = 2 * stored.count	# in and out
	eventually(lambda: len(transfers(written(MESSAGES))) == count)
	expected = set(written(MESSAGES))
	eventually(lambda: expected <= set(repository.received()))
	assert set(repository.received()) <= set(written(MESSAGES)), "something else came"
	assert len(transfers(without_repeats(repository.received()))) == count


def transfers(messages):
	return [message for message in messages if kind(message)[0] == "110104"]


def started(repository):
	step("enable and start, the repository away; it comes, and gets an instance's messages")
	do("systemctl", "enable", "--now", UNIT)
	do("systemctl", "start", "cathgated.socket", "cathgated.service")
	eventually(is_serving)
	stored()
	status = pathlib.Path(f"/proc/{eventually(is_working)}/status").read_text()
	assert f"Uid:\t{pwd.getpwnam('cathgate').pw_uid}\t" in status, status
	assert "NoNewPrivs:\t1" in status, status
	repository.start()
	all_arrived(repository)
	assert STATE.stat().st_mode & 0o777 == 0o750


def restarted(repository):
	step("restarted, killed, stopped while the repository is away, started: none is lost")
	before = carrier()
	do("systemctl", "restart", UNIT)
	assert carrier() not in (before, 0)
	all_arrived(repository)
	before = carrier()
	os.kill(before, signal.SIGKILL)
	eventually(lambda: is_working() not in (before, 0, False))
	all_arrived(repository)
	repository.end()
	stored()
	do("systemctl", "stop", UNIT)
	assert shown(UNIT, "ActiveState", "Result") == ["inactive", "success"]
	stored()
	do("systemctl", "start", UNIT)
	repository.start()
	all_arrived(repository)


def upgraded(repository, package):
	step("an upgrade restarts it, as it is enabled")
	before = carrier()
	assert UNIT not in service.install(package), "said again"
	eventually(is_working)
	assert carrier() != before
	assert shown(UNIT, "UnitFileState") == "enabled"
	all_arrived(repository)


def spoke_well():
	step("nothing in the journal is about what it may not do")
	said = service.journal("-b", "-u", UNIT)
	for bad in ("ermission denied", "Read-only", "Operation not permitted", "Failed to",
		    "could not", "Unknown key"):
		assert bad not in said, [line for line in said.split("\n") if bad in line]
	do("systemd-analyze", "verify", f"/usr/lib/systemd/system/{UNIT}")


def removed():
	step("remove stops it, purge takes what is its own; messages are evidence and stay")
	do("apt-get", "remove", "-y", "-q", "cathgate")
	assert shown(UNIT, "ActiveState", "LoadState") == ["inactive", "not-found"]
	assert not carrier() and STATE.exists()
	do("apt-get", "purge", "-y", "-q", "cathgate")
	assert not STATE.exists() and not RSYSLOG.exists() and written(MESSAGES)
	assert not list(pathlib.Path("/etc/systemd/system").rglob("cathgate-syslog*"))


began = time.monotonic()
package = installed()
service.make_pki()
repository = audit_messages.Repository(pathlib.Path("/root/repository"), PKI)
configured(repository)
started(repository)
restarted(repository)
upgraded(repository, package)
spoke_well()
removed()
repository.end()
print(f"ok, {time.monotonic() - began:.0f} s")
