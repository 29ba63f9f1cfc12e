"""Goal: `cathgate modality` leaves comments and other entries alone, refuses what can't be
right and changes nothing then; and however it ends, a modality is in whole or not at all,
with no key open to others and no secret on the command line's output but the one."""
import fcntl
import json
import os
import re
import subprocess

from dicom import PATIENCE
from harness import Test, cathgate, cathgated
from steps import STRIDE, can_trace, created_files, run_with_fault


def run(*command):
	return subprocess.run([cathgate(), *map(str, command)], capture_output=True, text=True,
			      stdin=subprocess.DEVNULL, timeout=PATIENCE)


def setup(t, name):
	folder = t.work / name
	done = run("setup", "--directory", folder, "--log-directory", t.work / "log",
		   "--host", "gw.test", "--listen", "127.0.0.1", "--pacs-host", "127.0.0.1",
		   "--pacs-ae-title", "PACS", "--pacs-ca", t.pki / "hospital-ca.crt")
	assert done.returncode == 0, done.stderr
	return folder


def modality(folder, verb, *arguments, status=0):
	done = run("modality", verb, *arguments, "--config", folder / "cathgate.conf")
	assert done.returncode == status, (verb, arguments, done.stdout, done.stderr)
	return done.stdout if status == 0 else done.stderr


def listed(folder):
	return {entry["name"]: entry for entry in json.loads(modality(folder, "list", "--json"))}


def snapshot(folder):
	return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def good(folder):
	done = subprocess.run([cathgated(), "--check", "--config", folder / "cathgate.conf"],
			      capture_output=True, text=True)
	assert done.returncode == 0, done.stderr


def what_cant_be_right(t, folder):
	modality(folder, "add", "angio", "--ae-title", "ANGIO", "--output", t.work / "angio")
	before = snapshot(folder)
	key = t.pki / "angio.key"
	for arguments, status, says in (
			(["x"], 2, "--ae-title"), (["a b", "--ae-title", "A"], 2, "is no name"),
			(["../x", "--ae-title", "A"], 2, "is no name"),
			(["x", "y", "--ae-title", "A"], 2, "one modality"),
			(["x", "--ae-title", "A\\B"], 2, "is no AE title"),
			(["x", "--ae-title", "A", "--address", "10.0.0"], 2, "10.0.0.0/24|range"),
			(["x", "--ae-title", "A", "--days", "0"], 2, "from 1 to"),
			(["x", "--ae-title", "A", "--confirm"], 2, "confirm"),
			(["x", "--ae-title", "A", "--sop-class", "XRay"], 1, "is the name of no"),
			(["x", "--ae-title", "A", "--destination", "n"], 1, "no destination"),
			(["x", "--ae-title", "A", "--certificate", key], 2, "no certificate"),
			(["x", "--ae-title", "A", "--request", key], 1, "no certificate request"),
			(["x", "--ae-title", "A", "--password-file", "/dev/null"], 1, "password"),
			(["angio", "--ae-title", "B"], 1, "already"),
			(["x", "--ae-title", "A", "--output", t.work], 1, "not empty"),
			(["x", "--ae-title", "A", "--output", "/nonexistent/x"], 1, "nonexistent")):
		output = [] if "--output" in arguments else ["--output", t.work / "x"]
		said = modality(folder, "add", *arguments, *output, status=status)
		assert re.search(re.escape(says).replace(r"\|", "|"), said), (arguments, said)
		assert snapshot(folder) == before, arguments
		assert not (t.work / "x").exists(), arguments
	for verb in ("renew", "revoke", "remove"):
		assert "no modality" in modality(folder, verb, "nobody", status=1)
	assert snapshot(folder) == before


def uuid_in(entry):
	return re.search(r"urn:uuid:[0-9a-f-]+", entry.read_text())[0]


