"""Goal: cathgate spool export writes DICOM files that DCMTK reads, with the data set bit for
bit, for its owner alone, over no other file, and with a record in the audit log; from a copy
of the spool's folder it does so with the key alone, without a gateway; what was changed is
never exported."""
import json
import os
import shutil
import stat
import subprocess

import spool
from harness import Test, cathgate, eventually, tool
from objects import make
from wait import free_ports

META_GROUP = 128 + 4


def parts(content):
	"""The meta header's elements, and what follows it."""
	assert content[:132] == bytes(128) + b"DICM"
	assert content[132:140] == b"\x02\x00\x00\x00UL\x04\x00"
	end = 144 + int.from_bytes(content[140:144], "little")
	found, at = {}, 144
	while at < end:
		number, vr = int.from_bytes(content[at + 2:at + 4], "little"), content[at + 4:at + 6]
		head = 12 if vr == b"OB" else 8
		size = int.from_bytes(content[at + 8:at + 12] if head == 12 else content[at + 6:at + 8], "little")
		assert size % 2 == 0
		found[number] = content[at + head:at + head + size]
		at += head + size
	assert at == end
	return found, content[end:]


def text(value):
	return value.rstrip(b"\0 ").decode()


with Test() as t:
	gateway = t.gateway(free_ports(1)[0],
			    spool.changes(t, retry_first_seconds=600, retry_max_seconds=600))
	here = "--config", gateway.config

	def run(*arguments, status=0):
		done = subprocess.run([cathgate(), "spool", *map(str, arguments)], capture_output=True,
				      text=True, stdin=subprocess.DEVNULL, check=False)
		assert done.returncode == status, done
		return done

	def is_right(path, obj):
		content = path.read_bytes()
		elements, data = parts(content)
		assert data == obj.data, path
		assert text(elements[2]) == obj.sop_class and text(elements[3]) == obj.sop_instance
		assert text(elements[0x10]) == obj.transfer_syntax and elements[1] == b"\0\1"
		assert elements[0x12] and text(elements[0x13]).startswith("CATHGATE")
		assert stat.S_IMODE(path.stat().st_mode) == 0o600
		if shutil.which("dcmdump"):
			subprocess.run(["dcmdump", "-q", path], check=True, stdout=subprocess.DEVNULL)
		return True

	sent = [make("explicit", size=size) for size in (10, 65536 * 2, 300_001)]
	modality = t.associate(gateway)
	for obj in sent:
		assert modality.store(obj).status == 0
	modality.release()
	eventually(lambda: len(spool.names(t, "q")) == 3)
	objects = eventually(lambda: (found := json.loads(tool("spool", "list", "--json", *here)))
			     and not any(item["in_hand"] for item in found) and found)
	first, second, third = (item["object"] for item in objects)

	# One into a file; several into a folder.
	out = t.work / "out"
	out.mkdir(0o700)
	one = t.work / "one.dcm"
	assert "say --yes" in run("export", "--to", one, first, *here, status=2).stderr
	run("export", "--yes", "--to", one, first, "--note", "for the drill", *here)
	assert is_right(one, sent[0])
	line = gateway.wait_audit(event="delivery", outcome="exported")
	assert line["sop_instance"] == sent[0].sop_instance and "for the drill" in line["detail"]
	before = one.read_bytes()
	assert "there already" in run("export", "--yes", "--to", one, second, *here, status=1).stderr
	assert one.read_bytes() == before
	assert "no folder" in run("export", "--yes", "--to", t.work / "none", first, second, *here,
				  status=2).stderr
	run("export", "--yes", "--to", out, "--state", "queued", *here)
	for obj, number in zip(sent, (first, second, third)):
		assert is_right(out / f"{number}.dcm", obj)
	assert sorted(os.listdir(out)) == sorted(f"{number}.dcm" for number in (first, second, third))
	assert len(gateway.audit(event="delivery", outcome="exported")) == 4
	assert len(spool.names(t, "q")) == 3, "they stay"

	# A file in the spool that was changed isn't exported, and leaves nothing.
	copy = t.work / "copy"
	shutil.copytree(t.work / "spool", copy, ignore=shutil.ignore_patterns("socket"))
	name = spool.names(t, "q")[1]
	damaged = t.work / "spool" / name
	content = bytearray(damaged.read_bytes())
	content[-20] ^= 1
	damaged.chmod(0o600)
	damaged.write_bytes(content)
	new = t.work / "new"
	new.mkdir(0o700)
	done = run("export", "--yes", "--to", new, second, *here, status=1)
	assert "changed or cut" in done.stderr, done
	assert os.listdir(new) == [], os.listdir(new)
	assert len(gateway.audit(event="delivery", outcome="exported")) == 4
	# And can be removed.
	run("drop", "--yes", second, *here)
	assert len(spool.names(t, "q")) == 2

	# From the copy, without a gateway; and without its configuration.
	assert gateway.stop() == 0
	files = [copy / name for name in sorted(os.listdir(copy)) if name.count(".") == 2]
	shown = json.loads(run("show", "--json", "--file", *files, *here).stdout)
	assert [item["sha256"] for item in shown] == [obj.sha256 for obj in sent]
	done = run("export", "--file", *files, "--to", new, *here)
	assert "no audit log" in done.stderr
	for obj, number in zip(sent, (first, second, third)):
		assert is_right(new / f"{number}.dcm", obj)
	key = "--key", t.work / "spool.key"
	alone = t.work / "alone.dcm"
	run("export", "--file", files[2], "--to", alone, *key, "--destination", "pacs")
	assert is_right(alone, sent[2])
	for arguments, words, status in (
			((files[0], *key), "--destination", 2),
			((files[0], *key, "--destination", "archive"), "another destination", 1),
			((files[0], "--key", spool.make_key(t.work, "other.key"), "--destination",
			  "pacs"), "another key", 1),
			((t.work / "one.dcm", *key, "--destination", "pacs"), "no object", 1),
			((t.work / "nothing", *key, "--destination", "pacs"), "No such file", 1)):
		done = run("export", "--to", t.work / "x.dcm", "--file", *arguments, status=status)
		assert words in done.stderr, (words, done.stderr)
	assert not (t.work / "x.dcm").exists()
	(copy / "cut").write_bytes(files[2].read_bytes()[:-70000])
	assert "changed or cut" in run("show", "--file", copy / "cut", *key, "--destination", "pacs",
				       status=1).stderr
