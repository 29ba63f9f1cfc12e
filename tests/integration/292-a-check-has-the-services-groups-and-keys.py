"""Goal: root's check has the rights that the unit gives the service, with Group= and
SupplementaryGroups=, and refuses to judge as a user who isn't there. Where systemd keeps no
credentials, as for a service that is stopped, it says what a credential needs."""
import os
import pathlib
import subprocess

import small_disk
from dicom import PATIENCE
from harness import Test, cathgated
from own_machine import SITE, Machine

small_disk.in_namespace()
KEYS = pathlib.Path("/run/credentials/cathgated.service")


def check(**service):
	done = subprocess.run([cathgated(), "--check"], capture_output=True, text=True,
			      timeout=PATIENCE, stdin=subprocess.DEVNULL,
			      env={**os.environ, **machine.systemd(**service)})
	return done.returncode, done.stdout + done.stderr


def as_the_service():
	"""A file that only another group may read."""
	with open("/etc/group", "a") as groups:
		groups.write("shared:x:4711:\nother:x:4712:\n")
	certificate = SITE / "tls/gateway.crt"
	before = certificate.stat()
	os.chown(certificate, 0, 4711)
	certificate.chmod(0o640)
	code, said = check()
	assert code == 1 and "gateway.crt: Permission denied" in said, said
	for groups in ({"SupplementaryGroups": "other shared"}, {"SupplementaryGroups": "4711"},
		       {"Group": "shared", "SupplementaryGroups": "cathgate"}):
		code, said = check(**groups)
		assert code == 0 and "checked as the user cathgate" in said, (groups, said)
	code, said = check(Group="shared")	# which is instead of its own
	assert code == 1 and "Permission denied" in said, said
	os.chown(certificate, before.st_uid, before.st_gid)
	for service, word in (({"User": "gone"}, "no user \"gone\""), ({"Group": "gone"}, "no group"),
			      ({"SupplementaryGroups": "shared gone"}, "no group \"gone\"")):
		code, said = check(**service)
		assert code == 2 and word in said, (service, said)
	code, said = check(User=str(machine.uid))
	assert code == 0 and "checked as the user cathgate" in said, said
	code, said = check(User="")
	assert code == 0 and "checked as" not in said, said


def with_its_credentials():
	machine.configure('key = "tls/gateway.key"', 'key = "credential:gateway.key"')
	code, said = check()
	assert code == 1 and "needs systemd's CREDENTIALS_DIRECTORY" in said, said
	assert "/run/credentials" not in said, said
	# What needs no key goes on all the same.
	machine.run("modality", "add", "angio", "--ae-title", "ANGIO", "--output", t.work / "angio")
	KEYS.mkdir(parents=True)
	code, said = check()
	assert code == 1 and "while the service runs, those that its unit names" in said, said
	key = KEYS / "gateway.key"
	key.write_bytes((SITE / "tls/gateway.key").read_bytes())
	os.chown(key, machine.uid, machine.uid)
	key.chmod(0o400)
	code, said = check()
	assert code == 0, said


with Test() as t:
	machine = Machine(t)
	machine.setup()
	as_the_service()
	with_its_credentials()
