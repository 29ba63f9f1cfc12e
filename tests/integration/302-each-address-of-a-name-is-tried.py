"""Goal: a PACS whose name has two addresses is reached at the second where the first refuses,
whichever comes first; where both refuse, the audit log names the last one tried."""
import pathlib
import re
import subprocess

import small_disk
from dicom import XA_CONTEXT, Rejection
from harness import Skip, Test
from objects import make

NAME, ADDRESSES = "pacs.two-addresses.test", ("127.0.0.1", "127.0.0.2")


def know_name():
	"""To the files of this test's machine alone."""
	hosts = t.work / "hosts"
	hosts.write_text("".join(f"{address} {NAME}\n" for address in ADDRESSES)
			 + pathlib.Path("/etc/hosts").read_text())
	if subprocess.run(["mount", "--bind", hosts, "/etc/hosts"]).returncode:
		raise Skip("this machine lets nobody have names of its own")
	known = subprocess.run(["getent", "ahostsv4", NAME], stdout=subprocess.PIPE, text=True)
	if not all(address in known.stdout for address in ADDRESSES):
		raise Skip("the name service of this machine doesn't read /etc/hosts")


small_disk.in_namespace()
with Test() as t:
	know_name()
	for address in ADDRESSES:
		pacs = t.pacs(address=address)
		gateway = t.gateway(pacs, {"destinations.0.host": NAME})
		modality = t.associate(gateway)
		assert modality.store(make("explicit")).status == 0
		modality.release()
		assert pacs.connections == 1

	gateway = t.gateway(None, {"destinations.0.host": NAME, "destinations.0.port": 1})
	assert t.connect(gateway).request(contexts=[XA_CONTEXT]) == Rejection(2, 3, 1)
	line = gateway.wait_audit(event="association", outcome="refused")
	assert line["reason"] == "destination-unreachable", line
	assert re.fullmatch(r"127\.0\.0\.[12]:1: Connection refused", line["detail"]), line
