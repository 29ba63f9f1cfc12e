"""Goal: a modality that vanished without a word (power, roaming: no FIN, no RST ever comes)
is noticed long before store_seconds, idle and in mid-object alike, and frees its place."""
import ctypes
import os
import shutil
import signal
import subprocess
import sys

from dicom import XA_CONTEXT
from harness import SKIPPED, Test, eventually
from objects import make

CLONE_NEWNET, PR_SET_PDEATHSIG = 0x40000000, 1
GATEWAY, MODALITY = "10.99.0.1", "10.99.0.2"

if "CATHGATE_NAMESPACE" not in os.environ:	# a network of this test's own
	for options in (["-n"], ["-rn"]):
		if shutil.which("ip") and subprocess.run(["unshare", *options, "true"]).returncode == 0:
			os.environ["CATHGATE_NAMESPACE"] = "1"
			os.execvp("unshare", ["unshare", *options, sys.executable, *sys.argv])
	print("skipped: this machine lets nobody make a network of his own")
	sys.exit(SKIPPED)


def ip(*words):
	subprocess.run(["ip", *words], check=True)


def enter(network):
	if ctypes.CDLL(None, use_errno=True).setns(network, CLONE_NEWNET) != 0:
		raise OSError(ctypes.get_errno(), "setns")


def go_with_the_test():
	ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def plug_in():
	"""A second host, its cable in ours; its network and this one."""
	holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec sleep infinity"],
				  stdout=subprocess.PIPE, preexec_fn=go_with_the_test)
	holder.stdout.readline()
	ours, theirs = (os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
			for pid in (os.getpid(), holder.pid))
	ip("link", "set", "lo", "up")
	ip("link", "add", "cable", "type", "veth", "peer", "name", "far", "netns", str(holder.pid))
	ip("addr", "add", f"{GATEWAY}/24", "dev", "cable")
	ip("link", "set", "cable", "up")
	enter(theirs)
	ip("addr", "add", f"{MODALITY}/24", "dev", "far")
	ip("link", "set", "far", "up")
	enter(ours)
	return ours, theirs


with Test() as t:
	ours, theirs = plug_in()
	gateway = t.gateway(t.pacs(), {"listen.0.address": "0.0.0.0",
				       "limits.store_seconds": 300})
	enter(theirs)
	idle, sending = (t.connect(gateway, address=GATEWAY) for _ in range(2))
	enter(ours)
	for modality in (idle, sending):
		modality.request(contexts=[XA_CONTEXT])
	obj = make("explicit")
	sending.store_command(obj)
	sending.send_data(1, obj.data[:1000], last=False)
	eventually(lambda: len(gateway.associations()) == 2)
	ip("link", "set", "cable", "down")
	eventually(lambda: not gateway.associations())
	line, = gateway.audit(event="instance")
	assert (line["outcome"], line["reason"]) == ("failed", "peer-lost"), line
