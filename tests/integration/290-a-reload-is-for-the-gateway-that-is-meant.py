"""Goal: `cathgate reload --config X` never tells another gateway to reload, and where nobody
answers, a gateway that is the service's is told all the same, with its user's rights: by the
unit's ExecReload=, and by root; no other process is."""
import os
import pathlib
import subprocess

import small_disk
from dicom import PATIENCE
from harness import Test, cathgate, eventually
from own_machine import LOG, SITE, Machine, mount

small_disk.in_namespace()
CONFIG = SITE / "cathgate.conf"


def reload(*more, environment=None):
	done = subprocess.run(
		[tool, "reload", *map(str, more)], capture_output=True, text=True, timeout=PATIENCE,
		stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
	return done.returncode, done.stdout + done.stderr


def reloads():
	return LOG.read_text().count('"event":"reload"')


def answers_at(socket):
	"""Once the gateway that runs has made it."""
	return eventually(lambda: subprocess.run([tool, "status", "--json", "--socket", socket],
						 capture_output=True, check=False).returncode == 0)


def listens_at(name):
	"""What the file says, which counts after a reload."""
	text = plain + (f'\ncontrol: {{ socket = "/run/cathgate/{name}"; }};\n' if name else "")
	CONFIG.write_text(text)


def nobody_elses():
	"""The usual gateway runs; the other one doesn't."""
	other = t.work / "other.conf"
	for text, word in (
			(f'{plain}\ncontrol: {{ socket = "{t.work}/none"; }};\n', "is cathgated running"),
			(plain.replace(str(LOG), "/var/log/cathgate/other.jsonl"), "another gateway"),
			("listen = (\n", "it can't be read")):
		other.write_text(text)
		before = reloads()
		code, said = reload("--config", other)
		assert code == 2 and word in said, (code, said)
		assert reloads() == before, said
	# The configuration that names no socket has its gateway at the usual place.
	other.write_text(plain)
	code, said = reload("--config", other)
	assert code == 0, said
	# An edit of the usual one's socket counts after the reload.
	listens_at("next")
	code, said = reload()
	assert code == 0, said
	answers_at("/run/cathgate/next")


def is_told(code, said, before):
	assert code == 2 and "has been told to reload" in said, (code, said)
	assert "journalctl -u cathgated" in said, said
	eventually(lambda: reloads() > before)


def root_asks_systemd(process, machine):
	"""The socket in force is neither that of the file nor the usual one."""
	listens_at("third")
	before = reloads()
	code, said = reload()
	assert code == 2 and "told to reload" not in said, said
	is_told(*reload(environment=machine.systemd(MainPID=process.pid)), before)
	answers_at("/run/cathgate/third")
	listens_at("fourth")
	# Of another user's process systemd's word isn't enough, nor is another socket meant.
	bystander = subprocess.Popen(["sleep", "1000"])
	code, said = reload(environment=machine.systemd(MainPID=bystander.pid))
	assert code == 2 and "nor can it be told" in said, said
	code, said = reload("--socket", "/run/cathgate/none", environment=machine.systemd(MainPID=bystander.pid))
	assert code == 2 and "told" not in said, said
	assert bystander.poll() is None
	bystander.kill()
	bystander.wait()


def the_unit_is_told(process, machine):
	"""ExecReload= runs as the service's user and in its control group, is told its process, and
	sees nothing of it."""
	groups = {name: t.work / name for name in ("cathgated.service", "acme.service")}
	for name, file in groups.items():
		file.write_text(f"0::/system.slice/{name}\n")
	def asked(unit, *more):
		done = subprocess.run(
			["sh", "-c", 'mount --bind "$0" /proc/$$/cgroup && exec "$@"', groups[unit],
			 "setpriv", f"--reuid={machine.uid}", f"--regid={machine.uid}",
			 "--clear-groups", tool, "reload", *more], capture_output=True, text=True,
			timeout=PATIENCE, stdin=subprocess.DEVNULL,
			env={**os.environ, "MAINPID": str(process.pid)})
		return done.returncode, done.stdout + done.stderr
	mount("-t", "proc", "-o", "hidepid=2", "proc", "/proc")
	listens_at("fifth")
	before = reloads()
	for unit, more in (("acme.service", []), ("cathgated.service", ["--config", t.work / "other.conf"])):
		code, said = asked(unit, *more)
		assert code == 2 and "told" not in said, said
	assert reloads() == before
	is_told(*asked("cathgated.service"), before)
	answers_at("/run/cathgate/fifth")


with Test() as t:
	machine = Machine(t)
	small_disk.FOLDER.chmod(0o755)
	tool = small_disk.FOLDER / "cathgate"
	tool.write_bytes(pathlib.Path(cathgate()).read_bytes())
	tool.chmod(0o755)
	t.work.chmod(0o755)
	machine.setup()
	os.mkdir("/run/cathgate", 0o750)
	os.chown("/run/cathgate", machine.uid, machine.uid)
	plain = CONFIG.read_text()
	process = machine.start()
	answers_at("/run/cathgate/control")
	nobody_elses()
	root_asks_systemd(process, machine)
	the_unit_is_told(process, machine)
	machine.stop(process)
