#!/usr/bin/env python3
"""Goal: cathgate status tells an operator on one screen what must be seen to, who was refused
and what ends, in times as a person says them; what is over goes. --nagios says the same to a
monitor: by its exit status, in one line, with figures."""
import json
import os
import re
import socket
import subprocess

import dicom
from authority import DAY, Authority
from config import fingerprint
from dicom import XA_CONTEXT
from harness import Test, cathgate, eventually
from objects import make
from terminal import on_a_terminal

WIDTH, ROWS = 80, 24
OK, WARNING, CRITICAL, UNKNOWN = range(4)
# name=value[UOM];warn;crit;min;max, as the Monitoring Plugins' guidelines have it.
FIGURE = re.compile(r"(\w+)=(-?[0-9.]+)(s|c|)((?:;[0-9.:]*){0,4})")


def status(*options):
	return subprocess.run([cathgate(), "status", "--socket", control, *options],
			      capture_output=True, text=True, check=False)


def shown(rows=None):
	"""What people see, which folds where it doesn't fit, whatever it says."""
	done = status()
	lines = done.stdout.splitlines()
	for line in lines:	# a path is not broken, so that it can be copied
		assert len(line) <= WIDTH or re.fullmatch(r" *\S+", line), line
	assert not rows or len(lines) <= rows, done.stdout
	assert not re.search(r"\d\.\d{6}|\dT\d\d:|\x1b", done.stdout), done.stdout
	return " ".join(done.stdout.split())


def answered(text, size=None):
	"""By somebody who isn't the observer."""
	path = t.work / "answerer"
	path.unlink(missing_ok=True)
	with socket.socket(socket.AF_UNIX) as listener:
		listener.bind(str(path))
		listener.listen()
		asks = subprocess.Popen([cathgate(), "status", "--socket", path], text=True,
					stdout=subprocess.PIPE, stderr=subprocess.PIPE)
		memory = os.memfd_create("answer")
		os.write(memory, text)
		os.ftruncate(memory, size or len(text))
		client, _ = listener.accept()
		socket.send_fds(client, [b"x"], [memory])
		client.close()
		os.close(memory)
		stdout, stderr = asks.communicate(timeout=dicom.PATIENCE)
	return subprocess.CompletedProcess(asks.args, asks.returncode, stdout, stderr)


def problems():
	return {item["problem"]: item for item in json.loads(status("--json").stdout or "{}")
		.get("problems", [])}


def nagios(code):
	"""Its text and its figures."""
	done = status("--nagios")
	assert done.returncode == code and done.stdout.count("\n") == 1, done
	word = ("OK", "WARNING", "CRITICAL", "UNKNOWN")[code]
	text, _, figures = done.stdout.rstrip("\n").partition("|")
	assert text.startswith(f"CATHGATE {word} - ") and not done.stderr, done
	found = [FIGURE.fullmatch(figure) for figure in figures.split()]
	assert all(found), figures
	return text, {match[1]: float(match[2]) for match in found}


def refused(title, count):
	for _ in range(count):
		modality = t.connect(gateway)
		modality.request(calling=title, contexts=[XA_CONTEXT])
		modality.close()


def behind_one_address():
	"""It tells nobody then. A certificate of a known CA that has ended is told by its subject,
	until one with that subject is let in; a scanner's, of an unknown CA, is not."""
	contexts = {}

	def issued(what, ca, name, **dates):
		Authority(t.work, ca).issue(name, "extendedKeyUsage = clientAuth\n", **dates)
		contexts[what] = dicom.client_context(t.pki, None)
		contexts[what].load_cert_chain(t.work / f"{name}.crt", t.work / f"{name}.key")

	issued("scanner", "stranger-ca", "scanner")
	issued("ended", "device-ca", "echo", first=-9 * DAY, last=-DAY)
	issued("ECHO", "device-ca", "echo")
	issued("ANGIO", "device-ca", "angio")
	gateway = t.gateway(pacs, {
		**changes, "listen.0.tls.ca": str(t.work / "device-ca.crt"), "listen.0.tls.crl": None,
		"modalities": [{"name": name, "ae_titles": [name.upper()], "destination": "pacs",
				"called_ae_titles": ["CATHGATE"],
				"certificate": {"sha256": [fingerprint(t.work / f"{name}.crt")]}}
			       for name in ("echo", "angio")]})

	def let_in(title):
		before = len(gateway.audit(outcome="accepted"))
		association = t.connect(gateway, context=contexts[title])
		answer = association.request(calling=title, contexts=[XA_CONTEXT])
		assert isinstance(answer, dicom.Request), answer
		association.release()
		gateway.wait_audit_beyond(before, outcome="accepted")

	let_in("ECHO")
	let_in("ANGIO")
	for what in ("scanner", "ended"):
		for _ in range(3):
			assert t.is_refused(gateway, context=contexts[what])
	eventually(lambda: status("--nagios").returncode == WARNING)
	told = json.loads(status("--json").stdout)["problems"]
	assert [item["subject"] for item in told] == ["certificate CN=echo"], told
	let_in("ANGIO")
	assert "CN=echo is refused again" in shown(), shown()
	let_in("ECHO")
	eventually(lambda: status("--nagios").returncode == OK)
	gateway.stop()


def colours_are_the_problems():
	"""A CRL is soon over when a certificate is not."""
	ca = Authority(t.work, "crl-ca")
	for days, colour in ((10, None), (2, "33"), (0.5, "31")):
		ca.crl("crl-ca.crl", last=days * DAY)
		gateway = t.gateway(pacs, {**changes, "listen.0.tls.ca": str(t.work / "crl-ca.crt"),
					   "listen.0.tls.crl": str(t.work / "crl-ca.crl")})
		eventually(lambda: status().returncode == 0)
		text = on_a_terminal([cathgate(), "status", "--socket", control])
		ends, = [line for line in text.split("that end\n")[1].splitlines()
			 if "crl-ca.crl" in line]
		assert re.findall(r"\x1b\[(3\d)m", ends) == ([colour] if colour else []), ends
		assert gateway.stop() == 0


