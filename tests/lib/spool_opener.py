"""Opens an object of the spool as docs/SPOOL.md describes it, and shares no code with the
gateway: it needs Python's standard library and the openssl command, 3.0 or later (3.5 for suite 2).

	spool_opener.py PRIVATE-KEY DESTINATION FILE	prints the metadata
	spool_opener.py PRIVATE-KEY DESTINATION FILE DATA-SET [COMMAND-SET]	and writes these
	spool_opener.py PRIVATE-KEY NAME	prints what a file's name says

Other users of the machine can see the object's key meanwhile, by ps: openssl takes it as an
argument."""
import base64
import hashlib
import hmac
import json
import os
import struct
import subprocess
import sys

SEGMENT, TAG = 65536, 16
TEXTS = (None, "destination", "modality", "association", "calling_ae", "called_ae", "abstract_syntax",
	 "transfer_syntax", "sop_class", "sop_instance", "study", "patient_id")
NUMBERS = {13: "command_size", 14: "data_size", 15: "sealed_us"}
STATES = {"q": "queued", "h": "held", "x": "dead", "d": "delivered", "n": "named"}


class Wrong(Exception):
	"""The object or the name isn't what somebody with the key has made."""


def need(condition, what):
	if not condition:
		raise Wrong(what)


def openssl(*arguments, given=b""):
	return subprocess.run(["openssl", *arguments], input=given, stdout=subprocess.PIPE, check=True).stdout


def hkdf_extract(salt, secret):
	return hmac.digest(salt or bytes(32), secret, "sha256")


