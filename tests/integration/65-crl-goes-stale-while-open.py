"""Goal: revocation is judged for each instance: when the CRL's time is over while the
association is open, the next instance is refused with 0124."""
import datetime
import os
import shutil
import subprocess

from harness import ROOT, Test, eventually
from objects import make

SECONDS = 3


def short_lived():
	"""A CRL for a few seconds, from a copy of the CA: others use it, too."""
	folder = t.work / "ca"
	(folder / "modalities-ca.d").mkdir(parents=True)
	(folder / "modalities-ca.d/index.txt").touch()
	for name in ("modalities-ca.crt", "modalities-ca.key"):
		shutil.copy(t.pki / name, folder)
	end = datetime.datetime.now(datetime.timezone.utc)
	end += datetime.timedelta(seconds=SECONDS)
	subprocess.run(["openssl", "ca", "-gencrl", "-name", "test_ca", "-out", "brief.crl",
			"-crl_lastupdate", "20250101000000Z",
			"-crl_nextupdate", f"{end:%Y%m%d%H%M%SZ}"],
		       cwd=folder, check=True, capture_output=True,
		       env={**os.environ, "CA": "modalities-ca",
			    "OPENSSL_CONF": str(ROOT / "certs/openssl.cnf")})
	return str(folder / "brief.crl")


def is_refused():
	obj = make("explicit")
	status = modality.store(obj).status
	if status == 0:
		taken.append(obj)
		return None
	assert status == 0x0124, f"{status:04X}"
	return obj


with Test() as t:
	pacs, taken = t.pacs(), []
	gateway = t.gateway(pacs, {"listen.0.tls.crl": short_lived()})
	modality = t.associate(gateway)
	obj = eventually(is_refused, SECONDS + 5)
	line, = gateway.audit(event="instance", sop_instance=obj.sop_instance)
	assert (line["outcome"], line["reason"]) == ("refused", "tls-crl-stale"), line
	assert taken and pacs.stored.qsize() == len(taken)
	assert t.is_refused(gateway, "angio"), "a new association isn't let in either"
