"""Goal: 200 modalities hold 500 associations in at most 3 MiB each beyond what they share, and
beside them a hundred modalities a second still come, authenticate with RSA-2048, ask for an
echo and go: or half as many as openssl s_time reaches here, where that is less."""
# Alone
import os
import pathlib
import re
import subprocess
import sys
import time

import config
import dicom
import wait
from harness import Test, Skip, children, eventually
from objects import IMPLICIT, VERIFICATION

MODALITIES, HELD = 200, 500
EACH_KIB = 3 * 1024
SECONDS = 2		# for each measurement
CALLERS = 8		# processes that call at once: one Python uses one core
TRIES = 8		# a busy machine's scheduler has moods
ECHO = [(1, VERIFICATION, [IMPLICIT])]


def proportional_kib(pid):
	with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
		return int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M)[1])


def entries():
	"""200, all of one certificate: each association fits one, by its AE title."""
	first = config.working(t.work, t.pki, 1)["modalities"][0]
	certificate = {"sha256": [config.fingerprint(t.pki / "modality-rsa.crt")]}
	return [{**first, "name": f"room{number}", "ae_titles": [f"ROOM{number}"],
		 "certificate": certificate} for number in range(MODALITIES)]


def associate(port, client, number, contexts):
	association = dicom.Association(dicom.connect(port, client))
	answer = association.request(calling=f"ROOM{number % MODALITIES}", contexts=contexts)
	assert isinstance(answer, dicom.Request), f"association {number}: {answer}"
	return association


def call(port, client):
	"""A caller, of which there are some: waits for the word, and prints how many it did."""
	print("ready", flush=True)
	sys.stdin.readline()
	end = time.monotonic() + SECONDS
	count = 0
	while time.monotonic() < end:
		association = associate(port, client, count, ECHO)
		assert association.echo().status == 0
		association.release()
		count += 1
	print(count)


def call_all_at_once():
	"""Associations a second."""
	callers = [subprocess.Popen([sys.executable, __file__, str(gateway.port), str(t.pki)],
				    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
		   for _ in range(CALLERS)]
	for caller in callers:
		assert caller.stdout.readline() == "ready\n"
	began = time.monotonic()
	for caller in callers:
		caller.stdin.write("\n")
		caller.stdin.flush()
	count = sum(int(caller.communicate(timeout=60)[0]) for caller in callers)
	return count / (time.monotonic() - began)


def start_s_server(port):
	return subprocess.Popen(
		["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-quiet",
		 "-cert", t.pki / "gateway-rsa.crt", "-key", t.pki / "gateway-rsa.key",
		 "-CAfile", t.pki / "modalities-ca.crt", "-Verify", "1"],
		stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def listens(port):
	try:
		dicom.connect(port).close()
	except OSError:
		return False
	return True


def s_time(port):
	result = subprocess.run(
		["openssl", "s_time", "-connect", f"127.0.0.1:{port}", "-new",
		 "-time", str(SECONDS), "-CAfile", t.pki / "hospital-ca.crt",
		 "-cert", t.pki / "modality-rsa.crt", "-key", t.pki / "modality-rsa.key"],
		capture_output=True, text=True, timeout=60)
	found = re.search(r"(\d+) connections in (\d+) real seconds", result.stdout)
	assert found, result.stdout + result.stderr
	return int(found[1]) / int(found[2])


if len(sys.argv) > 1:
	call(int(sys.argv[1]),
	     dicom.client_context(pathlib.Path(sys.argv[2]), "modality-rsa"))
	sys.exit()

with Test() as t:
	if os.environ.get("CATHGATE_SANITIZE"):
		raise Skip("sanitizers have memory and time of their own")
	pacs = t.pacs()
	gateway = t.gateway(pacs, {
		"modalities": entries(),
		"listen.0.tls.certificate": str(t.pki / "gateway-rsa.crt"),
		"listen.0.tls.key": str(t.pki / "gateway-rsa.key")})
	client = dicom.client_context(t.pki, "modality-rsa")
	held = [associate(gateway.port, client, number, [dicom.XA_CONTEXT])
		 for number in range(HELD)]
	family = [gateway.pid, *children(gateway.pid, but_for=())]
	assert len(gateway.associations()) == HELD
	each = sum(map(proportional_kib, family)) / HELD
	print(f"{each:.0f} KiB for each of {HELD} associations")
	assert each <= EACH_KIB, f"{each:.0f} KiB each"

	port, = wait.free_ports(1)
	s_server = start_s_server(port)
	try:
		eventually(lambda: listens(port))
		rates = []
		for _ in range(TRIES):
			reference = s_time(port)
			rates.append((call_all_at_once(), reference))
			if rates[-1][0] >= min(100, reference / 2):
				break
	finally:
		s_server.kill()
		s_server.wait()
	print("; ".join(f"{rate:.0f} a second, s_time {reference:.0f}"
			for rate, reference in rates))
	assert rates[-1][0] >= min(100, rates[-1][1] / 2), rates
	for association in held:
		assert association.sock.fileno() >= 0
		association.release()
	eventually(lambda: not gateway.associations())