with Test() as t:
	control = t.work / "control"
	pacs = t.pacs()
	changes = {"control": {"socket": str(control)}}
	behind_one_address()
	colours_are_the_problems()
	gateway = t.gateway(pacs, changes)
	eventually(lambda: status().returncode == 0)
	assert problems() == {} and "seen to" not in shown(ROWS)
	text, figures = nagios(OK)
	assert "serving, 0 associations open" in text, text
	assert figures["associations"] == figures["refused"] == 0, figures
	assert figures["audit_writable"] == 1 and figures["certificate_days"] > 14, figures

	# Twice is a slip; three times is somebody in trouble, who is named.
	refused("WRONG", 2)
	eventually(lambda: "last refusal" in shown())
	assert "AE title WRONG" in shown() and "ae-unknown" in shown(), shown()
	assert "127.0.0.1" in shown() and re.search(r"\d (s|min) ago", shown()), shown()
	eventually(lambda: nagios(OK)[1]["refused"] == 2)
	refused("WRONG", 1)
	eventually(lambda: "refused" in problems())
	assert problems()["refused"]["subject"] == "AE title WRONG", problems()
	assert "warning AE title WRONG is refused again and again: ae-unknown" in shown(ROWS)
	text, figures = nagios(WARNING)
	assert "AE title WRONG" in text and figures["refused"] == 3, (text, figures)

	# It is over when that title is let in.
	gateway.reload({**changes, "modalities.0.ae_titles": ["CATHLAB3", "WRONG"]})
	t.associate(gateway, calling="WRONG").release()
	eventually(lambda: "refused" not in problems())
	gateway.reload(changes)

	# Who has been let in is known by the address before anything is proved.
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	gateway.wait_audit(event="instance")
	for _ in range(3):
		assert t.is_refused(gateway, certificate="modality-stranger")
	def known():
		return [item for item in json.loads(status("--json").stdout)["problems"]
			if item["subject"] == "modality angio"]
	assert eventually(known)[0]["text"].endswith("tls-untrusted: " + gateway.audit(
		reason="tls-untrusted")[-1]["detail"]), known()
	eventually(lambda: "1 association open" in shown())	# it is told once a second
	assert "CATHLAB3" in shown(), shown()
	# It is let in: that is over.
	modality.release()
	t.associate(gateway).release()
	eventually(lambda: not known())

	# A destination that fails, until it doesn't.
	assert "pacs: good" in shown()
	pacs.close()
	modality = t.connect(gateway)
	modality.request(contexts=[XA_CONTEXT])
	modality.close()
	eventually(lambda: "destination-failing" in problems())
	assert "CRITICAL destination pacs fails: destination-" in shown(), shown()
	text, figures = nagios(CRITICAL)
	assert text.startswith("CATHGATE CRITICAL - destination pacs fails"), text
	assert figures["destinations_failing"] == 1, figures

	# A reload is one line, however much it brought; one that is refused is a problem.
	entry = {"called_ae_titles": ["CATHGATE"], "certificate": {"dns": ["m.test"]},
		 "destination": "pacs"}
	gateway.reload({**changes, **{f"modalities.{i}": {
		**entry, "name": f"modality-with-a-long-name-{i}", "ae_titles": [f"M{i}"]}
		for i in range(1, 41)}})
	eventually(lambda: "and 39 more changes" in shown())
	gateway.reload({**changes, "destinations.0.port": 0}, "refused")
	eventually(lambda: "reload-refused" in problems())
	assert "destinations[0].port" in shown(), shown()
	gateway.reload(changes)
	eventually(lambda: "reload-refused" not in problems())

	# Text for a terminal is never taken for colours, or a monitor's figures.
	refused("A|B", 3)
	eventually(lambda: "A/B" in nagios(CRITICAL)[0])
	assert "modality angio (AE title A|B) is refused" in shown(), shown()

	# Misuse is unknown to a monitor, as is what it may not ask; down is critical.
	done = status("--nagios", "--bogus")
	assert done.returncode == UNKNOWN, done
	done = status("--nagios", "--json")
	assert done.returncode == UNKNOWN and "exclude" in done.stderr, done
	assert status("--json", "--watch").returncode == 2
	if os.getuid() == 0:
		t.work.chmod(0o755)
		control.chmod(0o666)
		done = subprocess.run(
			["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", cathgate(),
			 "status", "--socket", control, "--nagios"], capture_output=True, text=True,
			check=False)
		if done.returncode != 127:	# it can't reach the build folder
			assert done.returncode == UNKNOWN and "as root" in done.stdout, done
	assert gateway.stop() == 0
	text, figures = nagios(CRITICAL)
	assert "systemctl status cathgated" in text and not figures, text

	# Whoever may have taken the observer over steers no terminal, and fills no memory.
	evil = "\x1b]0;x\x07\x1b[8m\u202e"
	done = answered(json.dumps({"node": evil, "version": evil, "state": evil, "destinations": [
		{"name": evil, "health": evil, "last_success": evil}], "ends": [], "problems": [
		{"text": evil, "level": evil, "time": evil, "problem": evil}], "associations": [
		{"modality": evil, "since": evil}]}).encode())
	assert "cathgated \\u001b]0;x" in done.stdout, done
	assert not set(evil) - set("]0;x[8m") & set(done.stdout + done.stderr), done
	done = answered(b"{}", size=1 << 40)
	assert done.returncode == 2 and "no JSON" in done.stderr, done
