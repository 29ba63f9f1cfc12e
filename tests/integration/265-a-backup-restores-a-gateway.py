"""Goal: `cathgate backup` seals all that makes a machine this gateway, in a form that openssl
and tar open as well; `cathgate restore` brings it back on a bare machine whose user has another
number, proves it before it replaces anything, and keeps what was there."""
import io
import json
import os
import pathlib
import subprocess
import tarfile

import small_disk
from harness import Test
from own_machine import LOG, SITE, UNITS, Machine, hidden

small_disk.in_namespace()
PASSPHRASE = "a long enough passphrase"
DROP_IN = UNITS / "cathgated.socket.d/override.conf"
NARROW = "[Socket]\nListenStream=\nListenStream=192.168.40.1:2762\n"


def openssl(*arguments, **more):
	return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True,
			      **more).stdout


def prepare(machine):
	"""All that an admin changes."""
	machine.setup()
	machine.run("modality", "add", "angio", "--ae-title", "ANGIO", "--output",
		    t.work / f"angio-{machine.number}")
	for unit in ("cathgated.socket", "cathgated.service", "cathgate-syslog.service"):
		folder = UNITS / f"{unit}.d"
		folder.mkdir()
		(folder / "override.conf").write_text(NARROW)
	machine.configure("\naudit:", '\nalerts: { command = [ "/usr/bin/true", "1" ]; };\naudit:')
	(UNITS / "cathgate-syslog.service").symlink_to("/dev/null")
	machine.run("spool", "keygen")	# without it what waits in a spool is lost
	machine.configure("\naudit:", '\nspool: { mode = "fallback"; key = "tls/spool.key"; '
			  f'directory = "{LOG.parent}/spool"; min_free_bytes = 4096; }};\naudit:')
	pathlib.Path("/etc/nftables.conf").write_text("flush ruleset\n")
	machine.stop(machine.start())


def tree(folder):
	"""Names, modes, owners by name and content."""
	names = {0: "root", machine.uid: "cathgate"}
	found = {}
	for path in [folder, *folder.rglob("*")]:
		if path.name.endswith(".lock"):
			continue
		status = path.lstat()
		found[str(path)] = (oct(status.st_mode), names[status.st_uid], names[status.st_gid],
				    os.readlink(path) if path.is_symlink()
				    else path.read_bytes() if path.is_file() else None)
	return found


def whole():
	everything = tree(SITE) | {path: content for path, content in tree(UNITS).items()
				   if "cathgate" in path}
	everything["nftables"] = pathlib.Path("/etc/nftables.conf").read_bytes()
	return everything


def aside():
	return sorted(path for folder in ("/etc", UNITS, "/var/log")
		      for path in pathlib.Path(folder).iterdir() if "before-restore" in path.name)


def others_open_it(file, *how):
	"""Without cathgate."""
	plain = openssl("cms", "-decrypt", "-inform", "DER", "-binary", "-in", file, *how)
	names = tarfile.open(fileobj=io.BytesIO(plain)).getnames()
	for name in ("manifest.json", "etc/cathgate/ca/ca.key", "etc/cathgate/tls/spool.key", "etc/cathgate/cathgate.conf",
		     "etc/cathgate/modalities.d/angio.conf", "etc/nftables.conf",
		     "etc/systemd/system/cathgated.socket.d/override.conf",
		     "etc/systemd/system/cathgate-syslog.service"):
		assert name in names, (name, names)
	assert "etc/cathgate/.lock" not in names
	return names


def it_is_sealed(machine):
	file = t.work / "gw.backup"
	said = machine.run("backup", file, "--passphrase-file", secret)
	assert "without the audit log" in said, said
	assert "It has not /usr/bin/true, " in said, said
	assert file.stat().st_mode & 0o777 == 0o600
	sealed = file.read_bytes()
	for clear in (b"PRIVATE KEY", b"angio", b"cathgate.conf", b"manifest"):
		assert clear not in sealed, clear
	names = others_open_it(file, "-pwri_password", PASSPHRASE)
	assert not [name for name in names if name.startswith("log")]
	assert "there already" in machine.run("backup", file, "--passphrase-file", secret, status=2)
	assert file.read_bytes() == sealed
	short = t.work / "short"
	short.write_text("elevenbytes\n")
	assert "no passphrase" in machine.run("backup", t.work / "no", "--passphrase-file", short,
					      status=2)
	assert "nobody to ask" in machine.run("backup", t.work / "no", status=2)
	assert not (t.work / "no").exists()
	return file


