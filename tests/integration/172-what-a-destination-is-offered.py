"""Goal: the ClientHello that a destination gets offers DICOM by its name (ALPN), and groups
and signature algorithms that openssl.cnf can't change. With key_exchange = "classic" it fits
into one packet, and a PACS that stalls on a longer one gets its objects; `cathgate diagnose`
finds out that it does."""
import json
import os
import socket
import subprocess

import dicom
from dicom import XA_CONTEXT
from harness import ROOT, Test, cathgate
from objects import make

PACKET = 1400	# what is left of 1500 bytes for a TCP segment, and some less
SERVER_NAME, GROUPS, SIGNATURES, ALPN, VERSIONS = 0, 10, 13, 16, 43
HYBRID = 0x11EC	# X25519MLKEM768
# RFC 8446 4.2.3: ECDSA, EdDSA, RSA-PSS (rsae and pss), RSA, with SHA-256 and up
STRONG = [0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080A,
	  0x080B, 0x0401, 0x0501, 0x0601]


class Stalls:
	"""The context of a PACS, or of the firewall before it, that is silent when a
	ClientHello takes more than one packet."""

	def __init__(self, context):
		self.context, self.hellos = context, []

	def wrap_socket(self, sock, **more):
		head = sock.recv(5, socket.MSG_PEEK | socket.MSG_WAITALL)
		size = 5 + int.from_bytes(head[3:], "big")
		self.hellos.append(sock.recv(size, socket.MSG_PEEK | socket.MSG_WAITALL))
		if size > PACKET:
			sock.recv(size, socket.MSG_WAITALL)
			sock.recv(1)	# until it is given up
			raise dicom.Closed()
		return self.context.wrap_socket(sock, **more)


def numbers(body):
	return [int.from_bytes(body[at:at + 2], "big") for at in range(0, len(body), 2)]


def parse(hello):
	"""The cipher suites and the extensions (RFC 8446 4.1.2)."""
	at = 5 + 4 + 2 + 32
	at += 1 + hello[at]
	end = at + 2 + int.from_bytes(hello[at:at + 2], "big")
	suites = numbers(hello[at + 2:end])
	at = end + 1 + hello[end] + 2
	extensions = {}
	while at < len(hello):
		kind, size = numbers(hello[at:at + 4])
		extensions[kind] = hello[at + 4:at + 4 + size]
		at += 4 + size
	return suites, extensions


def try_it(changes=None, environment=None, goes=True):
	"""Sends an object; the ClientHello."""
	pacs = t.pacs()
	pacs.context = stalls = Stalls(pacs.context)
	gateway = t.configured(pacs, {"limits.connect_seconds": 5, **(changes or {})})
	gateway.start(environment=environment)
	modality = t.connect(gateway)
	answer = modality.request(contexts=[XA_CONTEXT])
	assert isinstance(answer, dicom.Request if goes else dicom.Rejection), answer
	if goes:
		assert modality.store(make("explicit")).status == 0
		modality.release()
	return stalls.hellos[0], gateway


def diagnosed(gateway, status):
	done = subprocess.run([cathgate(), "diagnose", "--destination", "pacs", "--json", "--config",
			       str(gateway.config)], capture_output=True, text=True,
			      stdin=subprocess.DEVNULL, timeout=dicom.PATIENCE)
	assert done.returncode == status, done
	return {step["step"]: step for step in json.loads(done.stdout)["steps"]}


with Test() as t:
	classic = {"destinations.0.key_exchange": "classic"}
	hello, gateway = try_it(classic)
	suites, said = parse(hello)
	assert len(hello) <= PACKET, len(hello)
	assert said[ALPN] == b"\x00\x06\x05dicom", said[ALPN]
	assert numbers(said[SIGNATURES][2:]) == STRONG, said[SIGNATURES].hex()
	assert numbers(said[GROUPS][2:]) == [0x001D, 0x0017, 0x0018, 0x0019], said[GROUPS].hex()
	assert said[VERSIONS] == b"\x04\x03\x04\x03\x03", said[VERSIONS]
	assert diagnosed(gateway, 0)["tls"]["result"] == "passed"

	hello, _ = try_it(classic, {"OPENSSL_CONF": str(ROOT / "tests/lib/weak-openssl.cnf")})
	weak_suites, weak = parse(hello)
	assert weak_suites == suites
	for kind in (SIGNATURES, GROUPS, VERSIONS, ALPN):
		assert weak[kind] == said[kind], (kind, weak[kind].hex())

	has_hybrid = b"X25519MLKEM768" in subprocess.run(
		["openssl", "list", "-kem-algorithms"], capture_output=True).stdout
	hello, gateway = try_it(goes=not has_hybrid)
	assert has_hybrid == (HYBRID in numbers(parse(hello)[1][GROUPS][2:]))
	assert has_hybrid == (len(hello) > PACKET)
	if has_hybrid:
		step = diagnosed(gateway, 1)["tls"]
		assert step["result"] == "failed" and 'key_exchange = "classic"' in step["cure"], step
