"""Goal: who follows the README has a modality's first image at the PACS with five commands
after the package is installed; and sees it in cathgate status, as whom that is allowed."""
import json
import os
import pathlib
import pwd
import stat
import subprocess
import time

import hospital
from document import blocks
from service import SOURCE, audit, do, eventually, main_pid, shown, step

PAGE, SECTION = "README.md", "Set it up for a real site"
CONTROL = pathlib.Path("/run/cathgate/control")
ANSWERS = {"Host of the PACS": hospital.PACS_HOST, "AE title of the PACS": "PACS",
	   "File with the CA certificate": str(hospital.HOSPITAL_CA),
	   "Host names and addresses": f"{hospital.GATEWAY_HOST},{hospital.GATEWAY_ADDRESS}"}


def built(building):
	step("build and install, as the README says")
	for command in building.commands():
		if command != "apt-get update":	# here is no network
			do("bash", "-ec", command, cwd=SOURCE,
			   env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
	assert shown("cathgated.service", "ActiveState", "Result") == ["inactive", "success"]


def told_what_to_do(cure, *commands, user="root"):
	"""A command that can't do its work yet names what is to be done first."""
	for command in commands:
		done = subprocess.run(["runuser", "-u", user, "--", "cathgate", *command.split()],
				      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
		assert done.returncode == 2 and cure in done.stdout, (command, done)


def first_image(commands):
	step(f"the README's {len(commands)} commands")
	assert len(commands) <= 5, commands
	setup, add, start, status, tail = commands
	assert setup.startswith("cathgate setup") and "modality add" in add
	told_what_to_do("cathgate setup", "modality list", "audit tail", "diagnose")
	said = hospital.answered(setup, ANSWERS)
	assert "is written, and good" in said, said
	told_what_to_do("systemctl start cathgated", "audit tail", "diagnose")
	told_what_to_do("root", "modality list", "audit tail", "diagnose", user="nobody")
	hospital.start_pacs(pathlib.Path("/etc/cathgate/tls/modalities-ca.crt"))
	said = hospital.shell(add)
	modality = hospital.Modality(hospital.HOME / add.split()[3], hospital.PASSWORD.search(said)[1])
	assert start in said, f"after the modality it should be {start}: {said}"
	hospital.shell(start)
	assert eventually(modality.echoes), modality.run("echoscu").stdout
	image = modality.sends()
	line = audit(event="instance", outcome="forwarded")[-1]
	assert (line["sop_instance"], line["sha256"]) == (image.sop_instance, image.sha256)
	assert line["peer"].startswith(hospital.MODALITY_ADDRESS), line
	assert image.sop_instance in hospital.shell(tail) and "forwarded" in hospital.shell(tail)
	eventually(lambda: "pacs: good" in asked()[1])	# it is told of what is new once a second
	said = hospital.shell(status)
	assert "is serving" in said and "pacs: good" in said, said
	return modality


def asked(user=None, *options):
	"""What cathgate status says to somebody, and its exit status."""
	who = ["runuser", "-u", user, "--"] if user else []
	done = subprocess.run([*who, "cathgate", "status", *options], text=True,
				   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
	return done.returncode, done.stdout


def shown_to_whom_it_concerns(modality):
	step("cathgate status under the hardened unit: root and the group, nobody else")
	assert stat.S_IMODE(CONTROL.stat().st_mode) == 0o660
	assert stat.S_IMODE(CONTROL.parent.stat().st_mode) == 0o750
	def told(what):
		return json.loads(asked(None, "--json")[1])[what]
	assert told("state") == "serving" and told("audit")["writable"]
	eventually(lambda: {end["owner"] for end in told("ends")}
			   == {"gateway", "modality", "destination"})
	for user, group in (("technician", "cathgate"), ("visitor", "users")):
		do("useradd", "--groups", group, user)
	assert asked("technician")[0] == 0, asked("technician")
	code, said = asked("visitor")
	assert code == 2 and "member of the gateway's group" in said, said
	# The folder keeps visitors away; so does who answers, if somebody opens it.
	CONTROL.parent.chmod(0o755)
	CONTROL.chmod(0o666)
	code, said = asked("visitor")
	assert code == 2 and "member of the gateway's group" in said, said
	assert asked("technician")[0] == 0 and asked()[0] == 0

	before = main_pid()
	do("systemctl", "restart", "cathgated.service")
	assert main_pid() != before
	eventually(lambda: asked()[0] == 0)
	modality.sends()
	do("systemctl", "stop", "cathgated.socket", "cathgated.service")
	code, said = asked()
	assert code == 2 and "systemctl status cathgated" in said, said


began = time.monotonic()
building, *rest = blocks(PAGE, SECTION)
built(building)
hospital.make_network()
hospital.make_hospital()
shown_to_whom_it_concerns(first_image([c for block in rest for c in block.commands()]))
print(f"ok, {time.monotonic() - began:.0f} s")