def hkdf_expand(key, info, size):
	result = block = b""
	for number in range(1, -(-size // 32) + 1):
		block = hmac.digest(key, block + info + bytes([number]), "sha256")
		result += block
	return result[:size]


class MemoryFile:
	"""On no disk: openssl finds it by its name."""

	def __init__(self, content=b""):
		self.fd = os.memfd_create("secret")
		self.name = f"/proc/{os.getpid()}/fd/{self.fd}"
		os.write(self.fd, content)

	def __enter__(self):
		return self

	def __exit__(self, *_):
		os.close(self.fd)

	def read(self):
		return os.pread(self.fd, 65536, 0)


class X25519:
	"""A private key in a file."""

	def __init__(self, path, form="PEM"):
		self.path, self.form = path, form

	def agree(self, point):
		"""With 32 bytes of a public key."""
		with MemoryFile(bytes.fromhex("302a300506032b656e032100") + point) as peer:
			return openssl("pkeyutl", "-derive", "-inkey", self.path, "-keyform", self.form,
				       "-peerkey", peer.name, "-peerform", "DER")

	def public(self):
		return openssl("pkey", "-in", self.path, "-inform", self.form, "-pubout", "-outform", "DER")[-32:]


def derived(key, purpose, size):
	"""What follows from the seed of an ML-KEM key."""
	text = openssl("pkey", "-in", key, "-noout", "-text").decode().split("seed:")[1].split("dk:")[0]
	seed = bytes.fromhex("".join(text.split()).replace(":", ""))
	return hkdf_expand(hkdf_extract(b"", seed), purpose, size)


def second_half(key):
	"""The X25519 key of an ML-KEM key's seed."""
	return MemoryFile(bytes.fromhex("302e020100300506032b656e04220420")
			  + derived(key, b"cathgate/spool/x25519/1", 32))


def is_ml_kem(key):
	return b"ML-KEM" in openssl("pkey", "-in", key, "-noout", "-text").splitlines()[0]


def xwing(key, encapsulated):
	"""What an ML-KEM key and its second half share with who has sealed."""
	with MemoryFile(encapsulated[:1088]) as cipher, MemoryFile() as secret:
		openssl("pkeyutl", "-decap", "-inkey", key, "-in", cipher.name, "-secret", secret.name)
		shared = secret.read()
	with second_half(key) as file:
		half, point = X25519(file.name, "DER"), encapsulated[1088:]
		shared += half.agree(point) + point + half.public()
	return hashlib.sha3_256(shared + bytes.fromhex("5c2e2f2f5e5c")).digest()


def hpke(key, encapsulated, info):
	"""RFC 9180, base mode: the key and the base nonce."""
	def extract(suite, salt, label, secret):
		return hkdf_extract(salt, b"HPKE-v1" + suite + label + secret)

	def expand(suite, secret, label, context, size):
		return hkdf_expand(secret, struct.pack(">H", size) + b"HPKE-v1" + suite + label + context, size)

	if is_ml_kem(key):
		all_three, shared = b"HPKE\x64\x7a\0\1\0\2", xwing(key, encapsulated)
	else:
		kem, all_three, x25519 = b"KEM\0\x20", b"HPKE\0\x20\0\1\0\2", X25519(key)
		shared = expand(kem, extract(kem, b"", b"eae_prk", x25519.agree(encapsulated)),
				b"shared_secret", encapsulated + x25519.public(), 32)
	context = b"\0" + extract(all_three, b"", b"psk_id_hash", b"") + extract(all_three, b"", b"info_hash", info)
	secret = extract(all_three, shared, b"secret", b"")
	return expand(all_three, secret, b"key", context, 32), expand(all_three, secret, b"base_nonce", context, 12)


def ctr(key, counter, text):
	return openssl("enc", "-aes-256-ctr", "-K", key.hex(), "-iv", counter.hex(), given=text)


class Gcm:
	"""AES-256-GCM (NIST SP 800-38D): the openssl command decrypts, and knows no tag."""

	def __init__(self, key):
		self.key = key
		h = int.from_bytes(ctr(key, bytes(16), bytes(16)), "big")
		powers = []	# h by x^0, x^1, … in GCM's order of bits
		for _ in range(128):
			powers.append(h)
			h = h >> 1 ^ (0xe1 << 120 if h & 1 else 0)
		# For each of the 16 bytes, what it contributes to a product with h.
		self.table = [[sum_of(powers[8 * place + bit] for bit in range(8) if value & 0x80 >> bit)
			       for value in range(256)] for place in range(16)]

	def ghash(self, text):
		state = bytes(16)
		for at in range(0, len(text), 16):
			product = 0
			for row, a, b in zip(self.table, state, text[at:at + 16]):
				product ^= row[a ^ b]
			state = product.to_bytes(16, "big")
		return state

	def open(self, nonce, additional, sealed):
		text, tag = sealed[:-TAG], sealed[-TAG:]
		stream = ctr(self.key, nonce + b"\0\0\0\1", bytes(16) + text)
		hashed = self.ghash(padded(additional) + padded(text)
				    + struct.pack(">QQ", 8 * len(additional), 8 * len(text)))
		need(hmac.compare_digest(xor(stream[:16], hashed), tag), "something doesn't open")
		return stream[16:]


def sum_of(numbers):
	result = 0
	for number in numbers:
		result ^= number
	return result


def padded(text):
	return text + bytes(-len(text) % 16)


def xor(one, other):
	return bytes(a ^ b for a, b in zip(one, other))


def read_metadata(text):
	metadata, at = {}, 0
	while at < len(text):
		which, size = struct.unpack_from(">BH", text, at)
		value = text[at + 3:at + 3 + size]
		need(len(value) == size, "metadata are cut")
		at += 3 + size
		if which in NUMBERS:
			metadata[NUMBERS[which]] = int.from_bytes(value, "big")
		elif which == 12:
			metadata["sha256"] = value.hex()
		elif which < len(TEXTS):
			metadata[TEXTS[which]] = value.decode(errors="backslashreplace")
	return metadata


def open_object(key, destination, content):
	"""The metadata, the command set and the data set; or Wrong."""
	suite, size = (2, 1120) if is_ml_kem(key) else (1, 32)
	need(content[:16] == b"CGspool1" + struct.pack(">BBHI", suite, 0, size, SEGMENT),
	     f"there is no header of suite {suite}")
	public = openssl("pkey", "-in", key, "-pubout", "-outform", "DER")[-1184 if suite == 2 else -32:]
	if suite == 2:
		with second_half(key) as file:
			public += X25519(file.name, "DER").public()
	need(content[16:32] == hashlib.sha256(public).digest()[:16], "it is sealed for another key")
	end = 32 + size
	front = content[:end]
	secret, base = hpke(key, front[32:], b"cathgate/spool/1\0" + destination.encode())
	gcm = Gcm(secret)

	def message(number, additional, sealed):
		return gcm.open(xor(base, number.to_bytes(12, "big")), additional, sealed)

	size = int.from_bytes(content[end:end + 2], "big")
	end += 2
	need(not any(content[end + size:4096]), "there is something behind the metadata")
	metadata = read_metadata(message(0, front, content[end:end + size]))
	need(metadata["destination"] == destination, "it is for another destination")
	plain, segments, at = [], 0, 4096
	while at < len(content):
		piece = content[at:at + SEGMENT + TAG]
		at += len(piece)
		segments += 1
		plain.append(message(segments, front + bytes([at == len(content)]), piece))
	plain = b"".join(plain)
	command, data = plain[:metadata["command_size"]], plain[metadata["command_size"]:]
	need(len(command) == metadata["command_size"] and len(data) == metadata["data_size"],
	     "it has another size")
	need(hashlib.sha256(data).hexdigest() == metadata["sha256"], "the data set is another")
	return metadata, command, data


def names_key(key):
	purpose = b"cathgate/spool/names/1"
	if is_ml_kem(key):
		return derived(key, purpose, 96)
	point = hashlib.sha256(b"cathgate/spool/names/point").digest()
	return hkdf_expand(hkdf_extract(b"", X25519(key).agree(point)), purpose, 96)


def siv_iv(key, additional, plain):
	"""S2V of AES-256-SIV (RFC 5297) with one additional datum."""
	def cmac(text):
		return openssl("mac", "-cipher", "AES-256-CBC", "-macopt", f"hexkey:{key[:32].hex()}",
			       "-binary", "CMAC", given=text)

	def double(block):
		number = int.from_bytes(block, "big") << 1
		return (number ^ (number >> 128) * (1 << 128 | 0x87)).to_bytes(16, "big")

	state = xor(double(cmac(bytes(16))), cmac(additional))
	return cmac(plain[:-16] + xor(plain[-16:], state))


def siv_crypt(key, iv, text):
	counter = bytes(byte & 0x7f if place in (8, 12) else byte for place, byte in enumerate(iv))
	return ctr(key[32:], counter, text)


def siv_open(key, additional, sealed):
	plain = siv_crypt(key, sealed[:16], sealed[16:])
	need(hmac.compare_digest(siv_iv(key, additional, plain), sealed[:16]), "the name doesn't open")
	return plain


def read_name(key, name):
	"""What a file's name says; or Wrong."""
	sequence, sealed, state = name.split(".")
	need(len(sequence) == 16 and len(sealed) == 120 and state in STATES, "it is no name")
	plain = siv_open(names_key(key)[:64], bytes.fromhex(sequence) + state.encode(),
			 base64.urlsafe_b64decode(sealed))
	tags = {tag: plain[at:at + size].hex() for tag, at, size in (
		("destination", 0, 8), ("modality", 8, 8), ("study", 16, 8), ("instance", 24, 8),
		("content", 32, 16), ("header", 48, 16))}
	return {"sequence": int(sequence, 16), "state": STATES[state], **tags,
		"data_size": int.from_bytes(plain[64:70], "big"), "stored": int.from_bytes(plain[70:], "big")}


def tag(key, purpose, *texts):
	"""Whole; names have it cut."""
	text = purpose.encode() + b"\0" + b"".join(struct.pack(">I", len(text)) + text for text in texts)
	return hmac.digest(names_key(key)[64:], text, "sha256")


def main(key, first, *rest):
	if not rest:
		print(json.dumps(read_name(key, os.path.basename(first)), indent=1))
		return
	with open(rest[0], "rb") as file:
		metadata, command, data = open_object(key, first, file.read())
	print(json.dumps(metadata, indent=1, ensure_ascii=False))
	for path, content in zip(rest[1:], (data, command)):
		with open(path, "xb") as file:
			file.write(content)


if __name__ == "__main__":
	if not 3 <= len(sys.argv) <= 6:
		sys.exit(__doc__)
	try:
		main(*sys.argv[1:])
	except Wrong as wrong:
		sys.exit(f"{sys.argv[-1]}: {wrong}")