def comments_stay(t, folder):
	entry = folder / "modalities.d/angio.conf"
	entry.write_text(entry.read_text() + "// the one in room 3\nmax_associations = 2;\n")
	before = entry.read_text(), (folder / "cathgate.conf").read_text()
	name = uuid_in(entry)
	modality(folder, "renew", "angio", "--output", t.work / "angio-2")
	assert "old still allowed" in listed(folder)["angio"]["state"]
	modality(folder, "renew", "angio", "--confirm", "--now")
	modality(folder, "revoke", "angio")
	assert listed(folder)["angio"]["state"] == "revoked"
	modality(folder, "renew", "angio", "--output", t.work / "angio-3")
	assert listed(folder)["angio"]["state"] == "good"
	assert uuid_in(entry) != name, "whoever has the lost name would be let in"
	modality(folder, "add", "ct", "--ae-title", "CT", "--output", t.work / "ct")
	modality(folder, "remove", "ct")
	modality(folder, "crl", "--days", 100)
	assert before == (entry.read_text().replace(uuid_in(entry), name),
			  (folder / "cathgate.conf").read_text())
	good(folder)


def its_own_certificate(t, folder):
	for name in ("own", "own-2", "own-4", "own-5"):
		subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
				"ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
				"-addext", "extendedKeyUsage=clientAuth", "-days", "9", "-keyout", t.work / f"{name}.key",
				"-out", t.work / f"{name}.crt"], check=True, capture_output=True)
		with open(folder / "tls/modalities-ca.crt", "ab") as trusted:
			trusted.write((t.work / f"{name}.crt").read_bytes())
	modality(folder, "add", "own", "--ae-title", "OWN", "--certificate", t.work / "own.crt",
		 "--output", t.work / "own")
	assert listed(folder)["own"]["state"] == "expires soon"
	first = listed(folder)["own"]["certificate"]
	entry = folder / "modalities.d/own.conf"
	entry.write_text("// mine\n" + entry.read_text())
	assert "give its new one" in modality(folder, "renew", "own", status=1)
	modality(folder, "renew", "own", "--certificate", t.work / "own-2.crt",
		 "--output", t.work / "own-2")
	pins = re.findall("[0-9a-f]{64}", entry.read_text())
	assert pins[0] == first and len(pins) == 2 and "// mine" in entry.read_text()
	modality(folder, "renew", "own", "--confirm", "--now")
	assert re.findall("[0-9a-f]{64}", entry.read_text()) == pins[1:]
	modality(folder, "revoke", "own")
	modality(folder, "renew", "own", "--certificate", t.work / "own.crt",
		 "--output", t.work / "own-3")
	assert re.findall("[0-9a-f]{64}", entry.read_text()) == pins[:1], "the revoked one is back"
	modality(folder, "remove", "own")


def its_own_request(t, folder):
	subprocess.run(["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj",
			"/CN=any", "-keyout", t.work / "csr.key", "-out", t.work / "its.csr"],
		       check=True, capture_output=True)
	modality(folder, "add", "csr", "--ae-title", "CSR", "--request", t.work / "its.csr",
		 "--output", t.work / "csr")
	assert sorted(path.name for path in (t.work / "csr").iterdir()) == [
		"ca.crt", "csr.crt", "csr.txt"]
	text = subprocess.run(["openssl", "x509", "-in", t.work / "csr/csr.crt", "-noout",
			       "-text"], capture_output=True, text=True).stdout
	assert "CN = csr" in text or "CN=csr" in text
	assert "URI:urn:uuid:" in text and "TLS Web Client" in text
	modality(folder, "remove", "csr")


def an_entry_in_the_main_file(t, folder):
	entry = folder / "modalities.d/angio.conf"
	with open(folder / "cathgate.conf", "a") as conf:
		conf.write("modalities = ( {\n" + entry.read_text() + "} );\n")
	entry.unlink()
	assert "change it there, or take it out" in modality(folder, "remove", "angio", status=1)
	assert listed(folder)["angio"]["name"] == "angio"


def the_password_is_shown_once(t, folder):
	said = modality(folder, "add", "pw", "--ae-title", "PW", "--output", t.work / "pw")
	password = re.search(r"shown this once: (\S+)", said)[1]
	subprocess.run(["openssl", "pkcs12", "-in", t.work / "pw/pw.p12", "-noout",
			"-passin", f"pass:{password}"], check=True, capture_output=True)
	for path, text in {**snapshot(folder), **snapshot(t.work / "pw")}.items():
		assert password.encode() not in text, path
	modality(folder, "remove", "pw")


def two_at_once(t, folder):
	lock = os.open(folder / ".lock", os.O_RDONLY)
	fcntl.flock(lock, fcntl.LOCK_EX)
	assert "another" in modality(folder, "crl", status=2)
	os.close(lock)


