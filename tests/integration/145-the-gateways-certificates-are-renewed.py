"""Goal: `cathgate certificate renew` gives the gateway new keys and certificates of its private
CA, which a gateway that runs takes without a signal; CA, CRL and other CAs' certificates stay
as they are; killed at any step, nothing is left that the next run doesn't mend."""
import hashlib
import os
import shutil
import ssl
import subprocess

import dicom
from harness import Test, cathgate, cathgated, eventually, tool
from steps import can_trace, created_files, run_with_fault


def made(folder):
	tool("setup", "--directory", folder, "--log-directory", folder.with_name("log"),
	     "--host", "gw.test,127.0.0.1", "--organization", "Hospital", "--listen", "127.0.0.1",
	     "--pacs-host", "127.0.0.1", "--pacs-ae-title", "PACS",
	     "--pacs-ca", t.pki / "hospital-ca.crt", "--pacs-server-name", "pacs.test")
	return folder


def openssl(*arguments):
	return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True,
			      text=True).stdout


def facts(certificate):
	return openssl("x509", "-in", certificate, "-noout", "-subject", "-ext",
		       "subjectAltName,extendedKeyUsage,keyUsage,basicConstraints")


def public_key(certificate):
	return openssl("x509", "-in", certificate, "-noout", "-pubkey")


def fits(tls, name):
	return public_key(tls / f"{name}.crt") == openssl("pkey", "-in", tls / f"{name}.key", "-pubout")


def contents(folder):
	return {path: hashlib.sha256(path.read_bytes()).digest()
		for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def checked(folder):
	done = subprocess.run([cathgated(), "--check", "--config", folder / "cathgate.conf"],
			      capture_output=True, text=True, check=False)
	return done.returncode == 0, done.stderr


def renew(folder, *more, status=0):
	return tool("certificate", "renew", "--config", folder / "cathgate.conf", *more,
		    status=status).decode()


def offline():
	folder = made(t.work / "made")
	tls, before = folder / "tls", contents(folder)
	pair = {name: facts(tls / f"{name}.crt") for name in ("gateway", "gateway-client")}
	keys = {name: public_key(tls / f"{name}.crt") for name in pair}
	said = renew(folder, "--days", 400)
	changed = {path.name for path, digest in contents(folder).items() if before[path] != digest}
	assert changed == {"gateway.crt", "gateway.key", "gateway-client.crt",
			   "gateway-client.key"}, changed
	assert len(contents(folder)) == len(before), "something was left"
	for name, fact in pair.items():
		assert facts(tls / f"{name}.crt") == fact, name
		assert fits(tls, name) and public_key(tls / f"{name}.crt") != keys[name], name
		assert (tls / f"{name}.key").stat().st_mode & 0o777 == 0o600
		assert (tls / f"{name}.crt").stat().st_mode & 0o777 == 0o640
		digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(
			(tls / f"{name}.crt").read_text())).hexdigest()
		assert digest in said, said
	openssl("verify", "-x509_strict", "-crl_check", "-purpose", "sslserver", "-verify_hostname",
		"gw.test", "-CAfile", tls / "modalities-ca.crt", "-CRLfile", tls / "modalities.crl",
		tls / "gateway.crt")
	assert checked(folder)[0], checked(folder)

	keys = {name: public_key(tls / f"{name}.crt") for name in pair}
	secrets = {name: (tls / f"{name}.key").read_bytes() for name in pair}
	renew(folder, "--keep-key")
	for name in pair:
		assert public_key(tls / f"{name}.crt") == keys[name], "the key was to stay"
		assert (tls / f"{name}.key").read_bytes() == secrets[name]
	renew(folder, "--days", "never", status=2)
	renew(folder, "gateway", status=2)

	# A key beside its certificate in one file is not written over.
	both = tls / "both.pem"
	both.write_bytes((tls / "gateway.crt").read_bytes() + (tls / "gateway.key").read_bytes())
	both.chmod(0o600)
	config = folder / "cathgate.conf"
	config.write_text(config.read_text().replace("tls/gateway.crt", "tls/both.pem")
			  .replace("tls/gateway.key", "tls/both.pem"))
	assert checked(folder)[0], checked(folder)
	before = contents(folder)
	renew(folder, status=2)
	renew(folder, "--keep-key", status=2)
	assert contents(folder) == before


def killed_at_each_step():
	folder = made(t.work / "killed")
	command = [cathgate(), "certificate", "renew", "--config", folder / "cathgate.conf"]
	for step in range(1, 30):
		done = run_with_fault(command, "fsync", step, "signal=SIGKILL")
		if done.returncode == 0:
			break
		renew(folder)
		assert checked(folder)[0], (step, checked(folder))
	assert 4 < step < 29, step
	for step in range(1, 30):
		done = run_with_fault(command, "fsync", step, "error=EIO")
		assert checked(folder)[0], (step, checked(folder), done.stderr)
		if done.returncode == 0:
			break
		assert "Input/output error" in done.stderr, done.stderr
	assert 4 < step < 29, step
	for path, mode in created_files(command, t.work / "strace.log"):
		if ".key" in path and path.startswith(str(t.work)):
			assert mode & 0o077 == 0, (path, oct(mode))


def running():
	folder = made(t.work / "run")
	tls = folder / "tls"
	theirs = t.pki / "gateway-client.crt"
	gateway = t.gateway(t.pacs(), {"listen.0.tls": {
		"certificate": f"{tls}/gateway.crt", "key": f"{tls}/gateway.key",
		"ca": f"{t.pki}/modalities-ca.crt"}})
	shutil.copytree(folder / "ca", gateway.folder / "ca")
	context = dicom.client_context(t.pki, "angio")
	context.load_verify_locations(tls / "modalities-ca.crt")

	def served():
		with dicom.connect(gateway.port, context) as sock:
			return ssl.DER_cert_to_PEM_cert(sock.getpeercert(True))
	before, was = served(), theirs.read_bytes()
	assert before == (tls / "gateway.crt").read_text()
	# The PACS's side has a certificate of the hospital's: that is told, and left alone.
	done = subprocess.run([cathgate(), "certificate", "renew", "--config", gateway.config],
			      capture_output=True, text=True, check=False)
	assert done.returncode == 1, done
	assert str(theirs) in done.stderr and "x509toreq" in done.stderr, done.stderr
	assert theirs.read_bytes() == was
	now = (tls / "gateway.crt").read_text()
	assert now != before
	eventually(lambda: served() == now)
	line = gateway.wait_audit(event="reload", outcome="done")
	assert "renewed" in line["detail"], line

	# The command that it names makes a request for the same key.
	words = done.stderr[done.stderr.index("openssl x509"):].split("\n")[0].split()
	request = t.work / "request.csr"
	openssl(*words[1:], "-out", request)
	assert openssl("req", "-in", request, "-noout", "-pubkey") == public_key(theirs)

	# A link leads to what is renewed, and stays one.
	os.replace(tls / "gateway.crt", tls / "real.crt")
	(tls / "gateway.crt").symlink_to("real.crt")
	subprocess.run([cathgate(), "certificate", "renew", "--config", gateway.config],
		       capture_output=True, check=False)
	assert (tls / "gateway.crt").is_symlink() and fits(tls, "gateway")


with Test() as t:
	offline()
	running()
	if can_trace():
		killed_at_each_step()
