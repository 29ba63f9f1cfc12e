#!/usr/bin/env python3
"""Goal: alerts.command hears of a problem that begins, becomes critical and ends, once each however
often it comes and goes, and of the log's alerts, each as one JSON object, by a process that has
nothing of the gateway's; the samples bring them by mail and to a webhook. A command that fails, hangs or leaves others behind does no harm; a flood is summed
up; one that can't be run, or that others could change, is refused."""
import http.server
import json
import os
import queue
import shutil
import socketserver
import subprocess
import threading
import time

import metrics
from authority import DAY, Authority
from dicom import PATIENCE, RELEASE_RP, XA_CONTEXT, release_pdu
from harness import ROOT, Skip, Test, eventually, is_alive
from objects import make

MAIL, WEBHOOK = ROOT / "conf/alert-mail.sh", ROOT / "conf/alert-webhook.sh"


class Hook(http.server.BaseHTTPRequestHandler):
	def do_POST(self):
		text = self.rfile.read(int(self.headers["Content-Length"]))
		self.server.heard.put(json.loads(text))
		self.send_response(204)
		self.end_headers()

	def log_message(self, *_):
		pass


class Smtp(socketserver.StreamRequestHandler):
	"""As much of RFC 5321 as a sender needs."""
	def say(self, text):
		self.wfile.write(text.encode() + b"\r\n")

	def handle(self):
		recipients = []
		self.say("220 test")
		while line := self.rfile.readline().decode().strip():
			word = line.split()[0].upper()
			if word == "RCPT":
				recipients.append(line)
			if word == "DATA":
				self.say("354 go on")
				text = b""
				while (part := self.rfile.readline()) != b".\r\n":
					text += part
				self.server.heard.put((recipients, text.decode()))
			self.say("221 bye" if word == "QUIT" else "250 good")


def serve(kind, handler):
	server = kind(("127.0.0.1", 0), handler)
	server.heard = queue.Queue()
	threading.Thread(target=server.serve_forever, daemon=True).start()
	return server, server.server_address[1]


def alerting(*command):
	return {**fixed, "alerts": {"command": list(map(str, command))}}


def script(name, text):
	path = t.work / name
	path.write_text(f"#!/bin/sh\n{text}\n")
	path.chmod(0o755)
	return path


def moody(association):
	"""A PACS that refuses as many instances as `refuses` has items."""
	association.accept()
	while (message := association.receive()) is not None:
		association.respond(message, status=refuses.pop() if refuses else 0)
	association.send(release_pdu(RELEASE_RP))


def refuse_once():
	refuses.append(0xA700)
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0xA700
	modality.release()


def fail_once():
	modality = t.connect(gateway)
	modality.request(contexts=[XA_CONTEXT])
	modality.close()


def store_once():
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	modality.release()


def counted(outcome):
	def read():
		samples = metrics.parse(prom.read_text()) if prom.exists() else {}
		return samples.get(("cathgate_alert_commands_total", (("outcome", outcome),)), 0)
	return eventually(read)


def raised():
	return next(h for h in iter(lambda: hook.heard.get(timeout=PATIENCE), None)
		    if h["alert"] == "raised")


