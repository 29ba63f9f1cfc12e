"""Goal: with each kind of key that the gateway may have, in TLS 1.2 and 1.3, DCMTK's modality and
DCMTK's PACS both accept the signatures that the keeper makes, as a server and as a client. Python's
do where DCMTK doesn't have that kind (3.6.9 has no EdDSA, nor RSA-PSS)."""
import os
import subprocess

import dicom
from authority import Authority
from config import fingerprint
from harness import Test, eventually
from objects import make, write_part10
from wait import on_a_free_port

KINDS = ("P-256", "P-384", "P-521", "ED25519", "ED448", "RSA", "RSA-PSS")
SUITES = ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
BOTH = "extendedKeyUsage = serverAuth, clientAuth\nsubjectAltName = DNS:gateway.test"


def only(version):
	"""DCMTK, as it would be built with a TLS library that knows this version alone, and all
	kinds of keys."""
	path = t.work / f"tls-1.{version}.cnf"
	path.write_text(f"""openssl_conf = all
[ all ]
ssl_conf = ssl
[ ssl ]
system_default = only
[ only ]
MinProtocol = TLSv1.{version}
MaxProtocol = TLSv1.{version}
SignatureAlgorithms = ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:rsa_pss_rsae_sha256:\
rsa_pss_pss_sha256:RSA+SHA256
""")
	return {**os.environ, "OPENSSL_CONF": str(path)}


def suites(version):
	return [word for suite in SUITES for word in ("+cs", suite)] if version == 2 else []


def archive(version):
	return on_a_free_port(lambda port: subprocess.Popen(
		["storescp", "+tls", t.pki / "pacs.key", t.pki / "pacs.crt", *suites(version),
		 "+cf", own / "trusted.crt", "--require-peer-cert", "--ignore", "-aet", "PACS",
		 str(port)],
		env=only(version), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))


def send(version):
	done = subprocess.run(
		["storescu", "-aet", "CATHLAB3", "-aec", "CATHGATE", "-xe", *suites(version),
		 "+tls", own / "device.key", own / "device.crt", "+cf", own / "trusted.crt",
		 "127.0.0.1", str(gateway.port), t.work / "object.dcm"],
		env=only(version), capture_output=True, text=True, timeout=dicom.PATIENCE)
	assert done.returncode == 0, done.stdout + done.stderr + gateway.log()


def dcmtk_has(kind, version):
	"""Whether its handshake with OpenSSL's own server succeeds."""
	told = own / f"server-{kind}-{version}"
	with open(told, "wb") as output:
		server, port = on_a_free_port(lambda port: subprocess.Popen(
			["openssl", "s_server", "-accept", f"127.0.0.1:{port}",
			 "-cert", own / f"own-{kind}.crt", "-key", own / f"own-{kind}.key"],
			stdin=subprocess.PIPE, stdout=output, stderr=output))
	client = subprocess.Popen(
		["echoscu", *suites(version), "+tls", own / "device.key", own / "device.crt",
		 "+cf", own / "trusted.crt", "127.0.0.1", str(port)],
		env=only(version), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
	try:
		eventually(lambda: b"CIPHER is" in told.read_bytes() or client.poll() is not None)
	finally:
		for process in (client, server):
			process.kill()
			process.communicate()
	has = b"CIPHER is" in told.read_bytes()
	assert has or kind in ("ED25519", "ED448", "RSA-PSS"), (kind, version)
	return has


def of_version(context, version):
	context.load_verify_locations(own / "trusted.crt")
	context.minimum_version = context.maximum_version = \
		getattr(dicom.ssl.TLSVersion, f"TLSv1_{version}")
	return context


def send_by_python(version):
	context = of_version(dicom.client_context(t.pki, "angio"), version)
	context.load_cert_chain(own / "device.crt", own / "device.key")
	modality = t.connect(gateway, context=context)
	assert isinstance(modality.request(contexts=[dicom.XA_CONTEXT]), dicom.Request)
	assert modality.store(make("explicit")).status == 0
	modality.release()


def python_archive(version):
	pacs = t.pacs()
	of_version(pacs.context, version)
	return pacs.port


def sides(kind):
	return {f"{side}.tls.{key}": f"{own}/own-{kind}.{ending}"
		for side in ("listen.0", "destinations.0")
		for key, ending in (("certificate", "crt"), ("key", "key"))}


with Test() as t:
	own = t.work / "tls"
	own.mkdir()
	ca = Authority(own, "kinds-ca")
	ca.issue("device", "extendedKeyUsage = clientAuth")
	for kind in KINDS:
		ca.issue(f"own-{kind}", BOTH, kind=kind)
	(own / "trusted.crt").write_bytes((t.pki / "hospital-ca.crt").read_bytes() +
					  (own / "kinds-ca.crt").read_bytes())
	write_part10(make("explicit"), t.work / "object.dcm")
	settings = {"listen.0.tls.ca": f"{own}/kinds-ca.crt", "listen.0.tls.crl": None,
		    "modalities.0.certificate.sha256": [fingerprint(own / "device.crt")]}
	gateway = t.gateway(t.pacs(), {**settings, **sides(KINDS[0])})
	for version in (2, 3):
		process, port = archive(version)
		try:
			for count, kind in enumerate(KINDS):
				has = dcmtk_has(kind, version)
				gateway.reload({**settings, **sides(kind), "destinations.0.port":
						port if has else python_archive(version)})
				(send if has else send_by_python)(version)
				lines = gateway.audit(event="instance", outcome="forwarded")
				assert lines[-1]["tls"]["version"] == f"TLSv1.{version}", lines[-1]
				assert len(lines) == (version - 2) * len(KINDS) + count + 1, lines
		finally:
			process.terminate()
			process.wait()
