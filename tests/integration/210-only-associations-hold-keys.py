"""Goal: no process but supervisor, forker and an association's holds a TLS key, nor a scrap of
one: neither auditor, resolver, dialler, exporter, observer nor scribe, though a process that has
read them starts them all; the forker has only those in force. The audit log's keys are the auditor's
alone. That holds for those that are started anew after a reload has brought other keys, too."""
import base64
import contextlib
import functools
import os
import pathlib
import re
import signal
import subprocess

import journal
from harness import Skip, Test, child, eventually, is_alive, roles, stat
from journal import Journal
from steps import can_trace, stopped

PIECE = 24	# bytes of a secret, enough to tell it
HELPERS = ("auditor", "resolver", "dialler", "exporter", "observer")
AUDIT_KEYS = ("audit.key", "pseudonym.key")


def memory(pid):
	content = []
	with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as source:
		with halted(pid):
			for area in maps.readlines():
				bounds = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", area)
				if not bounds or "[v" in area:
					continue
				begin, end = (int(bound, 16) for bound in bounds.groups())
				source.seek(begin)
				content.append(source.read(end - begin))
	assert content, "there is no memory to look into"
	return b"".join(content)


def is_halted(pid):
	return stat(pid)[0] in "Tt"	# stopped, or by a tracer


@contextlib.contextmanager
def halted(pid):
	"""So that no area comes or goes meanwhile."""
	if is_halted(pid):
		yield
		return
	os.kill(pid, signal.SIGSTOP)
	try:
		eventually(lambda: is_halted(pid))
		yield
	finally:
		os.kill(pid, signal.SIGCONT)


@functools.cache
def pieces(path):
	return list(pieces_of(path))


def pieces_of(path):
	"""Of the file's text, and of each secret number, in both byte orders."""
	text = path.read_text()
	if "BEGIN" not in text:
		yield text[:PIECE].encode()
		yield base64.b64decode(text)[:PIECE]
		return
	yield text.split("\n")[1][-PIECE:].encode()
	shown = subprocess.run(["openssl", "pkey", "-in", path, "-noout", "-text"],
			       stdout=subprocess.PIPE, check=True, text=True).stdout
	for number in re.findall(r"(?:priv|privateExponent|prime1):\n((?: +[0-9a-f:]+\n)+)", shown):
		secret = bytes.fromhex(re.sub(r"[\s:]", "", number)).lstrip(b"\0")
		yield secret[:PIECE]
		yield secret[::-1][:PIECE]


def held(pid):
	"""The names of the keys that the process holds."""
	content = memory(pid)
	return sorted(name for name, path in keys.items()
		      if any(piece in content for piece in pieces(path)))


def new_key(name, kind):
	"""A pair that fits the one of the test's PKI in all but the key."""
	keys[name] = t.work / name
	pair = {"key": str(keys[name]), "certificate": str(t.work / f"{name}.crt")}
	subprocess.run(["openssl", "req", "-x509", "-newkey", kind, "-nodes", "-days", "9",
			"-subj", "/CN=gateway", "-addext", "extendedKeyUsage=serverAuth,clientAuth",
			"-addext", "keyUsage=digitalSignature,keyEncipherment",
			"-addext", "basicConstraints=CA:FALSE",
			"-keyout", pair["key"], "-out", pair["certificate"]],
		       check=True, stderr=subprocess.DEVNULL)
	keys[name].chmod(0o600)
	return pair


def settings(gateway_pair, client_pair, host):
	return {"audit.journal": "auto", "metrics.textfile": str(t.work / "cathgate.prom"),
		"destinations.0.host": host,
		**{f"listen.0.tls.{key}": value for key, value in gateway_pair.items()},
		**{f"destinations.0.tls.{key}": value for key, value in client_pair.items()}}


def look():
	for role in HELPERS:
		found = held(gateway.helper(role))
		assert found == (sorted(AUDIT_KEYS) if role == "auditor" else []), \
			f"the {role} holds {found}"


def look_at_scribe():
	"""It is stopped where it puts its file on the disk: nobody else syncs anything there."""
	with stopped(gateway.pid, "fsync", t.work / "calls") as scribe:
		t.associate(gateway).release()
		pid = eventually(scribe)
		assert roles(gateway.pid)[pid] == "scribe"
		assert held(pid) == [], f"the scribe holds {held(pid)}"
	eventually(lambda: not is_alive(pid))


journal.in_namespace()
with Test() as t, Journal() as j:
	if os.environ.get("CATHGATE_SANITIZE"):
		raise Skip("a sanitizer keeps what was freed")
	if not can_trace():
		raise Skip("this machine lets nobody trace a process")
	j.start()
	keys = {name: t.pki / name for name in ("gateway-rsa.key", "gateway-client.key", *AUDIT_KEYS)}
	before = [{"key": str(t.pki / f"{name}.key"), "certificate": str(t.pki / f"{name}.crt")}
		  for name in ("gateway-rsa", "gateway-client")]
	after = [new_key("next-listener.key", "rsa:2048"), new_key("next-client.key", "ed25519")]
	gateway = t.gateway(t.pacs(), settings(*before, "localhost"))
	try:
		memory(gateway.pid)
	except PermissionError:
		raise Skip("only root may look into an undumpable process") from None
	assert set(held(gateway.pid)) == {"gateway-rsa.key", "gateway-client.key"}, \
		"the supervisor holds them: the search finds them there"
	look()
	look_at_scribe()
	assert set(held(gateway.helper("forker"))) == set(held(gateway.pid))

	# Resolver and dialler are others after this reload; the rest end, one by one.
	replaced = {role: gateway.helper(role) for role in ("resolver", "dialler")}
	gateway.reload(settings(*after, "ip6-localhost"))
	for role, pid in replaced.items():
		eventually(lambda: child(gateway.pid, role) not in (None, pid))
	assert set(held(gateway.pid)) == {"next-listener.key", "next-client.key"}, held(gateway.pid)
	for role in ("auditor", "exporter", "observer"):
		gateway.replace(role)
	look()
	assert set(held(gateway.helper("forker"))) == {"next-listener.key", "next-client.key"}
	assert gateway.stop() == 0	# while there is a journal
