"""Goal: no process but the keeper holds a private TLS key, nor a scrap of one: neither the
supervisor, nor the forker, nor an association amid a transfer, nor auditor, resolver, dialler,
exporter, observer and scribe. The audit log's keys are the auditor's alone. That holds after many
reloads, too, of which some bring other keys: the keeper then has the new ones only."""
import os
import subprocess

import journal
from harness import Skip, Test, child, eventually, is_alive, roles
from journal import Journal
from memory import memory, pieces
from objects import make
from steps import can_trace, stopped

HELPERS = ("auditor", "resolver", "dialler", "forker", "exporter", "observer")
AUDIT_KEYS = ("audit.key", "pseudonym.key")


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
	for role in ("supervisor", *HELPERS):
		pid = gateway.pid if role == "supervisor" else gateway.helper(role)
		found = held(pid)
		assert found == (sorted(AUDIT_KEYS) if role == "auditor" else []), \
			f"the {role} holds {found}"


def look_at_association():
	"""An object is under way, and both handshakes are done."""
	modality, obj = t.associate(gateway), make("explicit")
	modality.store_command(obj)
	modality.send_data(1, obj.data[:4096], last=False)
	pid, = gateway.associations()
	assert held(pid) == [], f"an association holds {held(pid)}"
	modality.send_data(1, obj.data[4096:])
	assert modality.receive().status == 0
	modality.release()
	eventually(lambda: not is_alive(pid))


def look_at_scribe():
	"""It is stopped where it puts its file on the disk: nobody else syncs anything there."""
	with stopped(gateway.pid, "fsync", t.work / "calls") as scribe:
		t.associate(gateway).release()
		pid = eventually(scribe)
		assert roles(gateway.pid)[pid] == "scribe"
		assert held(pid) == [], f"the scribe holds {held(pid)}"
	eventually(lambda: not is_alive(pid))


def look_at_keeper(*names):
	"""Only one is left: the others have ended."""
	eventually(lambda: list(roles(gateway.pid).values()).count("keeper") == 1)
	assert held(gateway.helper("keeper")) == sorted(names), held(gateway.helper("keeper"))


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
	look_at_keeper("gateway-rsa.key", "gateway-client.key")	# the search finds them there
	look()
	look_at_scribe()	# of the first association: a later one says nothing new to it
	look_at_association()

	for number in range(20):
		gateway.reload(settings(*(before if number % 2 else after), "localhost"))
	look_at_keeper("gateway-rsa.key", "gateway-client.key")
	look()
	look_at_association()

	# Resolver and dialler are others after this reload; the others end, one by one.
	replaced = {role: gateway.helper(role) for role in ("resolver", "dialler")}
	gateway.reload(settings(*after, "ip6-localhost"))
	for role, pid in replaced.items():
		eventually(lambda: child(gateway.pid, role) not in (None, pid))
	look_at_keeper("next-listener.key", "next-client.key")
	for role in ("auditor", "exporter", "observer", "forker", "keeper"):
		gateway.replace(role)
	gateway.wait_log("another keeper has read the private keys")
	look_at_keeper("next-listener.key", "next-client.key")
	look()
	assert gateway.stop() == 0	# while there is a journal
