"""Goal: what a backup says leads root to no file of this machine, which the gateway's user could
then read while the backup is proved; what root is asked before anything is replaced can't be
hidden by it; and a manifest that names no log's file is refused."""
import io
import json
import pathlib
import shutil
import subprocess
import tarfile

import small_disk
from harness import Test
from own_machine import LOG, SITE, Machine

small_disk.in_namespace()
DROP_IN = "etc/systemd/system/cathgated.service.d/keys.conf"
KEY = SITE / "tls/audit.key"
ESCAPES = "\x1b[8m\x1b]0;x\x07\u202e"


def add(archive, name, content=b"", link=None):
	info = tarfile.TarInfo(name)
	info.size, info.mode = len(content), 0o644
	if link:
		info.type, info.linkname = tarfile.SYMTYPE, link
	archive.addfile(info, io.BytesIO(content))


def made(*more, gateway="gw1", log="", without=()):
	"""By somebody who has the recipient's certificate; of this machine's own folder."""
	plain, sealed = io.BytesIO(), t.work / "made"
	manifest = {"cathgate-backup": 1, "gateway": gateway, "made": "now", "version": "1",
		    "group": "cathgate", "log": log}
	with tarfile.open(fileobj=plain, mode="w:gz") as archive:
		add(archive, "manifest.json", json.dumps(manifest).encode())
		archive.add(SITE, "etc/cathgate", filter=lambda member: None
			    if member.name in without or member.name.endswith(".lock") else member)
		for one in more:
			add(archive, *one)
	subprocess.run(["openssl", "cms", "-encrypt", "-binary", "-aes-256-gcm", "-outform", "DER",
			"-out", sealed, t.work / "safe.crt"], input=plain.getvalue(), check=True)
	return sealed


def restore(file, status):
	return machine.run("restore", file, "--key", t.work / "safe.key", status=status)


def loaded_from(path, *more):
	setting = f"[Service]\nLoadCredential=audit.key:{path}\n"
	return made((DROP_IN, setting.encode()), *more, without=("etc/cathgate/tls/audit.key",))


with Test() as t:
	machine = Machine(t)
	machine.setup()
	subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=safe",
			"-keyout", t.work / "safe.key", "-out", t.work / "safe.crt"], check=True,
		       capture_output=True)
	asks = "there is nobody to ask"	# all is proved

	# The key that it asks for is in its own folder: all is well, and nothing steers a terminal.
	said = restore(made(gateway=f"gw1{ESCAPES}"), 2)
	assert asks in said and "\\u001b[8m" in said and "\\u202e" in said, said
	assert not any(character in said for character in ESCAPES if not character.isprintable()), said

	# A credential, as another machine's drop-in loads it from that folder.
	machine.configure('"tls/audit.key"', '"credential:audit.key"')
	inside = "etc/cathgate/tls/other.key", KEY.read_bytes()
	assert asks in restore(loaded_from("/etc/cathgate/tls/other.key", inside), 2)
	assert asks in restore(loaded_from("/etc/cathgate/link.key", inside,
					   ("etc/cathgate/link.key", b"", "/etc/cathgate/tls/other.key")), 2)
	# Root's, outside of it. Were it read, it would be good.
	outside = pathlib.Path("/etc/outside.key")
	shutil.copy(KEY, outside)
	outside.chmod(0o600)
	for path, *more in (("/etc/cathgate/../../../outside.key",),
			    ("/etc/cathgate/tls/../../../../outside.key",),
			    ("/etc/cathgate/tls/out/outside.key", ("etc/cathgate/tls/out", b"", "/etc")),
			    ("/etc/cathgate/tls/out", ("etc/cathgate/tls/out", b"", "/etc/outside.key"))):
		said = restore(loaded_from(path, *more), 1)
		assert "audit.key" in said and "nothing was restored" in said, (path, said)

	for log in ("/audit.jsonl", "/", "//audit.jsonl", f"{LOG.parent}/", "/var/log/../audit/x.jsonl", "x"):
		assert "no backup of cathgate" in restore(made(log=log), 1), log
