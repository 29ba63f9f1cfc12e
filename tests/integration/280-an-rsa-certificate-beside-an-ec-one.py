"""Goal: a listener and a destination show one of two certificates, EC or RSA, by what the peer
knows: old programs that know RSA alone and ones that know EC alone both store, by TLS 1.2 and
1.3. A reload swaps one of the two and says which; one that doesn't fit changes nothing; of two, an
expired one stops only peers that need it; a faulty configuration is told with its cure."""
import json
import os
import pathlib
import subprocess

import dicom
from authority import Authority, DAY
from config import fingerprint
from dicom import XA_CONTEXT
from harness import Test, cathgate, cathgated, eventually, tool
from objects import make, write_part10
from wait import on_a_free_port

SERVER = "extendedKeyUsage = serverAuth\nsubjectAltName = DNS:gateway.test"
CLIENT = "extendedKeyUsage = clientAuth"
SIGNATURES = {"RSA": "rsa_pss_rsae_sha256:rsa_pkcs1_sha256", "EC": "ecdsa_secp256r1_sha256"}
CIPHERS = {"RSA": "ECDHE-RSA-AES128-GCM-SHA256", "EC": "ECDHE-ECDSA-AES128-GCM-SHA256"}
SUITE_OF_EC = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"	# not in DCMTK's usual profile
KNOWS = {"RSA": ["RSA"], "EC": ["EC"], "both": ["RSA", "EC"]}


def pair(*names):
	return {part: [f"{t.pki}/{name}.{ending}" for name in names] if len(names) > 1
		else f"{t.pki}/{names[0]}.{ending}"
		for part, ending in (("certificate", "crt"), ("key", "key"))}


def listening(*names):
	return {f"listen.0.tls.{key}": value for key, value in pair(*names).items()}


def shown(kind, version):
	"""The subject of the certificate that the gateway shows to OpenSSL of that kind; None
	where there is no handshake."""
	device = "device-rsa" if kind == "RSA" else "device-ec"
	done = subprocess.run(
		["openssl", "s_client", "-connect", f"127.0.0.1:{gateway.port}", f"-tls1_{version}",
		 "-sigalgs", ":".join(SIGNATURES[one] for one in KNOWS[kind]),
		 *(["-cipher", ":".join(CIPHERS[one] for one in KNOWS[kind])] if version == 2 else []),
		 "-cert", t.pki / f"{device}.crt", "-key", t.pki / f"{device}.key",
		 "-CAfile", t.pki / "hospital.crt", "-verify_return_error"],
		capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=dicom.PATIENCE)
	lines = [line for line in done.stdout.splitlines() if line.startswith("subject=")]
	return lines[0].split("=")[-1].strip() if lines else None


def shows(kind):
	return {shown(kind, version) for version in (2, 3)}


def device_cnf(kind, version, side=""):
	path = t.work / "device.cnf"
	path.write_text(f"""openssl_conf = all
[ all ]
ssl_conf = ssl
[ ssl ]
system_default = old
[ old ]
{side}SignatureAlgorithms = {SIGNATURES[kind]}
MinProtocol = TLSv1.{version}
MaxProtocol = TLSv1.{version}
""")
	return str(path)


def storescu(kind, version):
	"""DCMTK, as it would be built with a TLS library that knows one kind of key."""
	device = "device-rsa" if kind == "RSA" else "device-ec"
	before = len(gateway.audit(event="instance", outcome="forwarded"))
	done = subprocess.run(
		["storescu", "-aet", "CATHLAB3", "-aec", "CATHGATE", "-xe", "+tls",
		 t.pki / f"{device}.key", t.pki / f"{device}.crt", "+cf", t.pki / "hospital.crt",
		 *(["+cs", SUITE_OF_EC] if kind == "EC" and version == 2 else []),
		 "127.0.0.1", str(gateway.port), t.work / "object.dcm"],
		env={**os.environ, "OPENSSL_CONF": device_cnf(kind, version)},
		capture_output=True, text=True, timeout=dicom.PATIENCE)
	assert done.returncode == 0, done.stdout + done.stderr
	gateway.wait_audit_beyond(before, event="instance", outcome="forwarded")


def checked(changes):
	gateway.reconfigure({**settings, **changes})
	done = subprocess.run([cathgated(), "--check", "--config", gateway.config],
			      capture_output=True, text=True)
	return done.returncode, done.stdout + done.stderr