def it_comes_back(file, before):
	"""On a bare machine, with the log."""
	global machine
	log = {path.name: path.read_bytes() for path in LOG.parent.iterdir()
	       if path.suffix != ".lock" and path.is_file()}
	machine = Machine(t, uid=777)
	said = machine.run("restore", file, "--passphrase-file", secret, "--yes")
	assert "replaced:  /etc/cathgate\n" in said and "systemctl start cathgated" in said, said
	assert whole() == before
	assert DROP_IN.read_text() == NARROW, "the listener is wider than it was"
	assert {path.name: path.read_bytes() for path in LOG.parent.iterdir()} == log
	assert LOG.parent.stat().st_uid == 777 and LOG.stat().st_uid == 777
	assert not hidden(t.work)
	# The same chain goes on.
	last = json.loads(log["audit.jsonl"].splitlines()[-1])
	machine.stop(machine.start())
	lines = [json.loads(line) for line in LOG.read_text().splitlines()]
	began = next(line for line in lines if line["seq"] == last["seq"] + 1)
	assert (began["event"], began["prev"]) == ("start", last["hash"])
	machine.run("audit", "verify")


def what_was_there_is_kept(file, before):
	"""Also a drop-in that the backup hasn't: it would change the restored gateway."""
	(UNITS / "cathgate-crl.timer.d").mkdir()
	(SITE / "cathgate.conf").write_text("// another\n")
	for path in aside():
		subprocess.run(["rm", "-r", path], check=True)
	said = machine.run("restore", file, "--passphrase-file", secret, "--yes", "--without-log")
	assert "goes away: /etc/systemd/system/cathgate-crl.timer.d" in said, said
	assert whole_but_aside() == before
	kept = {path.name.split(".before")[0]: path for path in aside()}
	assert (kept["cathgate"] / "cathgate.conf").read_text() == "// another\n"
	assert set(kept) == {"cathgate", "nftables.conf", "cathgate-crl.timer.d",
			     "cathgate-syslog.service", "cathgate-syslog.service.d",
			     "cathgated.service.d", "cathgated.socket.d"}, kept


def whole_but_aside():
	return {path: content for path, content in whole().items() if "before-restore" not in path}


def a_running_gateway_is_left_alone(file):
	gateway = machine.start()
	before = whole()
	said = machine.run("restore", file, "--passphrase-file", secret, "--yes", status=1)
	assert "a gateway runs" in said and "systemctl stop" in said, said
	assert whole() == before
	machine.stop(gateway)


def a_newer_log_is_left_alone(file):
	lines = LOG.read_bytes()
	said = machine.run("restore", file, "--passphrase-file", secret, "--yes", status=1)
	assert "lines that the backup has not" in said and "--without-log" in said, said
	assert LOG.read_bytes() == lines
	machine.run("restore", file, "--passphrase-file", secret, "--yes", "--without-log")
	assert LOG.read_bytes() == lines


def the_log_is_where_the_configuration_says(file):
	"""Not in the usual place."""
	machine.configure("/var/log/cathgate/audit.jsonl", "/var/log/other/audit.jsonl")
	other = LOG.parent.parent / "other"
	other.mkdir()
	os.chown(other, machine.uid, machine.uid)
	elsewhere = t.work / "elsewhere"
	machine.run("backup", elsewhere, "--passphrase-file", secret)
	restore = "restore", elsewhere, "--passphrase-file", secret, "--yes"
	assert LOG.exists() and "There is no audit log" in machine.run(*restore)
	(other / "audit.jsonl").write_bytes(LOG.read_bytes())
	os.chown(other / "audit.jsonl", machine.uid, machine.uid)
	LOG.rename(LOG.parent / "away")
	assert "There is no audit log" not in machine.run(*restore)
	(LOG.parent / "away").rename(LOG)
	machine.run("restore", file, "--passphrase-file", secret, "--yes", "--without-log")


