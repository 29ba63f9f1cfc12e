"""Goal: a backup that was changed, cut, or made by somebody else to mislead root changes nothing
when it is restored; nor does a full disk. A backup that can't be written whole, or would grow too
long, is none. Killed at any step, each place has the old or the new
one whole, and the next run completes it. A backup follows no link of the gateway's user."""
import io
import os
import pathlib
import resource
import signal
import subprocess
import tarfile

import small_disk
from harness import Test, cathgate
from own_machine import LOG, SITE, UNITS, Machine, hidden
from steps import ENVIRONMENT, STRIDE, can_trace, run_with_fault
from terminal import typed

small_disk.in_namespace()
NEW = "[Socket]\nListenStream=\nListenStream=192.168.40.1:2762\n"
OLD = "[Socket]\nListenStream=2763\n"
SOCKET = UNITS / "cathgated.socket.d/override.conf"
FIREWALL = pathlib.Path("/etc/nftables.conf")


def state():
	"""What is in force."""
	return {str(path): path.read_bytes() for place in (SITE, SOCKET.parent, FIREWALL, LOG.parent)
		for path in (place, *(place.rglob("*") if place.is_dir() else ()))
		if path.is_file() and path.suffix != ".lock" and path.name != ".lock"}


def asides():
	return [path for folder in ("/etc", UNITS, "/var/log")
		for path in pathlib.Path(folder).iterdir() if "before-restore" in path.name]


def forget_asides():
	for path in asides():
		subprocess.run(["rm", "-r", path], check=True)


def refused(file, says, *how, status=1):
	before = state()
	said = machine.run("restore", file, *(how or by_passphrase), "--yes", status=status)
	assert says in said, said
	assert state() == before and not hidden() and not asides(), (hidden(), asides())