def keys_are_never_open(t, folder):
	command = [cathgate(), "modality", "add", "traced", "--ae-title", "T", "--pem",
		   "--output", t.work / "traced", "--config", folder / "cathgate.conf"]
	for path, mode in created_files(command, t.work / "strace.log"):
		if str(t.work) in path and "modalities.d" not in path:
			assert mode & 0o077 == 0, (path, oct(mode))
	modality(folder, "remove", "traced")


def each_step(t, folder):
	for fault in ("signal=SIGKILL", "error=EIO"):
		for step in range(1, 60, STRIDE):
			output = t.work / f"{fault[:5]}-{step}"
			command = [cathgate(), "modality", "add", "step", "--ae-title", "STEP",
				   "--output", output, "--config", folder / "cathgate.conf"]
			before = listed(folder).keys()
			done = run_with_fault(command, "fsync", step, fault)
			good(folder)
			after = listed(folder).keys()
			if done.returncode != 0 and fault.startswith("error"):
				assert after == before, (step, done.stderr)
			if "step" in after:
				modality(folder, "remove", "step")
			if done.returncode == 0:
				break
		assert 4 < step < 59, step
	# A CRL that can't be written whole stays as it was.
	modality(folder, "add", "last", "--ae-title", "LAST", "--output", t.work / "last")
	for step in range(1, 20):
		done = run_with_fault([cathgate(), "modality", "revoke", "last", "--config",
				       folder / "cathgate.conf"], "fsync", step, "signal=SIGKILL")
		good(folder)
		if done.returncode == 0:
			break
	assert 2 < step < 19, step
	assert listed(folder)["last"]["state"] == "revoked"
	done = run_with_fault([cathgate(), "modality", "remove", "last", "--config",
			       folder / "cathgate.conf"], "unlinkat", 1, "error=EIO")
	assert done.returncode == 1 and "last.conf.revoked: Input/output error" in done.stderr, done
	assert listed(folder)["last"]["state"] == "revoked"


def renew_with_fault(t, folder, name, step, fault, *arguments):
	"""Whether it failed."""
	output, before = t.work / f"{name}-{fault}-{step}", snapshot(folder)
	done = run_with_fault([cathgate(), "modality", "renew", name, "--output", output,
			       *arguments, "--config", folder / "cathgate.conf"], "fsync", step,
			      fault)
	good(folder)
	if done.returncode and "KILL" not in fault and not output.exists():
		assert snapshot(folder) == before, (name, fault, step)
	return done.returncode != 0


def renewals_step_by_step(t, folder):
	"""What was revoked is never back with its lost name; what fails has changed nothing."""
	entry = folder / "modalities.d/back.conf"
	modality(folder, "add", "back", "--ae-title", "BACK", "--output", t.work / "back")
	modality(folder, "add", "pinned", "--ae-title", "PINNED", "--certificate",
		 t.work / "own-5.crt", "--output", t.work / "pinned")
	pinned = folder / "modalities.d/pinned.conf"
	bound = pinned.read_text()
	for fault in ("signal=SIGKILL", "error=EIO", "signal=SIGINT"):
		for step in range(1, 60, STRIDE):
			lost = uuid_in(entry)
			modality(folder, "revoke", "back")
			failed = renew_with_fault(t, folder, "back", step, fault)
			if entry.exists():
				assert uuid_in(entry) != lost, (fault, step)
			else:
				modality(folder, "renew", "back", "--output", t.work / f"x{fault}{step}")
			assert listed(folder)["back"]["state"] == "good"
			if not failed:
				break
		assert 4 < step < 59, (fault, step)
		for step in range(1, 60, STRIDE):
			pinned.write_text(bound)
			if not renew_with_fault(t, folder, "pinned", step, fault, "--certificate",
						t.work / "own-4.crt"):
				break
		assert 3 < step < 59, (fault, step)
	for name in ("back", "pinned"):
		modality(folder, "remove", name)


with Test() as t:
	folder = setup(t, "etc")
	what_cant_be_right(t, folder)
	comments_stay(t, folder)
	its_own_certificate(t, folder)
	its_own_request(t, folder)
	the_password_is_shown_once(t, folder)
	two_at_once(t, folder)
	if can_trace():
		keys_are_never_open(t, folder)
		each_step(t, folder)
		renewals_step_by_step(t, folder)
	an_entry_in_the_main_file(t, folder)
