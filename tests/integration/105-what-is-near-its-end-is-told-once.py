"""Goal: certificates and CRLs near their end are told of in the log and by an alert, each
stage once, also across restarts: our own, and those that modality and PACS showed last."""
import datetime
import os
import shutil
import subprocess

import dicom
from harness import ROOT, Test, eventually
from objects import make


def sign(name, authority, profile, days, hours=1):
	"""A certificate that is good for so many days less an hour, from a copy of the CA."""
	folder = t.work / f"ca-{name}"
	(folder / f"{authority}.d").mkdir(parents=True)
	(folder / f"{authority}.d/index.txt").touch()
	for part in ("crt", "key"):
		shutil.copy(t.pki / f"{authority}.{part}", folder)
	end = (datetime.datetime.now(datetime.timezone.utc)
	       + datetime.timedelta(days=days, hours=-hours))
	for command in (
		f"req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key "
		f"-subj /CN={name} -addext subjectAltName=DNS:{name}.test,IP:127.0.0.1 "
		f"-out {name}.csr",
		f"ca -batch -notext -name test_ca -in {name}.csr -out {name}.crt -extensions "
		f"{profile} -startdate 20250101000000Z -enddate {end:%Y%m%d%H%M%SZ}",
		f"ca -gencrl -name test_ca -out {name}.crl -crl_lastupdate 20250101000000Z "
		f"-crl_nextupdate {end:%Y%m%d%H%M%SZ}",
	):
		subprocess.run(["openssl", *command.split()], cwd=folder, check=True,
			       capture_output=True, env={
				**os.environ, "CA": authority,
				"OPENSSL_CONF": str(ROOT / "certs/openssl.cnf")})
	shutil.copy(t.pki / "hospital-ca.crt", folder)
	return folder


def alerts():
	return [line["detail"] for line in gateway.audit(event="alert")]


def restart():
	assert gateway.stop() == 0
	gateway.start()


with Test() as t:
	for name, authority, profile, days in (
		("own", "hospital-ca", "server", 14), ("renewed", "hospital-ca", "server", 7),
		("pacs", "hospital-ca", "server", 3), ("modality", "modalities-ca", "client", 30),
		("crl", "modalities-ca", "client", 1),
	):
		folder = sign(name, authority, profile, days)
		for part in ("crt", "key", "crl"):
			shutil.copy(folder / f"{name}.{part}", t.work / f"{name}.{part}")
	shutil.copy(t.pki / "hospital-ca.crt", t.work)
	server = dicom.server_context(t.pki, "pacs")
	server.load_cert_chain(t.work / "pacs.crt", t.work / "pacs.key")
	pacs = t.pacs()
	pacs.context = server
	gateway = t.gateway(pacs, {
		"listen.0.tls.certificate": f"{t.work}/own.crt",
		"listen.0.tls.key": f"{t.work}/own.key", "listen.0.tls.crl": f"{t.work}/crl.crl",
		"destinations.0.tls.server_name": "127.0.0.1",
		"modalities.0.certificate": {"dns": ["modality.test"]}})

	def associate():
		modality = t.connect(gateway, context=dicom.client_context(t.work, "modality"))
		modality.request(contexts=[dicom.XA_CONTEXT])
		return modality

	# Our own at once; those of others when they have been shown.
	eventually(lambda: len(alerts()) == 2)
	assert any("own.crt: the certificate CN=own ends on" in detail and "in 14 days" in detail
		   for detail in alerts()), alerts()
	assert any("crl.crl: the CRL of CN=modalities-ca" in detail and "in 1 day;" in detail
		   for detail in alerts()), alerts()
	assert {line["reason"] for line in gateway.audit(event="alert")} == {
		"tls-expired", "tls-crl-stale"}
	for _ in range(2):
		modality = associate()
		assert modality.store(make("explicit")).status == 0
		modality.release()
	eventually(lambda: len(alerts()) == 4)
	assert any("modality angio ends on" in detail and "in 30 days" in detail
		   for detail in alerts()), alerts()
	assert any("destination pacs ends on" in detail and "in 3 days" in detail
		   for detail in alerts()), alerts()
	assert gateway.log().count("ends on") >= 4

	# Once each, whatever happens.
	gateway.reload()
	for _ in range(2):
		restart()
		associate().release()
	gateway.wait_audit_beyond(3, event="association", outcome="released")
	assert len(alerts()) == 4, alerts()

	# The next stage of a certificate, and what takes its place, is news again.
	told = gateway.folder / "audit.told"
	lines = told.read_text()
	assert lines.count("\n") == 4, lines
	assert gateway.stop() == 0
	told.write_text("garbage\n" + lines.replace(" 14 0 ", " 30 0 ") + "modality cut")
	gateway.start()
	eventually(lambda: len(alerts()) == 5)
	assert "CN=own" in alerts()[-1]
	for part in ("crt", "key"):
		shutil.copy(t.work / f"renewed.{part}", t.work / f"own.{part}")
	eventually(lambda: len(alerts()) == 6)
	assert "CN=renewed ends on" in alerts()[-1] and "in 7 days" in alerts()[-1], alerts()
