"""Goal: under 200 bad connections a second (garbage, half a handshake, wrong certificates),
from another address or from its own, a modality that is good has TLS, its association and
its C-ECHO in at most twice the usual time."""
# Alone: it measures
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections import Counter

import dicom
from harness import Skip, Test, eventually
from objects import IMPLICIT, VERIFICATION

RATE, KINDS = 200, "garbage,half,stranger,plain,leave"
OWN, OTHER = "127.0.0.1", "127.0.0.7"
TURNS, EACH, SECONDS = 4, 5, 1.5	# usual and under the flood, in turns
TRY_SECONDS = 25			# the best ratio counts
FLOOD = pathlib.Path(dicom.__file__).with_name("flood.py")


class Flood:
	def __init__(self, address):
		self.process = subprocess.Popen(
			[sys.executable, FLOOD, str(gateway.port), str(t.pki), str(RATE), KINDS,
			 address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
		self.seconds = 0
		assert self.process.stdout.readline() == "ready\n"

	def say(self, word):
		self.process.stdin.write(word + "\n")
		self.process.stdin.flush()

	def end(self):
		"""How many it has made."""
		made, _ = self.process.communicate(timeout=dicom.PATIENCE)
		return sum(json.loads(made).values())


def set_up():
	"""How long it took. Whoever is closed at accept tries again a second later."""
	began = time.monotonic()
	while True:
		try:
			modality = t.connect(gateway, context=context)
			answer = modality.request(contexts=[(1, VERIFICATION, [IMPLICIT])])
			assert isinstance(answer, dicom.Request), answer
			assert modality.echo().status == 0
			took = time.monotonic() - began
			modality.release()
			return took
		except (OSError, dicom.Closed):
			assert time.monotonic() - began < dicom.PATIENCE, "it is locked out"
			time.sleep(1)


def ticks():
	"""Of the gateway and those that it has reaped, and of its other processes."""
	total = 0
	for pid in [gateway.pid, gateway.helper("auditor")]:
		stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
		total += sum(map(int, stat[11:15]))
	return total


def machine():
	"""Idle ticks, and all, of all processors."""
	fields = list(map(int, pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]))
	return fields[3] + fields[4], sum(fields)


def under(flood):
	"""Times within a flood; and the share of the machine that was idle."""
	times, (idle, whole) = [], machine()
	began = time.monotonic()
	flood.say("on")
	while time.monotonic() - began < SECONDS or len(times) < EACH:
		times.append(set_up())
		time.sleep(SECONDS / EACH)	# a modality's pace, within its limits
	flood.say("off")
	flood.seconds += time.monotonic() - began
	idle_after, whole_after = machine()
	eventually(lambda: not gateway.associations())
	return times, (idle_after - idle) / max(whole_after - whole, 1)


def compare(address, worked):
	"""Median under the flood ÷ median without, the idle share, and what the flood made a
	second. Adds to `worked` the ticks and the numbers of good and of all others."""
	flood = Flood(address)
	usual, flooded, idle = [], [], []
	for _ in range(TURNS):
		before = ticks()
		usual += [set_up() for _ in range(EACH)]
		eventually(lambda: not gateway.associations())
		between = ticks()
		times, idle_share = under(flood)
		worked.update(good=between - before, flood=ticks() - between)
		flooded += times
		idle.append(idle_share)
	made = flood.end()
	worked.update(goods=len(usual), bads=made, among=len(flooded))
	return (statistics.median(flooded) / statistics.median(usual), statistics.mean(idle),
		made / flood.seconds)


def is_held(address):
	found, worked = [], Counter()
	began = time.monotonic()
	while time.monotonic() - began < TRY_SECONDS:
		ratio, idle, a_second = compare(address, worked)
		found.append((ratio, idle, a_second))
		print(f"from {address}: {ratio:.2f} times as long, {a_second:.0f} a second, "
		      f"{idle:.2f} idle")
		if ratio <= 2 and a_second >= 0.9 * RATE:
			return
	good = worked["good"] / worked["goods"]
	bad = (worked["flood"] - good * worked["among"]) / worked["bads"]
	assert bad < good, f"{bad:.2f} ticks for a bad one, {good:.2f} for a good one"
	if max(idle for _, idle, _ in found) < 0.3:
		raise Skip(f"this machine has no processor to spare for {address}")
	raise AssertionError(f"from {address} (ratio, idle, flood a second): {found}")


with Test() as t:
	if os.environ.get("CATHGATE_SANITIZE"):
		raise Skip("sanitizers make each process many times as dear")
	gateway = t.gateway(t.pacs(), {
		"limits.max_handshakes": 64, "limits.max_associations_per_address": 32,
		"limits.handshakes_per_address_per_minute": 600})
	context = dicom.client_context(t.pki, "angio")
	set_up()
	is_held(OTHER)
	is_held(OWN)
