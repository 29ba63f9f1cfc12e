"""Goal: cathgate spool keygen makes a key that the gateway takes, and overwrites none; with the
new key first in the list a reload seals by it, while what was sealed by the old one is found,
shown and delivered; so is what a modality sends that a reload let in."""
import json
import stat
import subprocess

import spool
from dicom import Pacs, server_context
from harness import Test, cathgate, eventually, tool
from objects import make
from spool_opener import openssl
from wait import free_ports

with Test() as t:
	port = free_ports(1)[0]
	key, newer = t.work / "spool.key", t.work / "newer.key"
	said = tool("spool", "keygen", "--key", key, "--config", t.work / "cathgate.conf").decode()
	assert 'key = "spool.key"' in said and "cathgate reload" in said, said
	assert stat.S_IMODE(key.stat().st_mode) == 0o400
	assert openssl("pkey", "-in", key, "-pubout") == (t.work / "spool.key.pub").read_bytes()
	before = key.read_bytes()
	done = subprocess.run([cathgate(), "spool", "keygen", "--key", key], capture_output=True,
			      text=True, check=False)
	assert done.returncode == 2 and "left as it is" in done.stderr, done
	assert key.read_bytes() == before
	# Neither is a private half made where the public one can't be.
	(t.work / "half.pub").write_text("mine")
	done = subprocess.run([cathgate(), "spool", "keygen", "--key", t.work / "half"],
			      capture_output=True, text=True, check=False)
	assert done.returncode == 2 and not (t.work / "half").exists(), done

	changes = {"spool": {"mode": "always", "key": str(key), "directory": str(t.work / "spool"),
			     "min_free_bytes": 4096, "retry_first_seconds": 600,
			     "retry_max_seconds": 600}}
	gateway = t.gateway(port, changes)
	here = "--config", gateway.config

	def send(**more):
		obj = make("explicit", size=5000)
		modality = t.associate(gateway, **more)
		assert modality.store(obj).status == 0
		modality.release()
		return obj

	def shown(*arguments):
		return json.loads(tool("spool", "show", "--json", *arguments, *here))

	def is_found(obj, modality):
		items = shown("--sop-instance", obj.sop_instance)
		assert [item["sha256"] for item in items] == [obj.sha256], items
		assert items[0]["modality"] == modality, items
		assert len(shown("--study", items[0]["study"])) == 1
		listed = json.loads(tool("spool", "list", "--json", "--modality", modality, *here))
		assert items[0]["object"] in [item["object"] for item in listed]
		assert {item["modality"] for item in listed} == {modality}
		return True

	old = send()
	assert is_found(old, "angio")
	tool("spool", "keygen", "--key", newer)
	changes["spool"]["key"] = [str(newer), str(key)]
	spool.reload(gateway, changes)
	new = send()
	eventually(lambda: len(json.loads(tool("spool", "list", "--json", *here))) == 2)
	assert is_found(old, "angio") and is_found(new, "angio")
	ids = {(t.work / "spool" / name).read_bytes()[16:32] for name in spool.names(t, "q")}
	assert len(ids) == 2, "each is sealed by the key of its time"

	changes["modalities.1"] = {"name": "echo", "ae_titles": ["ECHO"], "called_ae_titles": ["CATHGATE"],
				   "certificate": {"dns": ["echolab.test"]}, "destination": "pacs"}
	spool.reload(gateway, changes)
	third = send(certificate="echolab", calling="ECHO")
	assert is_found(old, "angio") and is_found(third, "echo")

	pacs = Pacs(server_context(t.pki, "pacs", "hospital-ca"), port=port)
	t.peers.append(pacs)
	tool("spool", "retry", "--state", "queued", "--yes", *here)
	got = {pacs.stored.get().data for _ in range(3)}
	assert got == {old.data, new.data, third.data}
	spool.wait_delivered(t)

	# Without the old key now, all else as before.
	changes["spool"]["key"] = str(newer)
	spool.reload(gateway, changes)
	last = send()
	assert pacs.stored.get().data == last.data