def only_an_answer_replaces(file):
	before = whole()
	assert "--yes" in machine.run("restore", file, "--passphrase-file", secret, "--without-log",
				      status=2)
	assert whole() == before


def recipients_open_it(machine):
	for kind, how in (("ec", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]), ("rsa", ["rsa:3072"])):
		key, certificate = t.work / f"{kind}.key", t.work / f"{kind}.crt"
		openssl("req", "-x509", "-newkey", *how, "-keyout", key, "-out", certificate, "-subj",
			"/CN=safe", "-passout", "pass:of the key")
	file = t.work / "for-two"
	machine.run("backup", file, "--recipient", t.work / "ec.crt", "--recipient",
		    t.work / "rsa.crt")
	of_key = t.work / "of-key"
	of_key.write_text("of the key\n")
	before = whole()
	for kind in ("ec", "rsa"):
		others_open_it(file, "-inkey", t.work / f"{kind}.key", "-passin", "pass:of the key")
		(SITE / "cathgate.conf").unlink()
		machine.run("restore", file, "--key", t.work / f"{kind}.key", "--passphrase-file",
			    of_key, "--yes")
		assert tree(SITE) == {path: content for path, content in before.items()
				      if path.startswith(str(SITE)) and "before" not in path}
	said = machine.run("restore", file, "--key", t.pki / "angio.key", "--yes", status=1)
	assert "another key" in said, said


def plain_credentials_are_proved(machine):
	"""As a drop-in loads them."""
	machine.configure('"tls/pseudonym.key"', '"credential:hidden.key"')
	(UNITS / "cathgated.service.d/key.conf").write_text(
		f"[Service]\nLoadCredential=hidden.key:{SITE}/tls/pseudonym.key\n")
	file = t.work / "plain"
	machine.run("backup", file, "--passphrase-file", secret)
	before = whole()
	machine.run("restore", file, "--passphrase-file", secret, "--yes")
	assert whole_but_aside() == {path: content for path, content in before.items()
				     if "before-restore" not in path}
	assert not hidden(t.work)
	machine.configure('"credential:hidden.key"', '"tls/pseudonym.key"')


def absolute_paths_are_proved_too(machine):
	"""They lead into what is staged, not to what is there now."""
	machine.configure('"tls/gateway.crt"', '"/etc/cathgate/tls/gateway.crt"')
	file, bad = t.work / "absolute", t.work / "absolute-bad"
	machine.run("backup", file, "--passphrase-file", secret)
	certificate = SITE / "tls/gateway.crt"
	good = certificate.read_bytes()
	certificate.write_bytes((SITE / "tls/gateway-client.crt").read_bytes())
	machine.run("backup", bad, "--passphrase-file", secret)
	certificate.write_bytes(good)
	before = whole()
	said = machine.run("restore", bad, "--passphrase-file", secret, "--yes", status=1)
	assert "gateway.crt" in said and "nothing was restored" in said, said
	assert whole() == before
	certificate.unlink()
	machine.run("restore", file, "--passphrase-file", secret, "--yes")
	assert certificate.read_bytes() == good


with Test() as t:
	secret = t.work / "secret"
	secret.write_text(PASSPHRASE + "\n")
	machine = Machine(t)
	prepare(machine)
	before = whole()
	without = it_is_sealed(machine)
	with_log = t.work / "with-log"
	running = machine.start()
	assert "with the audit log" in machine.run("backup", with_log, "--passphrase-file", secret,
						   "--with-log")
	running.kill()
	running.wait()
	assert not hidden(t.work)
	it_comes_back(with_log, before)
	what_was_there_is_kept(without, before)
	a_running_gateway_is_left_alone(without)
	a_newer_log_is_left_alone(with_log)
	the_log_is_where_the_configuration_says(without)
	only_an_answer_replaces(without)
	recipients_open_it(machine)
	absolute_paths_are_proved_too(machine)
	plain_credentials_are_proved(machine)
