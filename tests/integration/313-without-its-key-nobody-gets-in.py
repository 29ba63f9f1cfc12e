"""Goal: when the keeper ends and a key file has gone meanwhile, connections wait, the status and an
alert say which, and they get in once it is back, or a reload brings another pair. A key that is in
force and has no file any more goes from keeper to keeper at a reload; when it is lost, the next
reload takes the pair that is in the files."""
import json
import os
import shutil
import signal
import ssl
import subprocess

import dicom
from authority import Authority
from harness import Test, cathgate, eventually, is_alive, roles

HOUR = 3600
SERVER = "extendedKeyUsage = serverAuth\nsubjectAltName = DNS:gateway.test"


def kill_keeper():
	"""One that a reload has let go may take its time to end."""
	eventually(lambda: list(roles(gateway.pid).values()).count("keeper") == 1)
	before = gateway.helper("keeper")
	os.kill(before, signal.SIGKILL)
	eventually(lambda: not is_alive(before))


def served():
	with dicom.connect(gateway.port, context) as sock:
		return ssl.DER_cert_to_PEM_cert(sock.getpeercert(True)).split()


def state():
	"""The command's own exit status says whether all is well."""
	done = subprocess.run([cathgate(), "status", "--json", "--config", gateway.config],
			      capture_output=True, text=True, timeout=dicom.PATIENCE)
	return json.loads(done.stdout)["state"] if done.stdout else None


def on_disk(name):
	return (own / f"{name}.crt").read_text().split()


with Test() as t:
	own = t.work / "tls"
	own.mkdir()
	ca = Authority(own, "own-ca")
	ca.issue("now", SERVER)
	ca.issue("later", SERVER, first=HOUR)
	for ending in ("crt", "key"):
		shutil.copy(own / f"now.{ending}", own / f"server.{ending}")
	(t.work / "both.crt").write_bytes((own / "own-ca.crt").read_bytes() +
					  (t.pki / "hospital-ca.crt").read_bytes())
	context = dicom.client_context(t.pki, "angio")
	context.load_verify_locations(t.work / "both.crt")
	settings = {"control.socket": f"{t.work}/control", "listen.0.tls.certificate": f"{own}/server.crt", "listen.0.tls.key": f"{own}/server.key"}
	gateway = t.gateway(t.pacs(), settings)
	gateway.answers()
	assert served() == on_disk("now")

	os.rename(own / "server.key", own / "away.key")
	kill_keeper()
	line = gateway.wait_audit(event="alert", reason="internal")
	assert "server.key: No such file" in line["detail"], line
	gateway.wait_log("nobody is let in, a private key is missing")
	eventually(lambda: state() == "without-keeper")
	os.rename(own / "away.key", own / "server.key")
	assert served() == on_disk("now")	# it has waited until then
	assert len(gateway.audit(event="alert", reason="internal")) == 1

	# The new pair isn't valid yet: the old one stays, from keeper to keeper.
	for ending in ("key", "crt"):
		shutil.copy(own / f"later.{ending}", own / f"next.{ending}")
		os.replace(own / f"next.{ending}", own / f"server.{ending}")
	gateway.wait_log("the old pair stays in force until then")
	for number in range(3):
		gateway.reload({**settings, "modalities.0.ae_titles": [f"OTHER{number}"]})
		assert served() == on_disk("now")

	# Nobody has the old key any more: nobody gets in, until a reload takes what there is.
	kill_keeper()
	gateway.wait_audit_beyond(1, event="alert", reason="internal")
	assert "isn't there any more" in gateway.log()
	gateway.reload({**settings, "listen.0.tls.certificate": str(t.pki / "gateway.crt"),
			"listen.0.tls.key": str(t.pki / "gateway.key")})
	assert served() == (t.pki / "gateway.crt").read_text().split()
