"""Tokens that hold private keys, in software: a TPM (swtpm) and a PKCS#11 token (softhsm)."""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess

import dicom
from harness import Skip, children, eventually
from memory import memory, pieces
from objects import make
from wait import listens, on_a_free_port

PIN = "27182818"
SOFTHSM = pathlib.Path("/usr/lib/softhsm/libsofthsm2.so")
FIRST_HANDLE = 0x81000001


def needs(*programs, providers=()):
	if os.environ.get("CATHGATE_SANITIZE"):
		raise Skip("the providers' libraries leak, and a sanitizer doesn't know whose that is")
	for program in programs:
		if not shutil.which(program):
			raise Skip(f"{program} isn't installed")
	folder = subprocess.run(["openssl", "version", "-m"], capture_output=True, text=True,
				check=True).stdout.split('"')[1]
	for provider in providers:
		if not pathlib.Path(folder, f"{provider}.so").exists():
			raise Skip(f"OpenSSL has no provider {provider}")


def run(*command, **more):
	done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **more)
	assert done.returncode == 0, (command, done.stdout + done.stderr)


class Tpm:
	def __init__(self, work):
		self.work, self.next = work, FIRST_HANDLE
		self.process, self.port = on_a_free_port(self.begin)
		for name in ("TPM2TOOLS_TCTI", "TPM2OPENSSL_TCTI"):
			os.environ[name] = f"swtpm:host=127.0.0.1,port={self.port}"

	def begin(self, port):
		# Its control channel is looked for on the next port.
		return subprocess.Popen(
			["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.work}",
			 "--server", f"type=tcp,port={port},bindaddr=127.0.0.1",
			 "--ctrl", f"type=tcp,port={port + 1},bindaddr=127.0.0.1",
			 "--flags", "not-need-init,startup-clear"],
			stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

	def stop(self):
		"""As a power cut does."""
		self.process.kill()
		self.process.wait()

	def start(self):
		self.process = self.begin(self.port)
		self.prepare()

	def prepare(self):
		"""Its primary key is the same each time, to load keys below it."""
		eventually(lambda: listens(self.process.pid, self.port + 1))
		run("tpm2_createprimary", "-Q", "-C", "o", "-G", "ecc",
		    "-c", self.work / "primary")
		run("tpm2_flushcontext", "-t")

	def wrong_passwords(self):
		"""How many it has counted."""
		said = subprocess.run(["tpm2_getcap", "properties-variable"], capture_output=True,
				      text=True, check=True).stdout
		return int(re.search(r"TPM2_PT_LOCKOUT_COUNTER: (0x[0-9a-fA-F]+)", said)[1], 16)

	def unlock(self):
		run("tpm2_dictionarylockout", "-c")

	def forget(self, uri):
		run("tpm2_evictcontrol", "-Q", "-C", "o", "-c", uri.partition(":")[2])

	def put(self, key, kind, password=None, uri=None):
		"""The URI of the private key in that file, once the TPM has it. One with a password
		is locked after a few wrong ones."""
		if uri:
			handle = int(uri.partition(":")[2], 16)
		else:
			handle, self.next = self.next, self.next + 1
		halves = self.work / "public", self.work / "private"
		rights = "sign|userwithauth" + ("" if password else "|noda")
		run("tpm2_import", "-Q", "-C", self.work / "primary", "-G", kind, "-i", key,
		    "-a", rights, *(["-p", password] if password else []),
		    "-u", halves[0], "-r", halves[1])
		run("tpm2_flushcontext", "-t")
		run("tpm2_load", "-Q", "-C", self.work / "primary", "-u", halves[0],
		    "-r", halves[1], "-c", self.work / "loaded")
		run("tpm2_evictcontrol", "-Q", "-C", "o", "-c", self.work / "loaded", hex(handle))
		run("tpm2_flushcontext", "-t")
		return f"handle:{handle:#x}"


@contextlib.contextmanager
def tpm(work):
	"""The gateways that are started meanwhile find it by the environment."""
	needs("swtpm", "tpm2_import", providers=["tpm2"])
	work.mkdir()
	token = Tpm(work)
	try:
		token.prepare()
		yield token
	finally:
		token.stop()


class SoftHsm:
	def __init__(self, work):
		self.pin, self.tokens = work / "pin", work / "tokens"
		self.pin.write_text(PIN)
		self.pin.chmod(0o400)
		run("softhsm2-util", "--init-token", "--free", "--label", "cathgate",
		    "--so-pin", PIN, "--pin", PIN)

	def put(self, key, kind):
		name = f"{key.stem}-{kind}"
		run("softhsm2-util", "--import", key, "--token", "cathgate", "--label", name,
		    "--id", name.encode().hex(), "--pin", PIN)
		return f"pkcs11:token=cathgate;object={name};type=private?pin-source=file:{self.pin}"


@contextlib.contextmanager
def softhsm(work):
	needs("softhsm2-util", providers=["pkcs11"])
	(work / "tokens").mkdir(parents=True)
	settings = work / "softhsm2.conf"
	settings.write_text(f"directories.tokendir = {work}/tokens\n")
	os.environ["SOFTHSM2_CONF"] = str(settings)
	os.environ["PKCS11_PROVIDER_MODULE"] = str(SOFTHSM)
	yield SoftHsm(work)


def keys_in(token, pki):
	"""Settings: all private keys of the gateway's are in the token."""
	both = [(pki / "gateway.key", "ecc"), (pki / "gateway-rsa.key", "rsa")]
	return {"listen.0.tls.certificate": [str(key.with_suffix(".crt")) for key, _ in both],
		"listen.0.tls.key": [token.put(*one) for one in both],
		"destinations.0.tls.key": [token.put(pki / "gateway-client.key", "ecc")],
		"destinations.0.tls.certificate": [str(pki / "gateway-client.crt")]}


def stores(t, gateway):
	"""In TLS 1.2 and 1.3, with both kinds of key."""
	for version, ciphers in (("TLSv1_3", None), ("TLSv1_2", "ECDHE-ECDSA-AES128-GCM-SHA256"),
				 ("TLSv1_2", "ECDHE-RSA-AES128-GCM-SHA256")):
		context = dicom.client_context(t.pki, "angio")
		context.minimum_version = context.maximum_version = \
			getattr(dicom.ssl.TLSVersion, version)
		if ciphers:
			context.set_ciphers(ciphers)
		modality = t.connect(gateway, context=context)
		assert isinstance(modality.request(contexts=[dicom.XA_CONTEXT]), dicom.Request)
		assert modality.store(make("explicit")).status == 0
		modality.release()


def no_process_has(pids, keys):
	for pid in pids:
		content = memory(pid)
		for key in keys:
			assert not any(piece in content for piece in pieces(key)), (pid, key)


def signs(t, gateway, settings, but_for=()):
	"""On both sides, after reloads and a keeper's death; and no process but those roles' has a
	scrap of a key."""
	stores(t, gateway)
	eventually(lambda: not gateway.associations())
	if os.geteuid() == 0:
		no_process_has([gateway.pid, *children(gateway.pid,
						       but_for=("scribe", "observer", *but_for))],
			       [t.pki / f"{name}.key" for name in
				("gateway", "gateway-rsa", "gateway-client")])
	for _ in range(3):
		gateway.reload(settings)
		stores(t, gateway)
	gateway.replace("keeper")
	gateway.wait_log("another keeper has read the private keys")
	stores(t, gateway)
