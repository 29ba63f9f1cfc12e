"""Goal: who may store is judged for each instance: when the modality's certificate expires
while the association is open, the next instance is refused with 0124."""
import datetime
import os
import shutil
import subprocess

import dicom
from dicom import XA_CONTEXT
from harness import ROOT, Test, eventually
from objects import make

SECONDS = 3


def short_lived():
	"""A certificate for a few seconds, from a copy of the CA: others use it, too."""
	folder = t.work / "ca"
	folder.mkdir()
	for name in ("modalities-ca.crt", "modalities-ca.key"):
		shutil.copy(t.pki / name, folder)
	(folder / "modalities-ca.d").mkdir()
	(folder / "modalities-ca.d/index.txt").touch()
	end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=SECONDS)
	environment = {**os.environ, "CA": "modalities-ca",
		       "OPENSSL_CONF": str(ROOT / "certs/openssl.cnf")}
	for command in (
		"req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout brief.key "
		"-subj /CN=brief -addext subjectAltName=DNS:brief.test -out brief.csr",
		"ca -batch -notext -name test_ca -in brief.csr -out brief.crt -extensions client "
		f"-startdate 20250101000000Z -enddate {end:%Y%m%d%H%M%SZ}",
	):
		subprocess.run(["openssl", *command.split()], cwd=folder, env=environment,
			       check=True, capture_output=True)
	shutil.copy(t.pki / "hospital-ca.crt", folder)
	return dicom.client_context(folder, "brief")


with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs, {"modalities.0.certificate": {"dns": ["brief.test"]}})
	modality = t.connect(gateway, context=short_lived())
	modality.request(contexts=[XA_CONTEXT])
	assert modality.store(make("explicit")).status == 0
	statuses = []

	def is_refused():
		statuses.append(modality.store(make("explicit")).status)
		return statuses[-1] != 0
	eventually(is_refused)
	assert statuses[-1] == 0x0124, f"{statuses[-1]:04X}"
	gateway.wait_audit(event="instance", outcome="refused", reason="tls-expired")
	assert pacs.stored.qsize() == len(statuses)
