"""Many at once, in figures beside their goals: a reload with 200 modalities, a good modality
within a flood, associations that come beside 500 others.

	PYTHONPATH=tests/lib python3 tests/bench/crowds.py [--quick]

It succeeds when everybody got the answer that is due, however long that took: a goal that
isn't reached is a figure. Takes the daemon from $CATHGATED."""
import pathlib
import re
import statistics
import subprocess
import sys
import time

import crowd
import dicom
import wait
from harness import Test, eventually

RELOAD_MS, SLOWER, A_SECOND = 100, 2, 100	# the goals
MODALITIES = 200
CALLERS = 8		# processes that call at once: one Python uses one core
RATE, KINDS = 200, "garbage,half,stranger,plain,leave"
OWN, OTHER = "127.0.0.1", "127.0.0.7"


def show(what, figure, goal, reached):
	print(f"{what}: {figure} (goal: {goal}; {'reached' if reached else 'not reached'})")


def reloads(times):
	many = {f"modalities.{number}": crowd.modality(number)
		for number in range(1, MODALITIES)}
	gateway = t.gateway(t.pacs(), many)
	held = [t.associate(gateway) for _ in range(50)]
	for number in range(times):
		many["modalities.7"] = crowd.modality(number + 1000)
		gateway.reload(many)
	took = statistics.median(map(int, re.findall(r"reloaded in (\d+) ms", gateway.log())))
	for association in held:
		association.release()
	assert gateway.stop() == 0
	show(f"a reload with {MODALITIES} modalities", f"{took:.0f} ms, median of {times}",
	     f"{RELOAD_MS} ms", took < RELOAD_MS)


def set_up(gateway, context):
	"""How long it took, with its release, and whatever it had to wait for."""
	began = time.monotonic()
	eventually(lambda: crowd.echo(t, gateway, context))
	return time.monotonic() - began


def flooded(gateway, context, address, turns):
	"""Usual times and those under the flood, in turns; and what the flood made a second."""
	flood = crowd.Flood(gateway.port, t.pki, RATE, KINDS, address)
	usual, under, seconds = [], [], 0
	for _ in range(turns):
		usual += [set_up(gateway, context) for _ in range(5)]
		began = time.monotonic()
		flood.say("on")
		for _ in range(5):
			under.append(set_up(gateway, context))
			time.sleep(0.3)	# a modality's pace, within its limits
		flood.say("off")
		seconds += time.monotonic() - began
		eventually(lambda: not gateway.associations())
	return usual, under, flood.end() / seconds


def floods(turns):
	gateway = t.gateway(t.pacs(), {
		"limits.max_handshakes": 64, "limits.max_associations_per_address": 32,
		"limits.handshakes_per_address_per_minute": 600})
	context = dicom.client_context(t.pki, "angio")
	set_up(gateway, context)
	for name, address in ("another address", OTHER), ("its own address", OWN):
		usual, under, a_second = flooded(gateway, context, address, turns)
		ratio = statistics.median(under) / statistics.median(usual)
		show(f"a modality's set-up under {a_second:.0f} bad connections a second from {name}",
		     f"{ratio:.2f} times the usual", f"{SLOWER}", ratio <= SLOWER)
	assert gateway.stop() == 0


def call(port, client, seconds):
	"""A caller, of which there are some: waits for the word, and prints how many it did."""
	print("ready", flush=True)
	sys.stdin.readline()
	end = time.monotonic() + seconds
	count = 0
	while time.monotonic() < end:
		association = crowd.associate(port, client, count % MODALITIES, crowd.ECHO)
		assert association.echo().status == 0
		association.release()
		count += 1
	print(count)


def call_all_at_once(gateway, seconds):
	"""Associations a second."""
	callers = [subprocess.Popen([sys.executable, __file__, "--call", str(gateway.port),
				     str(t.pki), str(seconds)],
				    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
		   for _ in range(CALLERS)]
	for caller in callers:
		assert caller.stdout.readline() == "ready\n"
	began = time.monotonic()
	for caller in callers:
		caller.stdin.write("\n")
		caller.stdin.flush()
	count = sum(int(caller.communicate()[0]) for caller in callers)
	assert all(caller.returncode == 0 for caller in callers), "a caller was refused"
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


def s_time(port, seconds):
	"""Handshakes a second."""
	result = subprocess.run(
		["openssl", "s_time", "-connect", f"127.0.0.1:{port}", "-new",
		 "-time", str(seconds), "-CAfile", t.pki / "hospital-ca.crt",
		 "-cert", t.pki / "modality-rsa.crt", "-key", t.pki / "modality-rsa.key"],
		capture_output=True, text=True)
	found = re.search(r"(\d+) connections in (\d+) real seconds", result.stdout)
	assert found, result.stdout + result.stderr
	return int(found[1]) / int(found[2])


def crowded(count, rounds, seconds):
	gateway = t.gateway(t.pacs(), {
		"modalities": crowd.rooms(t.work, t.pki, MODALITIES),
		"listen.0.tls.certificate": str(t.pki / "gateway-rsa.crt"),
		"listen.0.tls.key": str(t.pki / "gateway-rsa.key")})
	client = dicom.client_context(t.pki, "modality-rsa")
	held = [crowd.associate(gateway.port, client, number % MODALITIES, [dicom.XA_CONTEXT])
		for number in range(count)]
	port, = wait.free_ports(1)
	s_server = start_s_server(port)
	try:
		eventually(lambda: listens(port))
		turns = [(s_time(port, seconds), call_all_at_once(gateway, seconds))
			 for _ in range(rounds)]
	finally:
		s_server.kill()
		s_server.wait()
	handshakes, associations = map(statistics.median, zip(*turns))
	for association in held:
		association.release()
	assert gateway.stop() == 0
	goal = min(A_SECOND, handshakes / 2)
	show(f"associations with RSA-2048 and C-ECHO beside {count} that are held",
	     f"{associations:.0f} a second, medians of {rounds}; openssl s_time "
	     f"{handshakes:.0f}", f"{goal:.0f} a second", associations >= goal)


if sys.argv[1:2] == ["--call"]:
	call(int(sys.argv[2]), dicom.client_context(pathlib.Path(sys.argv[3]), "modality-rsa"),
	     float(sys.argv[4]))
	sys.exit()

quick = "--quick" in sys.argv
with Test() as t:
	reloads(2 if quick else 10)
	floods(1 if quick else 8)
	crowded(50 if quick else 500, 1 if quick else 7, 1 if quick else 2)