def each_is_shown_what_it_knows():
	for kind, name in (("EC", "one-ec"), ("RSA", "one-rsa"), ("both", "one-ec")):
		assert shows(kind) == {name}, (kind, shows(kind))
	for kind in ("RSA", "EC"):
		for version in (2, 3):
			storescu(kind, version)
	# As it was: an EC certificate alone shuts out whoever knows RSA alone.
	gateway.reload({**settings, **listening("one-ec")})
	refused = len(gateway.audit(reason="tls-no-common"))
	assert shown("RSA", 2) is None and shown("RSA", 3) is None
	gateway.wait_audit_beyond(refused + 1, reason="tls-no-common")
	line = gateway.audit(event="reload")[-1]
	assert "tls.certificate" in line["detail"] and "tls.key" in line["detail"], line
	assert "certificate CN=one-rsa gone" in line["detail"], line


def one_of_two_is_swapped():
	gateway.reload(settings)
	assert shows("RSA") == {"one-rsa"}
	done = len(gateway.audit(event="reload"))
	for ending in ("key", "crt"):
		os.replace(t.pki / f"two-rsa.{ending}", t.pki / f"one-rsa.{ending}")
	line = gateway.wait_audit_beyond(done, event="reload", outcome="done")
	assert "CN=two-rsa" in line["detail"] and "one-ec" not in line["detail"], line
	assert shows("RSA") == {"two-rsa"} and shows("EC") == {"one-ec"}

	# The key of the other one: nothing changes.
	crossed = {**settings, "listen.0.tls.key": settings["listen.0.tls.key"][::-1]}
	gateway.reload(crossed, outcome="refused")
	assert "one-ec.key isn't the key" in gateway.log() and "one-rsa.key isn't" in gateway.log()
	assert shows("RSA") == {"two-rsa"} and shows("EC") == {"one-ec"}

	# Not valid yet: of that kind the old one stays, and the other one is renewed.
	gateway.reload({**settings, **listening("two-ec", "soon-rsa")})
	assert shows("RSA") == {"two-rsa"} and shows("EC") == {"two-ec"}
	assert f"{t.pki}/soon-rsa.crt isn't valid before" in gateway.log()
	# And where there is none of that kind, it waits alone.
	gateway.reload({**settings, **listening("one-ec")})
	gateway.reload({**settings, **listening("one-ec", "soon-rsa")})
	assert shows("RSA") == {None} and shows("EC") == {"one-ec"}
	line = gateway.wait_audit(reason="tls-not-yet-valid")
	assert "CN=soon-rsa" in line["detail"], line


def an_expired_one_stops_its_own_peers_only():
	for kind, other, names in (("RSA", "EC", ("one-ec", "old-rsa")),
				   ("EC", "RSA", ("old-ec", "one-rsa"))):
		gateway.reload({**settings, **listening(*names)})
		good, old = sorted(names, key=lambda name: name.startswith("old"))
		good = "two-rsa" if good == "one-rsa" else good
		before = len(gateway.audit(reason="tls-expired"))
		assert shows(other) == {good} and shows("both") == {good}, (names, shows("both"))
		storescu(other, 3)
		assert len(gateway.audit(reason="tls-expired")) == before
		assert shows(kind) == {None}
		gateway.wait_audit_beyond(before + 1, reason="tls-expired")
		line = gateway.audit(reason="tls-expired")[-1]
		assert f"own certificate (CN={old})" in line["detail"], line
		status, text = checked(listening(*names))
		assert status == 1 and f"CN={old} expired" in text, text
	# Both: nobody gets in, and it is said before a handshake.
	gateway.reload({**settings, **listening("old-ec", "old-rsa")})
	assert shows("both") == {None}


def both_ends_are_told():
	gateway.reload({**settings, **listening("short-ec", "short-rsa"),
			"control.socket": f"{t.work}/control",
			"metrics.textfile": f"{t.work}/cathgate.prom"})
	gateway.wait_log("short-rsa ends on")
	assert "short-ec ends on" in gateway.log()
	gateway.answers()
	status = json.loads(tool("status", "--json", "--config", gateway.config))
	assert {f"{t.pki}/short-{kind}.crt" for kind in ("ec", "rsa")} <= {
		word.rstrip(":") for word in json.dumps(status).replace('"', " ").split()}, status
	metrics = pathlib.Path(t.work / "cathgate.prom")
	eventually(lambda: metrics.exists() and all(
		f"short-{kind}.crt" in metrics.read_text() for kind in ("ec", "rsa")))
	status, text = checked(listening("short-ec", "short-rsa"))
	assert status == 0 and text.count("renew it") == 2, text


