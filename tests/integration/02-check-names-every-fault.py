"""Goal: --check finds what is wrong with a configuration and says where; exit status 1."""
import os
import re
import shutil
import subprocess

from dicom import PATIENCE
from harness import Test, cathgated


def faults(t):
	"""What is changed, and what the message must name."""
	loose = t.work / "loose.key"
	shutil.copy(t.pki / "gateway.key", loose)
	loose.chmod(0o644)
	tls, out = "listen.0.tls", "destinations.0.tls"
	second = {"name": "other", "ae_titles": ["CATHLAB3"], "called_ae_titles": ["CATHGATE"],
		  "certificate": {"common_name": ["angio"]}, "destination": "pacs"}
	return [
		({f"{tls}.key": str(loose)}, r"listen\[0\]\.tls\.key.*loose\.key"),
		({f"{tls}.key": f"{t.pki}/pacs.key"}, r"listen\[0\]\.tls"),
		({f"{out}.key": f"{t.pki}/angio.key"}, r"destinations\[0\]\.tls"),
		({f"{tls}.certificate": f"{t.pki}/none.crt"}, r"none\.crt"),
		({f"{tls}.certificate": f"{t.pki}/gateway-client.crt",
		  f"{tls}.key": f"{t.pki}/gateway-client.key"}, r"listen\[0\]\.tls"),
		({f"{tls}.certificate": f"{t.pki}/gateway-expired.crt",
		  f"{tls}.key": f"{t.pki}/gateway-expired.key"}, r"expired"),
		({f"{tls}.crl": f"{t.pki}/modalities-stale.crl"}, r"listen\[0\]\.tls\.crl"),
		({f"{tls}.ca": f"{t.pki}/regional-chain.crt",
		  f"{tls}.crl": f"{t.pki}/regional-ca.crl"}, r"CRL.*regional-root|regional-root"),
		({f"{tls}.ca": f"{t.pki}/regional-ca.crt", f"{tls}.crl": None},
		 r"listen\[0\]\.tls\.ca"),
		({"limits.max_objects": 1}, r"limits\.max_objects"),
		({"modalities.0.ae_title": "X"}, r"modalities\[0\]\.ae_title\b"),
		({"modalities.0.ae_titles": ["MORE-THAN-SIXTEEN"]}, r"ae_titles"),
		({"modalities.0.certificate": None}, r"modalities\[0\].*certificate"),
		({"modalities.0.certificate": "none"}, r"modalities\[0\]"),
		({"modalities.0.destination": "nowhere"}, r"nowhere"),
		({"modalities.0.sop_classes": ["NoSuchStorage"]}, r"NoSuchStorage"),
		({"modalities.1": second}, r"other.*angio|angio.*other"),
		({"listen.0.tls": "none", "listen.0.address": "0.0.0.0"}, r"listen\[0\]\.address.*127\.0\.0\.1"),
		({"limits.store_seconds": 0}, r"limits\.store_seconds"),
		({"limits.idle_seconds": "300"}, r"limits\.idle_seconds"),
		({"audit.file": "/nonexistent/folder/audit.jsonl"}, r"audit\.file"),
		({"audit.messages": "/nonexistent/folder/messages"},
		 r"audit\.messages: .*can't be made"),
		({"audit.messages": str(loose)}, r"audit\.messages: .*no directory"),
		({"audit.file": str(t.work / "audit.jsonl"), "audit.messages": f"{t.work}/."},
		 r"audit\.messages: .*log's own"),
		({"audit.signing_key": "tls/audit.key"}, r"audit\.signing_key"),
		({"spool": {"mode": "always"}}, r"spool\.key: .*cathgate spool keygen"),
		({"metrics": {"textfile": 1}}, r"metrics.textfile"),
	]


def doubts(t):
	"""What keeps nothing from working but is not meant so: a warning."""
	closed = t.work / "closed"
	closed.mkdir()
	closed.chmod(0o555)
	(t.work / "folder.prom").mkdir()
	yield "/nonexistent/cathgate.prom", "No such file"
	yield f"{t.work}/loose.key/cathgate.prom", "Not a directory"
	yield f"{t.work}/folder.prom", "is there already"
	yield f"{t.work}/cathgate.txt", r"ends in \.prom"
	if os.geteuid() != 0:	# who may write everywhere
		yield f"{closed}/cathgate.prom", "Permission denied"


def check(path):
	done = subprocess.run([cathgated(), "--config", path, "--check"], timeout=PATIENCE,
			      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
	return done.returncode, done.stdout


def must_fail(path, pattern):
	status, said = check(path)
	where = re.search(re.escape(path.name) + r":\d+", said)
	assert status == 1 and re.search(pattern, said) and where, \
		f"status {status}, no {pattern} at a line of {path.name} in:\n{said}"


with Test() as t:
	missed = []
	for changes, pattern in faults(t):
		try:
			must_fail(t.configured(1, changes).config, pattern)
		except AssertionError as fault:
			missed.append(f"{changes}: {fault}")

	for textfile, pattern in doubts(t):
		status, said = check(t.configured(1, {"metrics": {"textfile": textfile}}).config)
		if status != 0 or not re.search(rf":\d+: metrics\.textfile: .*{pattern}", said):
			missed.append(f"metrics.textfile {textfile}: status {status}, {said}")
	good = t.configured(1, {"metrics": {"textfile": f"{t.work}/cathgate.prom"}})
	assert "metrics" not in check(good.config)[1], check(good.config)

	wrapped = t.configured(1).config
	text = wrapped.read_text().replace(
		"grace_seconds = 5;", "max_object_bytes = 8589934592;")
	wrapped.write_text(text)
	line = text[:text.index("8589934592")].count("\n") + 1
	status, said = check(wrapped)
	if status != 1 or "8589934592L" not in said or f":{line}" not in said:
		missed.append(f"a wrapped integer in line {line}: {said}")

	broken = t.configured(1).config
	broken.write_text(broken.read_text().replace("modalities = (", "modalities = ((", 1))
	must_fail(broken, r":\d+")

	soon = t.configured(1, {"listen.0.tls.certificate": f"{t.pki}/gateway-soon.crt",
				"listen.0.tls.key": f"{t.pki}/gateway-soon.key"})
	status, said = check(soon.config)
	if status != 0 or not re.search("expire", said):
		missed.append(f"a certificate that expires soon: status {status}, {said}")

	status, said = check(t.work / "absent.conf")
	assert status in (1, 2) and "absent.conf" in said, said
	assert not missed, "\n\n".join(missed)
