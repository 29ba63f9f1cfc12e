"""Goal: on a kernel without Landlock, or where a unit forbids it, the gateway works and says so: in
its log, in --check and in the status, with the cure. sandbox.landlock = "require" refuses then.
Without seccomp it always refuses, and names what forbids it."""
import json
import os
import subprocess

import without
from harness import Test, cathgate, cathgated, eventually, tool
from objects import make

REASONS = {
	"ENOSYS": "the kernel has no Landlock: Linux 5.13 or later has",
	"EOPNOTSUPP": "the kernel was started without Landlock: add landlock to the list of its boot "
		      "option lsm=",
	"EPERM": "Landlock's system calls are forbidden: SystemCallFilter= of the unit, or what the "
		 "gateway runs in, must allow landlock_create_ruleset",
}


def run(program, gateway, *options):
	return subprocess.run([program, *options, "--config", gateway.config], capture_output=True,
			      stdin=subprocess.DEVNULL, text=True)


def problems(gateway):
	told = json.loads(tool("status", "--json", "--config", gateway.config))["problems"]
	return {problem["problem"]: problem for problem in told}


with Test() as t:
	pacs, real = t.pacs(), cathgated()
	os.environ["CATHGATE"] = cathgate()
	for number, (error, why) in enumerate(REASONS.items()):
		program = without.wrapper(t.work / error, real, "landlock_create_ruleset", error)
		os.environ["CATHGATED"] = program
		gateway = t.configured(pacs, {"control.socket": str(t.work / f"control-{number}")})
		checked = run(program, gateway, "--check")
		assert checked.returncode == 0 and why in checked.stderr, checked
		gateway.start()
		assert f"warning: {gateway.config}" in gateway.log() and why in gateway.log()
		association = t.associate(gateway)
		assert association.store(make("explicit")).status == 0
		association.release()
		gateway.answers()
		eventually(lambda: "sandbox-weak" in problems(gateway))
		problem = problems(gateway)["sandbox-weak"]
		assert problem["level"] == "warning" and why in problem["text"], problem
		# A reload that asks for what isn't there is refused, like the next start.
		told = gateway.reload({"sandbox.landlock": "require",
				       "control.socket": str(t.work / f"control-{number}")},
				      outcome="refused")
		assert "without Landlock the gateway is not to start" in told and why[:40] in told, told
		checked = run(program, gateway, "--check")
		assert checked.returncode == 1 and why in checked.stderr, checked
		assert gateway.stop() == 0
		refused = run(program, gateway, "--foreground")
		assert refused.returncode == 1 and why in refused.stderr, refused

	for error, why in (("EPERM", "the system call seccomp is forbidden: SystemCallFilter= of the unit"),
			   ("ENOSYS", "the kernel has no seccomp filters")):
		program = without.wrapper(t.work / f"seccomp-{error}", real, "seccomp", error)
		os.environ["CATHGATED"] = real
		gateway = t.configured(pacs)
		for options in (["--check"], ["--foreground"]):
			refused = run(program, gateway, *options)
			assert refused.returncode == 1 and why in refused.stderr, refused

	# A unit that forbids one of the three calls.
	program = without.wrapper(t.work / "restrict", real, "landlock_restrict_self", "EPERM")
	gateway = t.configured(pacs)
	refused = run(program, gateway, "--foreground")
	assert refused.returncode != 0, refused
	assert f"can't enter its sandbox: {REASONS['EPERM']}" in refused.stderr, refused

	# With Landlock there is nothing to say of it, and a reload says what has to wait.
	gateway = t.gateway(pacs, {"control.socket": str(t.work / "control")})
	if "Landlock" not in gateway.log():
		gateway.answers()
		assert "sandbox-weak" not in problems(gateway)
		told = gateway.reload({"sandbox.landlock": "require",
				       "control.socket": str(t.work / "control")})
		assert "sandbox.landlock" in told, told
		gateway.stop()
		assert gateway.start().stop() == 0