with Test() as t:
	if not shutil.which("curl"):
		raise Skip("there is no curl")
	prom = t.work / "cathgate.prom"
	fixed = {"metrics": {"textfile": str(prom)}}
	refuses = []
	pacs = t.pacs(moody)
	hook, hook_port = serve(http.server.ThreadingHTTPServer, Hook)
	smtp, smtp_port = serve(socketserver.ThreadingTCPServer, Smtp)
	gateway = t.gateway(pacs, alerting(WEBHOOK, f"http://127.0.0.1:{hook_port}/x"))

	# A problem begins, with one instance; then the PACS is down.
	away = {**alerting(WEBHOOK, f"http://127.0.0.1:{hook_port}/x"), "destinations.0.port": 1}
	refuse_once()
	def heard_of(problem):
		return next(h for h in iter(lambda: hook.heard.get(timeout=PATIENCE), None)
			    if h.get("problem") == problem)
	heard = heard_of("destination-failing")
	assert (heard["alert"], heard["subject"], heard["level"], heard["node"]) == (
		"began", "pacs", "warning", "test"), heard
	gateway.reload(away)
	fail_once()
	heard = heard_of("destination-failing")
	assert (heard["alert"], heard["subject"], heard["level"]) == ("began", "pacs", "critical"), heard
	assert heard["text"].startswith("destination pacs fails: destination-unreachable"), heard
	# It comes and goes, for long enough to be seen each time, and is one problem.
	gateway.reload(alerting(WEBHOOK, f"http://127.0.0.1:{hook_port}/x"))
	for _ in range(4):
		store_once()
		time.sleep(1.5)
		refuse_once()
		time.sleep(1.5)
	store_once()
	heard = next(h for h in iter(lambda: hook.heard.get(timeout=PATIENCE), None)
		     if h.get("problem") == "destination-failing" or h["alert"] == "more")
	# Four alerts a minute are told one by one. If this machine's disk hung meanwhile, the
	# gateway has told of that, too, and the end is among the alerts that it sums up.
	disk_hung = "the audit log's disk doesn't answer" in gateway.log()
	assert heard["alert"] == "ended" or disk_hung and heard["alert"] == "more", heard
	assert disk_hung or hook.heard.empty()
	assert counted("done") >= 1

	# The same by mail, and it is said that the configuration is not taken.
	gateway.reload(alerting(MAIL, f"smtp://127.0.0.1:{smtp_port}", "cathgate@test.example",
				"one@test.example", "two@test.example"))
	gateway.helper("alerter")
	gateway.reload({**fixed, "destinations.0.port": 0}, "refused")
	recipients, text = smtp.heard.get(timeout=PATIENCE)
	while "reload" not in text:	# others may have been told before
		recipients, text = smtp.heard.get(timeout=PATIENCE)
	assert len(recipients) == 2 and "<two@test.example>" in recipients[1], recipients
	assert "Subject: [Cathgate test] began: the last reload was refused" in text, text
	assert "To: one@test.example, two@test.example\r\n" in text, text
	eventually(lambda: counted("done") >= 3)
	assert "alerter: " not in gateway.log()

	# So is what a flood is summed up as.
	more = {"alert": "more", "node": "test", "time": "2026-01-31T12:00:00Z", "level": "critical",
		"count": 21, "texts": ["one", "two"], "text": "and 21 more"}
	subprocess.run([MAIL, f"smtp://127.0.0.1:{smtp_port}", "a@test.example", "b@test.example"],
		       input=json.dumps(more, separators=(",", ":")), text=True, check=True)
	while "Subject: [Cathgate test] more: and 21 more" not in smtp.heard.get(timeout=PATIENCE)[1]:
		pass

	# The command has nothing of the gateway's: no descriptor, no variable, none of its
	# processes survive it; its output is in the log when it fails.
	seen = t.work / "seen"
	looks = script("looks", f"cat >/dev/null; ls -l /proc/$$/fd >{seen}.fds; env >{seen}.env\n"
			f"grep Sig /proc/self/status >{seen}.signals\n"
			f"sleep 1000 & echo $! >{seen}.child; echo it is broken >&2; exit 3")
	os.environ["CATHGATE_SECRET"] = "x"
	gateway.reload(alerting(looks))
	gateway.reload({**fixed, "destinations.0.port": 0}, "refused")
	gateway.wait_log(f"alerts.command {looks} ended with 3: it is broken")
	environment = (t.work / "seen.env").read_text()
	assert "CATHGATE_SECRET" not in environment and "NOTIFY_SOCKET" not in environment
	for line in (t.work / "seen.fds").read_text().splitlines()[1:]:
		target = line.rpartition(" -> ")[2]	# beside the shell's own
		assert target.startswith(("pipe:", str(seen), str(looks))), line
	child = int((t.work / "seen.child").read_text())
	eventually(lambda: not is_alive(child))
	eventually(lambda: counted("failed") >= 1)

	# What the gateway can't run, or others could change, it refuses, with the cure.
	for command, words in (("alert", "absolute path"), (t.work / "none", "No such file"),
			       (t.work, "can't be run")):
		detail = gateway.reload(alerting(command), "refused")
		assert "alerts.command" in detail and words in detail, detail
	looks.chmod(0o777)
	assert "changed by others" in gateway.reload(alerting(looks), "refused")
	looks.chmod(0o755)

	# One that hangs is ended with all that it started, and nobody has waited for it.
	hangs = script("hangs", f"sleep 1000 & echo $! >{seen}.hung; sleep 1000")
	assert "alerts.command changed" in gateway.reload(alerting(hangs))
	gateway.reload({**fixed, "destinations.0.port": 0}, "refused")
	hung = t.work / "seen.hung"
	eventually(lambda: hung.exists() and hung.read_text().strip())
	store_once()
	gateway.wait_log("did not end within 30 s, and was ended")
	child = int(hung.read_text())
	eventually(lambda: not is_alive(child))

	# An alert of the log, a certificate that will end: also of the reload that brought the
	# command, before there was anybody to hear it, and while the alerter is replaced.
	webhook = alerting(WEBHOOK, f"http://127.0.0.1:{hook_port}/x")
	ca = Authority(t.work, "hospital")
	gateway.reload(fixed)
	hook.heard.queue.clear()
	for name in ("soon", "later"):
		ca.issue(name, "subjectAltName = DNS:gateway.test\nextendedKeyUsage = serverAuth",
			 last=20 * DAY)
		gateway.reload({**webhook, "listen.0.tls.certificate": str(t.work / f"{name}.crt"),
				"listen.0.tls.key": str(t.work / f"{name}.key")})
		# One of the moment before may be told once more.
		while f"{name}.crt" not in (heard := raised())["text"]:
			pass
		assert heard["problem"] == "tls-expired", heard
		gateway.replace("alerter")
