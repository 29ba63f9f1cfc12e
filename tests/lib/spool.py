"""A spool for a test's gateway, and looks into it."""
import base64
import hashlib
import hmac
import os
import pathlib
import struct
import subprocess

import spool_opener
from harness import eventually


def make_key(folder, name="spool.key"):
	key = pathlib.Path(folder) / name
	if os.environ.get("SPOOL_KEY_KIND") == "ML-KEM-768":	# a whole test with such keys, by hand
		for old in key, pathlib.Path(f"{key}.pub"):
			old.unlink(missing_ok=True)
		subprocess.run([os.environ["CATHGATE"], "spool", "keygen", "--post-quantum", "--key", key],
			       check=True, capture_output=True)
		return key
	subprocess.run(["openssl", "genpkey", "-algorithm", "X25519", "-out", key],
		       check=True, capture_output=True)
	key.chmod(0o400)
	subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", f"{key}.pub"],
		       check=True)
	return key


def changes(test, mode="always", **more):
	"""What a configuration with a spool has besides."""
	key = make_key(test.work)
	return {"spool": {"mode": mode, "key": str(key), "directory": str(test.work / "spool"),
			  "min_free_bytes": 4096, "retry_first_seconds": 1,
			  "retry_max_seconds": 2, **more}}


def takes_and_says_nothing(association):
	"""A PACS for Test.pacs(): its courier waits."""
	association.accept()
	while association.receive() is not None:
		pass


def reload(gateway, changes):
	"""With another spool: waits until its spooler has read the folder, too."""
	def ready():
		return gateway.log().count("spooler: the spool is ready")
	before = ready()
	details = gateway.reload(changes)
	eventually(lambda: ready() > before)
	return details


def names(test, state=None):
	"""The objects' files, oldest first. An object that was just acknowledged is in state "n", and
	in "q" a moment later: who asks for the latter waits until there is none of the former."""
	def listed():
		found = sorted(name for name in os.listdir(test.work / "spool") if name.count(".") == 2)
		return None if state == "q" and any(name.endswith(".n") for name in found) else (found,)
	return [name for name in eventually(listed)[0] if state is None or name.endswith(f".{state}")]


def renamed(test, name, content=None, stored=None, state=None):
	"""The name that an object would have with other content, in another state, or if it had
	been named then."""
	sequence, sealed, was = name.split(".")
	state = state or was
	key = spool_opener.names_key(test.work / "spool.key")[:64]
	plain = spool_opener.siv_open(key, bytes.fromhex(sequence) + was.encode(),
				      base64.urlsafe_b64decode(sealed))
	additional = bytes.fromhex(sequence) + state.encode()
	if content is not None:
		plain = plain[:48] + hashlib.sha256(content[:4096]).digest()[:16] + plain[64:]
	if stored is not None:
		plain = plain[:70] + struct.pack(">I", stored)
	iv = spool_opener.siv_iv(key, additional, plain)
	sealed = base64.urlsafe_b64encode(iv + spool_opener.siv_crypt(key, iv, plain)).decode()
	return f"{sequence}.{sealed}.{state}"


def wait_delivered(test):
	eventually(lambda: not names(test, "q"))


def states(test):
	return [name[-1] for name in names(test)]


def age_refusals(test, key, seconds):
	"""Makes what is known to be refused so much older, while no gateway runs."""
	for path in (test.work / "spool").glob("accepted.*"):
		*lines, mac = path.read_text().splitlines()
		tags = [bytes.fromhex(tag) for tag in path.name.split(".")[1].split("-")]

		def mac_of(text):
			parts = b"".join(struct.pack(">I", len(part)) + part for part in [*tags, text])
			return hmac.digest(spool_opener.names_key(key)[64:], b"accepted\0" + parts,
					   "sha256")[:16].hex()

		assert mac == mac_of("".join(f"{line}\n" for line in lines).encode()), path
		for i, line in enumerate(lines):
			sign, *pair, learnt = line.split()
			if sign == "-":
				lines[i] = " ".join([sign, *pair, str(int(learnt) - seconds * 1000000)])
		text = "".join(f"{line}\n" for line in lines)
		path.write_text(f"{text}{mac_of(text.encode())}\n")
