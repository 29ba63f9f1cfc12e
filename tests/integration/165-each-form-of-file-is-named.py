"""Goal: a file of another form or kind than is wanted (a PKCS#7 bundle, PKCS#12, DER, a key, a
request, a CRL, UTF-16) is named as what it is, with the command that makes the wanted one of it,
by --check, `cathgate setup` and `cathgate modality`; and that command does it."""
import re
import shlex
import subprocess

from authority import Authority, openssl
from dicom import PATIENCE
from harness import Test, cathgate, cathgated

CLIENT = "extendedKeyUsage = clientAuth"


def run(*command):
	return subprocess.run([*map(str, command)], capture_output=True, text=True,
			      stdin=subprocess.DEVNULL, timeout=PATIENCE)


def check(key, file):
	path = f"{folder}/{file}"
	gateway.reconfigure({f"listen.0.tls.{key}": [path] if key == "crl" else path})
	done = run(cathgated(), "--check", "--config", gateway.config)
	return done.returncode, done.stdout + done.stderr


def modality(option, file):
	done = run(cathgate(), "modality", "add", "x", "--ae-title", "X", option, folder / file,
		   "--output", t.work / "x", "--config", t.work / "etc/cathgate.conf")
	return done.returncode, done.stderr


def setup(*more):
	return run(cathgate(), "setup", "--directory", t.work / "etc", "--log-directory",
		   t.work / "log", "--host", "gw.test", "--listen", "127.0.0.1", "--pacs-host",
		   "127.0.0.1", "--pacs-ae-title", "PACS", *more)


def make_files():
	ca.issue("device", CLIENT)
	ca.crl("ca.crl")
	for what, form in (("p7b", "PEM"), ("p7c", "DER")):
		openssl(folder, "crl2pkcs7", "-nocrl", "-certfile", "device-ca.crt", "-out",
			f"ca.{what}", "-outform", form)
	pem = (folder / "ca.p7b").read_text()
	(folder / "ca.windows").write_text(pem.replace("PKCS7", "CERTIFICATE"))
	openssl(folder, "pkcs12", "-export", "-in", "device.crt", "-inkey", "device.key",
		"-passout", "pass:secret", "-out", "device.p12")
	openssl(folder, "x509", "-in", "device.crt", "-outform", "DER", "-out", "device.der")
	openssl(folder, "pkey", "-in", "device.key", "-outform", "DER", "-out", "key.der")
	openssl(folder, "pkey", "-in", "device.key", "-pubout", "-out", "device.pub")
	text = (folder / "device-ca.crt").read_text()
	(folder / "utf16.crt").write_text(text, encoding="utf-16")
	(folder / "bom.crt").write_text(text, encoding="utf-8-sig")
	(folder / "page.crt").write_text("<!DOCTYPE html>\n<title>Please log in</title>\n")
	(folder / "empty.crt").touch()


CASES = {
	("ca", "ca.p7b"): "openssl pkcs7 -print_certs -in FILE -out FILE.pem",
	("ca", "ca.windows"): "is a PKCS#7 bundle",
	("ca", "ca.p7c"): "openssl pkcs7 -print_certs -inform DER -in FILE -out FILE.pem",
	("ca", "device.p12"): "is a PKCS#12 file",
	("ca", "device.der"): "is in DER form; convert it with openssl x509 -inform DER",
	("ca", "device.key"): "holds no certificate but a private key",
	("ca", "device.csr"): "is a certificate request",
	("ca", "ca.crl"): "is a CRL; name the certificate of its CA",
	("ca", "device.pub"): "is a public key",
	("ca", "utf16.crt"): "is text in UTF-16",
	("ca", "page.crt"): "is a web page",
	("ca", "empty.crt"): "is empty",
	("certificate", "ca.p7b"): "is a PKCS#7 bundle",
	("certificate", "device.key"): "holds no certificate but a private key",
	("key", "device.crt"): "is a certificate; name the private key",
	("key", "device.p12"): "openssl pkcs12 -nocerts -nodes",
	("key", "key.der"): "openssl pkey -inform DER",
	("key", "device.pub"): "is a public key; name the private one",
	("crl", "device.crt"): "is a certificate; fetch the CRL",
	("crl", "ca.p7b"): "is a PKCS#7 bundle",
}
ADDED = {
	("--certificate", "ca.p7b"): "is a PKCS#7 bundle",
	("--certificate", "device.p12"): "is a PKCS#12 file",
	("--certificate", "device.csr"): "is a certificate request",
	("--certificate", "device.key"): "holds no certificate but a private key",
	("--certificate", "utf16.crt"): "is text in UTF-16",
	("--request", "device.crt"): "is a certificate, no request for one",
	("--request", "device.key"): "no certificate request but a private key",
}

with Test() as t:
	folder = t.work / "files"
	folder.mkdir()
	ca = Authority(folder, "device-ca")
	make_files()
	gateway = t.configured()
	for (key, file), told in CASES.items():
		(folder / file).chmod(0o600)
		status, text = check(key, file)
		assert status == 1 and f"{folder / file} " in text and told in text, (key, file, text)

	# What it says to type makes a CA file of the bundle.
	for file in ("ca.p7b", "ca.p7c"):
		command = re.search(r"openssl pkcs7 .*FILE\.pem", check("ca", file)[1])[0]
		subprocess.run(shlex.split(command.replace("FILE", str(folder / file))), check=True)
		gateway.reconfigure({"listen.0.tls.ca": f"{folder}/{file}.pem",
				     "listen.0.tls.crl": None})
		done = run(cathgated(), "--check", "--config", gateway.config)
		assert done.returncode == 0, done.stderr
	gateway.reconfigure({"listen.0.tls.ca": f"{folder}/bom.crt", "listen.0.tls.crl": None})
	assert run(cathgated(), "--check", "--config", gateway.config).returncode == 0

	done = setup("--pacs-ca", folder / "ca.p7b")
	assert done.returncode != 0 and "is a PKCS#7 bundle" in done.stderr, done.stderr
	done = setup("--pacs-ca", t.pki / "hospital-ca.crt", "--modality-ca",
		     folder / "device-ca.crt", "--modality-crl", folder / "device.crt")
	assert done.returncode != 0 and "is a certificate; fetch the CRL" in done.stderr
	done = setup("--pacs-ca", t.pki / "hospital-ca.crt")
	assert done.returncode == 0, done.stderr
	for (option, file), told in ADDED.items():
		status, text = modality(option, file)
		assert status != 0 and told in text, (option, file, text)
	with open(t.work / "etc/tls/modalities-ca.crt", "ab") as trusted:
		trusted.write((folder / "device-ca.crt").read_bytes())
	assert modality("--certificate", "device.der")[0] == 0
