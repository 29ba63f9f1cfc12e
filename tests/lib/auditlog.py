"""An audit log made by the format's description alone, and changed at will: hashes by
hashlib, signatures by the openssl program. Shares no code with the gateway."""
import atexit
import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from wait import PATIENCE

CATHGATE = os.environ.get("CATHGATE") or str(
	pathlib.Path(__file__).resolve().parents[2] / "build/dev/src/cli/cathgate")
ZEROS = "0" * 64


def enter_folder(name):
	"""The test's own, in which it works, and which goes with it."""
	folder = tempfile.mkdtemp(prefix=f"cathgate-{name}-")
	atexit.register(shutil.rmtree, folder, ignore_errors=True)
	os.chdir(folder)


def run(*arguments, stdin=None):
	"""The tool, with what it printed."""
	return subprocess.run([CATHGATE, "audit", *map(str, arguments)], input=stdin, text=True,
		stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)


def root(leaves):
	if not leaves:
		return hashlib.sha256(b"").digest()
	if len(leaves) == 1:
		return hashlib.sha256(b"\0" + leaves[0]).digest()
	left = 1 << (len(leaves) - 1).bit_length() - 1
	return hashlib.sha256(b"\1" + root(leaves[:left]) + root(leaves[left:])).digest()


class Key:
	"""A pair that openssl made."""

	def __init__(self, path):
		self.path, self.public = str(path), f"{path}.pub"
		old = os.umask(0o077)
		subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.path],
			check=True)
		os.umask(old)
		subprocess.run(["openssl", "pkey", "-in", self.path, "-pubout", "-out", self.public],
			check=True)
		self.der = subprocess.run(["openssl", "pkey", "-in", self.path, "-pubout",
			"-outform", "DER"], check=True, stdout=subprocess.PIPE).stdout
		self.name = hashlib.sha256(self.der).hexdigest()

	def sign(self, origin, text):
		pathlib.Path(self.path + ".text").write_text(text)
		signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", self.path,
			"-rawin", "-in", self.path + ".text"], check=True,
			stdout=subprocess.PIPE).stdout
		key_id = hashlib.sha256(origin.encode() + b"\n\1" + self.der[-32:]).digest()[:4]
		return base64.b64encode(key_id + signature).decode()


class Log:
	"""The lines of one file. `after` is the file that it continues."""

	def __init__(self, key=None, after=None, node="cathlab-3"):
		self.key, self.node = key, node
		self.first = self.seq = after.seq if after else 0
		self.prev = after.prev if after else ZEROS
		self.lines, self.note = [], None

	def add(self, event="instance", **members):
		head = {"seq": self.seq, "time": f"2026-01-31T12:{self.seq // 60 % 60:02}:"
			f"{self.seq % 60:02}.000000Z", "node": self.node, "event": event, **members,
			"prev": self.prev}
		text = json.dumps(head, separators=(",", ":"), ensure_ascii=False)[:-1]
		self.prev = hashlib.sha256(text.encode()).hexdigest()
		self.lines.append(f'{text},"hash":"{self.prev}"}}')
		self.seq += 1
		return self

	def fill(self, count):
		for _ in range(count):
			self.add(outcome="forwarded", sop_instance=f"1.2.3.{self.seq}")
		return self

	def checkpoint(self, **wrong):
		leaves = [bytes.fromhex(line[-66:-2]) for line in self.lines]
		members = {"origin": f"cathgate/{self.node}/{self.first}", "size": len(leaves),
			"root": base64.b64encode(root(leaves)).decode(), **wrong}
		text = f"{members['origin']}\n{members['size']}\n{members['root']}\n"
		self.note = text + "\n"
		if self.key:
			members.setdefault("key", self.key.name)
			members["signature"] = self.key.sign(members["origin"], text)
			self.note += f"\u2014 {members['origin']} {members['signature']}\n"
		return self.add("checkpoint", **members)

	def write(self, path, note=True):
		pathlib.Path(path).write_text("".join(line + "\n" for line in self.lines))
		if note and self.note:
			pathlib.Path(str(path).removesuffix(".jsonl") + ".checkpoint").write_text(
				self.note)
		return path
