"""Goal: `cathgate diagnose --destination` walks the way to a PACS, and where it breaks says at
which step, why, and what to do in which line of the configuration."""
import json
import os
import socket
import ssl
import subprocess

import dicom
from harness import Test, cathgate

STEPS = ["name", "connection", "tls", "server-name", "certificate", "own-certificate",
	 "association", "echo"]


def walk(t, pacs, changes=None, *more, status=1, environment=None):
	config = t.configured(pacs, {"limits.connect_seconds": 5, "limits.response_seconds": 5,
				     **(changes or {})}).config
	done = subprocess.run([cathgate(), "diagnose", "--destination", "pacs", "--json",
			       "--config", str(config), *more], capture_output=True, text=True,
			      stdin=subprocess.DEVNULL, timeout=dicom.PATIENCE,
			      env={**os.environ, **(environment or {})})
	assert done.returncode == status, (status, done.stdout, done.stderr)
	return json.loads(done.stdout) if status < 2 else done.stderr, config


def line_of(config, key):
	"""The last line of the configuration that begins with the key: the destination's."""
	lines = config.read_text().splitlines()
	return max(number for number, line in enumerate(lines, 1) if line.startswith(key))


def breaks(t, step, reason, says, cure, pacs, changes=None, *more):
	"""`cure` is a key, whose line must be told, or words."""
	told, config = walk(t, pacs, changes, *more)
	assert not told["good"] and [one["step"] for one in told["steps"]] == STEPS, told
	failed, = (one for one in told["steps"] if one["result"] == "failed")
	assert (failed["step"], failed["reason"]) == (step, reason), failed
	assert says in failed["detail"], failed
	if " " not in cure:
		cure = f"(line {line_of(config, cure)} of "
	assert cure in failed["cure"], (cure, failed)
	at = STEPS.index(step)
	assert all(one["result"] == "skipped" for one in told["steps"][at + 1:]), told
	return told


def silent(association):
	association.read_request()
	association.read(1)


def aborts(association):
	association.read_request()
	association.abort()


def refuses_echo(association):
	association.accept(lambda *_: (3, "1.2.840.10008.1.2"))
	association.serve()


def fails_echo(association):
	association.accept()
	association.serve(status=0x0211)


def all_passes(t):
	told, config = walk(t, t.pacs(), status=0)
	steps = {one["step"]: one for one in told["steps"]}
	assert told["good"] and list(steps) == STEPS, told
	assert all(one["result"] == "passed" for one in steps.values()), told
	assert steps["tls"]["version"] == "TLSv1.3", told
	assert steps["tls"]["group"] in ("X25519", "X25519MLKEM768"), told
	certificate = steps["certificate"]
	assert certificate["subject"].startswith("CN=pacs,") and certificate["issuer"], certificate
	assert certificate["begins"] < certificate["ends"], certificate
	assert "CATHLAB3 called PACS" in steps["association"]["detail"], steps["association"]
	text = subprocess.run([cathgate(), "diagnose", "--destination", "pacs", "--config",
			       str(t.configured(t.pacs()).config)], capture_output=True, text=True)
	assert text.returncode == 0 and "All steps passed" in text.stdout, text
	told, _ = walk(t, t.pacs(tls=False), {"destinations.0.tls": "none"}, status=0)
	assert [one["result"] for one in told["steps"]][2:6] == ["skipped"] * 4, told


def before_tls(t):
	breaks(t, "name", "destination-unreachable", "no.such.invalid", "host", t.pacs(),
	       {"destinations.0.host": "no.such.invalid"})
	with socket.create_server(("127.0.0.1", 0)) as closed:
		port = closed.getsockname()[1]
	breaks(t, "connection", "destination-unreachable", "refused", "port", port)


