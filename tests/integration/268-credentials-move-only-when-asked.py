"""Goal: a key that systemd has encrypted for one machine moves to another in a backup that was
asked to have it, and is encrypted for that machine there; any other backup says that it is of
no use elsewhere, and isn't restored there. It lies about in clear nowhere."""
import pathlib
import subprocess

import small_disk
from harness import Skip, Test
from own_machine import SITE, Machine, hidden

small_disk.in_namespace()
STORE = pathlib.Path("/etc/credstore.encrypted")
NAME = "gateway.key"


def creds(verb, *arguments):
	return subprocess.run(["systemd-creds", verb, f"--name={NAME}", *arguments],
			      capture_output=True)


def names():
	return sorted(str(path) for path in SITE.rglob("*") if path.name != ".lock")


with Test() as t:
	secret = t.work / "secret"
	secret.write_text("a long enough passphrase\n")
	by_passphrase = "--passphrase-file", secret
	machine = Machine(t)
	machine.setup()
	key = SITE / "tls" / NAME
	text = key.read_bytes()
	STORE.mkdir(mode=0o700, exist_ok=True)
	# As restore does it, with the best key that there is.
	sealed = creds("encrypt", key, STORE / NAME)
	if sealed.returncode:
		raise Skip(f"systemd-creds encrypts nothing here: {sealed.stderr.decode().strip()}")
	key.unlink()
	machine.configure('key = "tls/gateway.key";', 'key = "credential:gateway.key";')
	bound, free = t.work / "bound", t.work / "free"
	assert "of use on this machine alone" in machine.run("backup", bound, *by_passphrase)
	machine.run("backup", free, *by_passphrase, "--with-credentials")
	machine.run("restore", bound, *by_passphrase, "--yes")

	machine = Machine(t, uid=778)
	before = names()
	said = machine.run("restore", bound, *by_passphrase, "--yes", status=1)
	assert "encrypted for another machine" in said and "--unchecked" in said, said
	assert names() == before
	machine.run("restore", free, *by_passphrase, "--yes")
	assert creds("decrypt", STORE / NAME, "-").stdout == text
	assert not [path for path in pathlib.Path("/etc").rglob(NAME)
		    if path.is_file() and path.read_bytes() == text], "it lies about in clear"
	assert not hidden(t.work)
