"""Goal: an association's process opens no socket and no file and starts nothing, whatever its
peers do: it has its descriptors from the supervisor, so that a sandbox can forbid all that."""
import os
import re
import signal

import dicom
from dicom import ECHO_CONTEXT, XA_CONTEXT, Aborted, Association, Closed, Impatient, Rejection
from harness import Test, Skip, eventually
from objects import make
from steps import can_trace, traced

CALLS = ("socket,socketpair,connect,bind,listen,accept,accept4,%file,fstat,memfd_create,"
	 "fork,vfork,clone,clone3,kill,tkill,tgkill,ptrace")

SANITIZED = bool(os.environ.get("CATHGATE_SANITIZE"))


def own_calls(log):
	"""Of each association's process, by PID: all such calls from its first moment on."""
	found = {}
	for line in log.read_text().splitlines():
		pid, _, call = line.partition(" ")
		call = call.strip()
		if call.startswith("prctl(PR_SET_NAME, \"cathgated-assoc"):
			found[pid] = []
		elif SANITIZED and call.startswith('openat(AT_FDCWD, "/", '):
			continue	# a sanitizer's sandbox lets it reach all files
		elif pid in found and re.match(r"\w+\(", call) and not call.startswith("prctl("):
			found[pid].append(call)
	return found


class Watched:
	"""A gateway whose associations are watched until the block ends."""
	number = 0

	def __init__(self, pacs, changes=None, count=None):
		Watched.number += 1
		self.gateway = t.gateway(pacs, changes)
		self.log = t.work / f"calls-{Watched.number}"
		self.count = count
		self.tracer = traced(self.gateway.pid, f"prctl,{CALLS}", self.log,
				     "-p", str(self.gateway.helper("forker")))

	def __enter__(self):
		self.tracer.__enter__()
		return self.gateway

	def __exit__(self, kind, *rest):
		if kind is None:
			eventually(lambda: not self.gateway.associations())
		self.tracer.__exit__(kind, *rest)
		if kind is not None:
			return
		calls = own_calls(self.log)
		assert len(calls) == self.count, f"{len(calls)} associations were seen"
		assert not any(calls.values()), calls


def stores(association):
	assert association.store(make("explicit")).status == 0


def whole_lives():
	"""Over TLS, by a number and by a name."""
	for host in ("127.0.0.1", "localhost"):
		with Watched(t.pacs(), {"destinations.0.host": host}, count=2) as gateway:
			for echo in ("gateway", "destination"):
				modality = t.associate(gateway, contexts=[XA_CONTEXT, ECHO_CONTEXT])
				assert modality.echo(context=ECHO_CONTEXT[0]).status == 0
				stores(modality)
				modality.release()
				gateway.reload({"destinations.0.host": host,
						"modalities.0.echo": echo})


def without_tls():
	for address in ("127.0.0.1", *(["::1"] if os.path.exists("/proc/net/if_inet6") else [])):
		pacs = t.pacs(tls=False, address=address)
		changes = {"listen.0.address": "127.0.0.1", "listen.0.tls": "none",
			   "modalities.0.certificate": "none",
			   "destinations.0.host": address, "destinations.0.tls": "none"}
		with Watched(pacs, changes, count=1) as gateway:
			modality = Association(dicom.connect(gateway.port))
			modality.request(contexts=[XA_CONTEXT])
			stores(modality)
			modality.release()


def while_open():
	"""The PACS leaves after each instance; the auditor is another; reloads bring papers."""
	impatient = Impatient()
	with Watched(t.pacs(impatient), count=1) as gateway:
		modality = t.associate(gateway)
		for _ in range(2):
			stores(modality)
			assert impatient.has_left()
		gateway.replace("auditor")
		stores(modality)
		for changes in ({"destinations.0.called_ae_title": "OTHER"},
				{"modalities.0.max_bytes_per_second": 10**6},
				{"destinations.0.tls.public_key_sha256": ["00" * 32]}):
			gateway.reload(changes)
			modality.store(make("explicit"))
		modality.release()


def failures():
	def associate(gateway, **more):
		modality = t.connect(gateway)
		try:
			return modality.request(contexts=[XA_CONTEXT], **more)
		except (Aborted, Closed):
			return None

	# Nobody is there, by a number and by a name; or it rejects.
	for changes in ({"destinations.0.port": 1},
			{"destinations.0.port": 1, "destinations.0.host": "localhost"}):
		with Watched(None, changes, count=1) as gateway:
			assert associate(gateway) == Rejection(2, 3, 1)
	with Watched(t.pacs(lambda a: a.reject(1, 1, 3)), count=1) as gateway:
		assert associate(gateway) == Rejection(1, 1, 3)
	# Refused, garbage, a handshake that fails, an abort, a modality that hangs up.
	with Watched(t.pacs(), count=5) as gateway:
		assert associate(gateway, calling="NOBODY") == Rejection(1, 1, 3)
		modality = t.connect(gateway)
		modality.send(b"GET / HTTP/1.1\r\n\r\n")
		modality.close()
		assert t.is_refused(gateway, certificate="modality-stranger")
		modality = t.associate(gateway)
		modality.store_command(make("explicit"))
		modality.abort()
		modality = t.associate(gateway)
		modality.store_command(make("explicit"))
		modality.close()


def told_to_stop():
	watched = Watched(t.pacs(), count=1)
	with watched as gateway:
		modality = t.associate(gateway)
		stores(modality)
		gateway.signal(signal.SIGTERM)
		assert gateway.process.wait(dicom.PATIENCE) == 0


with Test() as t:
	if not can_trace():
		raise Skip("this machine lets nobody trace a process")
	os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
	whole_lives()
	without_tls()
	while_open()
	failures()
	told_to_stop()