def tls(t):
	untrusted = "destination-tls"
	breaks(t, "tls", untrusted, "not-tls", "port",
	       t.pacs(lambda association: association.send(dicom.abort_pdu()), tls=False))
	breaks(t, "tls", "destination-timeout", "in time", "without TLS is often silent",
	       t.pacs(tls=False))	# it takes what comes for the head of a long PDU
	breaks(t, "server-name", "destination-name", "pacs.test", "server_name",
	       t.pacs(certificate="pacs-elsewhere"))
	breaks(t, "certificate", untrusted, "tls-untrusted", "ca", t.pacs(certificate="pacs-stranger"))
	breaks(t, "certificate", untrusted, "tls-expired", "renew its certificate",
	       t.pacs(certificate="pacs-expired"))
	breaks(t, "certificate", untrusted, "tls-revoked", "crl",
	       t.pacs(certificate="pacs-revoked"),
	       {"destinations.0.tls.crl": f"{t.pki}/hospital.crl"})
	breaks(t, "certificate", untrusted, "public_key_sha256", "public_key_sha256 is set",
	       t.pacs(), {"destinations.0.tls.public_key_sha256": ["00" * 32]})
	told = breaks(t, "own-certificate", untrusted, "tls-peer-refused", "certificate",
		      t.pacs(ca="stranger-ca"))	# heard at the first read: TLS 1.3
	assert told["steps"][2]["version"] == "TLSv1.3", told
	breaks(t, "own-certificate", untrusted, "the gateway's own certificate", "certificate",
	       t.pacs(), {"destinations.0.tls.certificate": f"{t.pki}/gateway-client-expired.crt",
			  "destinations.0.tls.key": f"{t.pki}/gateway-client-expired.key"})
	with socket.create_server(("127.0.0.1", 0)) as deaf:
		breaks(t, "tls", "destination-timeout", "in time", "port", deaf.getsockname()[1])


def old_tls(t):
	pacs = t.pacs()
	pacs.context.maximum_version = ssl.TLSVersion.TLSv1_2
	breaks(t, "tls", "destination-tls", "tls-version", "min_version", pacs,
	       {"destinations.0.tls.min_version": "1.3"})


def dicom_steps(t):
	def rejects(*codes):
		return t.pacs(lambda association: association.reject(*codes))
	rejected = "destination-rejected"
	breaks(t, "association", rejected, "called AE", "called_ae_title", rejects(1, 1, 7))
	breaks(t, "association", rejected, "calling AE", "enter that AE title", rejects(1, 1, 3))
	told = breaks(t, "association", rejected, "OTHER called PACS", "called_ae_title",
		      rejects(1, 1, 1), None, "--calling-ae", "OTHER")
	assert told["calling_ae"] == "OTHER"
	breaks(t, "association", rejected, "too busy", "try again later", rejects(2, 3, 1))
	breaks(t, "association", "destination-lost", "aborted", "the PACS's log", t.pacs(aborts))
	breaks(t, "association", "destination-timeout", "in time", "port", t.pacs(silent))
	breaks(t, "echo", "destination-context", "no C-ECHO", "enable Verification",
	       t.pacs(refuses_echo))
	breaks(t, "echo", "destination-status", "0211", "look the status up", t.pacs(fails_echo))


def own_files(t):
	says, _ = walk(t, t.pacs(), {"destinations.0.tls.key": "credential:client.key"}, status=2)
	assert "LoadCredential=client.key:" in says, says
	folder = t.work / "credentials"
	folder.mkdir()
	(folder / "client.key").write_bytes((t.pki / "gateway-client.key").read_bytes())
	walk(t, t.pacs(), {"destinations.0.tls.key": "credential:client.key"}, status=0,
	     environment={"CREDENTIALS_DIRECTORY": str(folder)})
	says, _ = walk(t, t.pacs(), {"destinations.0.name": "other",
				     "modalities.0.destination": "other"}, status=2)
	assert "those that there are: other" in says, says


with Test() as t:
	all_passes(t)
	before_tls(t)
	tls(t)
	old_tls(t)
	dicom_steps(t)
	own_files(t)