def damaged(good):
	wrong, bad = t.work / "wrong", t.work / "bad"
	wrong.write_text("another passphrase\n")
	refused(file, "another passphrase", "--passphrase-file", wrong)
	for size in (0, 10, len(good) // 2, len(good) - 1):
		bad.write_bytes(good[:size])
		refused(bad, "its end is missing")
	for at in (len(good) // 3, len(good) // 2, len(good) - 12):
		bad.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
		refused(bad, "bad ")
	bad.write_text("-----BEGIN CERTIFICATE-----\n")
	refused(bad, "no backup of cathgate")
	refused(t.work / "nothing", "No such file")
	refused(t.work, "no regular file")


def entry(archive, name, kind=tarfile.REGTYPE, content=b"", link="", mode=0o644):
	info = tarfile.TarInfo(name)
	info.type, info.size, info.linkname, info.mode = kind, len(content), link, mode
	archive.addfile(info, io.BytesIO(content))


def forged(*entries):
	"""By somebody who has the recipient's certificate. Each: the arguments of entry()."""
	plain, sealed = io.BytesIO(), t.work / "forged"
	with tarfile.open(fileobj=plain, mode="w:gz") as archive:
		for arguments in entries:
			entry(archive, *arguments)
	subprocess.run(["openssl", "cms", "-encrypt", "-binary", "-aes-256-gcm", "-outform", "DER",
			"-out", sealed, t.work / "safe.crt"], input=plain.getvalue(), check=True)
	return sealed


def forged_ones_lead_nowhere():
	manifest = ('{"cathgate-backup":%d,"gateway":"g","made":"now","version":"1","group":"",'
		    '"log":"%s"}')
	good = ("manifest.json", tarfile.REGTYPE, (manifest % (1, "")).encode())
	config = ("etc/cathgate/cathgate.conf", tarfile.REGTYPE, b"")
	aim = t.work / "aim"
	aim.mkdir()
	plain = "neither a plain file nor a folder"
	for says, entries in (
			("no backup of cathgate", [config]),
			("newer cathgate", [("manifest.json", tarfile.REGTYPE,
					     (manifest % (2, "")).encode())]),
			(plain, [good, ("etc", tarfile.SYMTYPE, b"", str(aim))]),
			(plain, [good, config, ("etc/systemd", tarfile.SYMTYPE, b"", str(aim))]),
			(plain, [good, config, ("etc/nftables.conf", tarfile.SYMTYPE, b"", "/x")]),
			(plain, [good, ("etc/cathgate/run", tarfile.REGTYPE, b"", "", 0o4755)]),
			(plain, [good, ("etc/cathgate/pipe", tarfile.FIFOTYPE)]),
			("tar could not", [good, ("../outside", tarfile.REGTYPE, b"x")]),
			(plain, [("manifest.json", tarfile.REGTYPE,
				  (manifest % (1, LOG)).encode()), config,
				 ("log", tarfile.DIRTYPE, b"", "", 0o755),
				 ("log/audit.jsonl", tarfile.SYMTYPE, b"", "/etc/shadow")])):
		refused(forged(*entries), says, *by_key, "--unchecked")
	assert not list(aim.iterdir()) and not pathlib.Path("/etc/outside").exists()
	refused(forged(good, ("etc/cathgate/cathgate.conf", tarfile.REGTYPE, b"name = ;\n")),
		"nothing was restored", *by_key)


def full_disk():
	small_disk.fill(pathlib.Path("/etc"), left=8192)
	refused(quick, "No space left", *by_key)
	before = state()
	machine.run("backup", "/etc/full", "--passphrase-file", secret, status=2)
	assert state() == before and not pathlib.Path("/etc/full").exists() and not hidden()
	pathlib.Path("/etc/filler").unlink()


def a_long_log_fills_no_disk():
	"""It is bounded while it is written, not afterwards; and a write that fails in its midst
	leaves no hole."""
	noise = LOG.parent / "audit-noise"
	noise.write_bytes(os.urandom(2 << 20))
	command = [cathgate(), "backup", t.work / "long", "--recipient", t.work / "safe.crt",
		   "--with-log"]

	def fails(says, done):
		assert done.returncode == 2 and says in done.stderr, done
		assert done.stderr.count("\n") == 1, done.stderr
		assert not list(t.work.glob("*long*")) + hidden(), list(t.work.iterdir())
	fails("longer than 1.0 MiB", subprocess.run(
		command, capture_output=True, text=True,
		preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, -1))))
	if can_trace():
		fails("No space left", run_with_fault(command, "write", "200..210", "error=ENOSPC"))
		subprocess.run(["strace", "-o", t.work / "calls", "-e", "trace=prlimit64,setrlimit",
				*command], check=True, capture_output=True, env=ENVIRONMENT)
		assert "RLIMIT_FSIZE, {rlim_cur=524288*1024" in (t.work / "calls").read_text()
		(t.work / "long").unlink()
	# So much isn't even begun.
	small_disk.fill(pathlib.Path("/etc"), left=1 << 20)
	command[2] = "/etc/long"
	fails("are free: name a file", subprocess.run(command, capture_output=True, text=True))
	pathlib.Path("/etc/filler").unlink()
	noise.unlink()


def an_interrupt_ends_the_question():
	"""At once, and with nothing left behind; any other answer but yes does likewise."""
	before = state()
	command = [cathgate(), "restore", quick, *by_key]
	# One that comes after the question is written, and before the answer is read.
	slowly = ["strace", "-o", "/dev/null", "-e", "trace=write", "-e",
		  "inject=write:delay_exit=300000", *command]
	for how, keys, says in ((command, "\x03", "interrupted: nothing was restored"),
				(slowly if can_trace() else command, "\x03", "interrupted: "),
				(command, "n\n", "nothing was restored")):
		said, status = typed(how, "Restore it?", keys, ENVIRONMENT)
		assert says in said and status in (2, -signal.SIGINT), (said, status)
		assert state() == before and not hidden() and not asides(), said
	said, status = typed(command, "Restore it?", "\n")
	assert status == 0 and "Restored." in said and state() == wanted, said


