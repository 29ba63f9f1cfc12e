"""Goal: the exporter's memory holds no key, nor a scrap of one, though it was forked from a
process that has read them: none of TLS, of signing, of pseudonyms."""
import base64
import os
import re
import subprocess

import journal
from harness import Skip, Test
from journal import Journal

PIECE = 24	# bytes of a secret, enough to tell it


def memory(pid):
	content = []
	with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as source:
		for area in maps:
			bounds = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", area)
			if not bounds or "[v" in area:
				continue
			begin, end = (int(bound, 16) for bound in bounds.groups())
			source.seek(begin)
			content.append(source.read(end - begin))
	return b"".join(content)


def pieces(path):
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


def found(pid, name):
	content = memory(pid)
	return sum(content.count(piece) for piece in pieces(t.pki / name))


journal.in_namespace()
with Test() as t, Journal() as j:
	if os.environ.get("CATHGATE_SANITIZE"):
		raise Skip("a sanitizer keeps what was freed")
	j.start()
	gateway = t.gateway(t.pacs(), {"audit.journal": "auto",
				       "listen.0.tls.key": str(t.pki / "gateway-rsa.key"),
				       "listen.0.tls.certificate": str(t.pki / "gateway-rsa.crt")})
	try:
		_, exporter = gateway.helpers
		memory(exporter)
	except PermissionError:
		raise Skip("only root may look into an undumpable process") from None
	for key in ("gateway-rsa.key", "gateway-client.key"):
		assert found(gateway.pid, key), "who holds it: the search finds it there"
	for key in ("gateway-rsa.key", "gateway-client.key", "audit.key", "pseudonym.key"):
		assert not found(exporter, key), f"{key} in the exporter's memory"
