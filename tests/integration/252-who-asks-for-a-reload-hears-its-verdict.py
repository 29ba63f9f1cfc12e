"""Goal: cathgate reload, and a change with --reload, wait for the gateway's own verdict: done
with what has changed, or refused with the first fault's file and line; never that of a reload
that began before; and a clear end where nobody answers, or the gateway is gone."""
import json
import os
import signal
import subprocess

from dicom import PATIENCE
from harness import Test, cathgate, child, eventually


def reload(gateway, *more):
	return subprocess.Popen(
		[cathgate(), "reload", "--config", gateway.config, *more], text=True,
		stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def answer(process):
	out, err = process.communicate(timeout=PATIENCE)
	return process.returncode, out, err


def status(gateway):
	done = subprocess.run([cathgate(), "status", "--json", "--config", gateway.config],
			      capture_output=True, timeout=PATIENCE)
	return json.loads(done.stdout)


def takes_or_refuses(gateway, control):
	gateway.reconfigure({**control, "limits.idle_seconds": 77})
	code, out, err = answer(reload(gateway))
	assert code == 0 and "limits.idle_seconds" in out and err == "", (code, out, err)
	assert len(gateway.audit(event="reload", outcome="done")) == 1
	code, out, err = answer(reload(gateway))
	assert code == 0 and "nothing has changed" in out, (code, out, err)

	gateway.reconfigure({**control, "limits.idle_seconds": -1, "limits.grace_seconds": -1})
	code, out, err = answer(reload(gateway))
	assert code == 1 and out == "", (code, out)
	assert f"cathgate: {gateway.config}:" in err and "first of 2 errors" in err, err
	assert "what was in force stays" in err, err
	assert status(gateway)["reload_verdict"]["outcome"] == "refused"


def hears_its_own(gateway, control):
	"""Of several that ask, and after signals that nobody waits for, each hears a verdict on
	the files as they were when it asked."""
	for round_number in range(20):
		gateway.reconfigure({**control, "limits.idle_seconds": -1})
		gateway.signal(signal.SIGHUP)
		gateway.reconfigure({**control, "limits.idle_seconds": 100 + round_number})
		good = [reload(gateway) for _ in range(3)]
		for process in good:
			assert (said := answer(process))[0] == 0, said
		gateway.reconfigure({**control, "limits.idle_seconds": -1})
		assert (said := answer(reload(gateway)))[0] == 1, said
	gateway.reconfigure(control)


def waits_for_an_auditor(gateway):
	"""Whatever is reloaded is recorded, so the verdict comes with the next auditor."""
	old = gateway.helper("auditor")
	os.kill(old, signal.SIGKILL)
	assert (said := answer(reload(gateway)))[0] == 0, said
	assert gateway.helper("auditor") != old


def asked_while_stopped(gateway):
	"""The signal has come, and waits for the gateway to go on."""
	os.kill(gateway.pid, signal.SIGSTOP)
	process = reload(gateway)
	def is_signalled():
		with open(f"/proc/{gateway.pid}/status") as text:
			pending, = (line.split()[1] for line in text if line.startswith("ShdPnd"))
		return int(pending, 16) & 1 << signal.SIGHUP - 1
	eventually(is_signalled)
	return process


def outlives_its_observer(gateway):
	process = asked_while_stopped(gateway)
	os.kill(child(gateway.pid, "observer"), signal.SIGKILL)
	os.kill(gateway.pid, signal.SIGCONT)
	assert (said := answer(process))[0] == 0, said


def changes_its_socket(t, gateway):
	"""Before the reload the gateway answers at the old one, then at the new one."""
	for here, there in (("control", "other"), ("other", "control")):
		gateway.reconfigure({"control.socket": str(t.work / there)})
		code, _, err = answer(reload(gateway))
		assert code == 2 and "is cathgated running" in err, err
		code, out, err = answer(reload(gateway, "--socket", t.work / here))
		assert code == 0, err
		assert answer(reload(gateway))[0] == 0


def ends_meanwhile(gateway):
	process = asked_while_stopped(gateway)
	gateway.process.kill()
	gateway.process.wait()
	gateway.process = None
	code, _, err = answer(process)
	assert code == 2 and "has ended" in err, err
	code, _, err = answer(reload(gateway))
	assert code == 2 and "is cathgated running" in err, err


def named_by_a_change(t):
	"""cathgate modality … --reload gives the same answer, and what was written stays."""
	folder = t.work / "site"
	subprocess.run(
		[cathgate(), "setup", "--directory", folder, "--log-directory", t.work / "log",
		 "--name", "cathlab-3", "--host", "gw.test", "--listen", "127.0.0.1", "--port", "1",
		 "--pacs-host", "127.0.0.1", "--pacs-ae-title", "PACS", "--pacs-ca", "none"],
		check=True, capture_output=True)
	config = folder / "cathgate.conf"
	gateway = t.configured()
	gateway.config, gateway.audit_file = config, t.work / "log/audit.jsonl"
	config.write_text(config.read_text().replace("port = 1;", "port = 0;")
			  + f'\ncontrol: {{ socket = "{t.work}/control"; }};\n')
	def change(*words):
		done = subprocess.run([cathgate(), "modality", *words, "--config", config],
				      capture_output=True, text=True, timeout=PATIENCE, cwd=t.work)
		return done.returncode, done.stdout, done.stderr
	code, out, _ = change("add", "angio", "--ae-title", "CATHLAB3")
	assert code == 0 and "systemctl start cathgated" in out, out
	gateway.start()
	gateway.answers()
	code, out, _ = change("add", "echo", "--ae-title", "ECHO")
	assert code == 0 and f"cathgate reload --config {config}" in out, out
	code, out, err = change("crl", "--reload")
	assert code == 0 and "has reloaded" in out and "echo" in out, (out, err)
	key = folder / "tls/gateway.key"
	key.chmod(0o644)
	code, out, err = change("remove", "echo", "--reload")
	assert code == 1 and "gateway.key" in err and "stays" in err, (code, out, err)
	assert not (folder / "modalities.d/echo.conf").exists()
	key.chmod(0o600)
	code, out, err = change("crl", "--reload")
	assert code == 0 and "echo" in out, (out, err)


with Test() as t:
	control = {"control.socket": str(t.work / "control")}
	gateway = t.gateway(t.pacs(), control)
	gateway.answers()
	takes_or_refuses(gateway, control)
	hears_its_own(gateway, control)
	waits_for_an_auditor(gateway)
	outlives_its_observer(gateway)
	changes_its_socket(t, gateway)
	ends_meanwhile(gateway)
	named_by_a_change(t)