def each_step(fault):
	"""Until one run takes so few steps that the fault doesn't come; with its end."""
	command = [cathgate(), "restore", quick, *by_key, "--yes"]
	for step in range(1, 99, STRIDE):
		make_old()
		before = state()
		done = run_with_fault(command, "renameat2", step, fault)
		yield done, before
		if done.returncode == 0:
			return
	raise AssertionError("it never ended")


def killed_at_any_step():
	for done, before in each_step("signal=SIGKILL"):
		now = state()
		for place in (FIREWALL, SOCKET.parent, SITE):
			part = part_of(now, place)
			assert part in (part_of(before, place), part_of(wanted, place)), place
			if part != part_of(before, place):
				kept = [path for path in asides() if path.name.startswith(place.name)]
				assert kept, f"the old {place} is lost"
		machine.run("restore", quick, *by_key, "--yes")
		assert state() == wanted and not hidden(), (done, hidden())


def failed_at_any_step():
	for done, before in each_step("error=EIO"):
		assert not hidden()
		if done.returncode:
			assert state() == before and not asides(), (done, asides())
		else:
			assert state() == wanted


def part_of(found, place):
	return {path: content for path, content in found.items()
		if path == str(place) or path.startswith(f"{place}/")}


def make_old():
	forget_asides()
	SOCKET.write_text(OLD)
	FIREWALL.write_text("# old\n")
	(SITE / "cathgate.conf").write_text("// old\n")


def links_of_the_gateways_user_are_no_way(precious):
	"""It owns the audit log's folder."""
	precious.write_text("root's secret")
	(LOG.parent / "audit-0.jsonl").symlink_to(precious)
	(LOG.parent / "audit.told").symlink_to(precious)
	os.mkfifo(LOG.parent / "audit-pipe")
	found = t.work / "of-hostile"
	machine.run("backup", found, "--passphrase-file", secret, "--with-log")
	plain = subprocess.run(["openssl", "cms", "-decrypt", "-inform", "DER", "-binary", "-in",
				found, "-pwri_password", secret.read_text().strip()], check=True,
			       capture_output=True).stdout
	with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
		assert b"root's secret" not in b"".join(
			archive.extractfile(member).read() for member in archive if member.isfile())
		assert "log/audit-0.jsonl" not in archive.getnames()
	assert not hidden()


with Test() as t:
	secret, file = t.work / "secret", t.work / "gw.backup"
	secret.write_text("a long enough passphrase\n")
	by_passphrase = ("--passphrase-file", secret)
	machine = Machine(t)
	machine.setup()
	SOCKET.parent.mkdir()
	SOCKET.write_text(NEW)
	FIREWALL.write_text("flush ruleset\n")
	machine.stop(machine.start())
	wanted = state()
	machine.run("backup", file, *by_passphrase, "--with-log")
	# A passphrase takes a second each time.
	subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=safe",
			"-keyout", t.work / "safe.key", "-out", t.work / "safe.crt"], check=True,
		       capture_output=True)
	quick, by_key = t.work / "quick.backup", ("--key", t.work / "safe.key")
	machine.run("backup", quick, "--recipient", t.work / "safe.crt", "--with-log")
	make_old()
	damaged(file.read_bytes())
	forged_ones_lead_nowhere()
	(SITE / "cathgate.conf").write_bytes(wanted[str(SITE / "cathgate.conf")])
	full_disk()
	a_long_log_fills_no_disk()
	an_interrupt_ends_the_question()
	if can_trace():
		killed_at_any_step()
		failed_at_any_step()
	(SITE / "cathgate.conf").write_bytes(wanted[str(SITE / "cathgate.conf")])
	links_of_the_gateways_user_are_no_way(t.work / "precious")