def faults_have_their_cure():
	for changes, words in (
			(listening("one-ec", "two-ec"), "EC, as"),
			({"listen.0.tls.key": f"{t.pki}/one-ec.key"}, "names 1; write the key of each"),
			({"listen.0.tls.certificate": f"{t.pki}/one-ec.crt"}, "certificate names 1"),
			(listening("one-ec", "one-rsa", "two-ec"), "3 certificates are too many"),
			({"listen.0.tls.key": []}, "the list is empty"),
			({"listen.0.tls.certificate": [f"{t.pki}/one-ec.crt", f"{t.pki}/none.crt"]},
			 "can't open"),
			(listening("one-ec", "device-rsa"), "device-rsa.crt: the certificate CN=device-rsa "
			 "isn't for a TLS server")):
		status, text = checked(changes)
		assert status == 1 and words in text, text
		assert len(text.strip().splitlines()) <= 2, text


def a_pacs_is_shown_either():
	"""The other way round: the gateway is the client, and the PACS says what it takes."""
	for kind in ("RSA", "EC"):
		archive, port = on_a_free_port(lambda port: subprocess.Popen(
			["storescp", "+tls", t.pki / "pacs.key", t.pki / "pacs.crt",
			 "+cf", t.pki / "hospital.crt", "--require-peer-cert", "--ignore",
			 "-aet", "PACS", str(port)],
			env={**os.environ, "OPENSSL_CONF": device_cnf(kind, 3, "Client")},
			stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
		try:
			gateway.reload({**settings, "destinations.0.port": port})
			storescu("EC", 3)
			gateway.reload({**settings, "destinations.0.port": port, **{
				f"destinations.0.tls.{key}": value
				for key, value in pair("client-ec" if kind == "RSA"
						       else "client-rsa").items()}})
			before = len(gateway.audit(reason="destination-tls"))
			t.connect(gateway, context=dicom.client_context(
				t.pki, "device-ec", ca="hospital")).request(contexts=[XA_CONTEXT])
			gateway.wait_audit_beyond(before, reason="destination-tls")
		finally:
			archive.terminate()
			archive.wait()
	gateway.reconfigure(settings)
	done = subprocess.run([cathgate(), "destination", "page", "pacs", "--config", gateway.config],
			      capture_output=True, text=True)
	for name in ("client-ec", "client-rsa"):
		assert f"CN={name}" in done.stdout, done.stdout + done.stderr
	assert "the same as above" in done.stdout, done.stdout
	assert done.stdout.count("BEGIN CERTIFICATE") == 1


with Test() as t:
	pki, t.pki = t.pki, t.work / "tls"
	t.pki.mkdir()
	for path in pki.iterdir():
		if path.is_file():
			(t.pki / path.name).write_bytes(path.read_bytes())
			(t.pki / path.name).chmod(path.stat().st_mode & 0o777)
	ca = Authority(t.pki, "two-kinds-ca")
	for kind, key_kind in (("ec", "P-256"), ("rsa", "RSA")):
		for name, dates in (("one", {}), ("two", {}), ("old", {"first": -9 * DAY, "last": -DAY}),
				    ("soon", {"first": 9 * DAY}), ("short", {"last": 2 * DAY})):
			ca.issue(f"{name}-{kind}", SERVER, kind=key_kind, **dates)
		ca.issue(f"device-{kind}", CLIENT, kind=key_kind)
		ca.issue(f"client-{kind}", CLIENT, kind=key_kind)
	# Peers trust both CAs.
	(t.pki / "hospital.crt").write_bytes(b"".join(
		(t.pki / f"{name}.crt").read_bytes() for name in ("hospital-ca", "two-kinds-ca")))
	write_part10(make("explicit"), t.work / "object.dcm")
	settings = {
		**listening("one-ec", "one-rsa"),
		"listen.0.tls.ca": f"{t.pki}/two-kinds-ca.crt", "listen.0.tls.crl": None,
		**{f"destinations.0.tls.{key}": value
		   for key, value in pair("client-ec", "client-rsa").items()},
		"modalities.0.certificate.sha256": [fingerprint(t.pki / f"device-{kind}.crt")
						    for kind in ("ec", "rsa")]}
	gateway = t.gateway(t.pacs(ca="hospital"), settings)
	each_is_shown_what_it_knows()
	one_of_two_is_swapped()
	an_expired_one_stops_its_own_peers_only()
	both_ends_are_told()
	a_pacs_is_shown_either()
	faults_have_their_cure()
