"""Goal: what the spool's code has sealed, a program that knows docs/SPOOL.md alone opens, and
reads its name; and it opens nothing in which a byte was changed."""
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

import spool_opener

SEGMENT = 65536
COMMAND = bytes(range(120))


def refused(what, function, *arguments):
	try:
		function(*arguments)
	except spool_opener.Wrong:
		return
	raise AssertionError(f"{what}: it opens")


with tempfile.TemporaryDirectory() as folder:
	work = pathlib.Path(folder)
	key, count = work / "spool.pem", 0
	spool_opener.openssl("genpkey", "-algorithm", "X25519", "-out", key)
	(work / "command").write_bytes(COMMAND)

	def seal(data, destination="pacs"):
		global count
		count += 1
		(work / "data").write_bytes(data)
		path = work / f"object-{count}"
		name = subprocess.run([os.environ["SPOOL_SEAL"], key, destination, work / "command",
				       work / "data", path], stdout=subprocess.PIPE, text=True, check=True)
		return path, name.stdout.strip()

	# The last one's messages have numbers of two bytes.
	for size in (0, 1, SEGMENT - 120, SEGMENT - 119, 3 * SEGMENT, 257 * SEGMENT):
		data = os.urandom(size)
		path, name = seal(data)
		content = path.read_bytes()
		metadata, got_command, got = spool_opener.open_object(key, "pacs", content)
		assert (got_command, got) == (COMMAND, data), f"{size} bytes come back as others"
		assert metadata["sop_instance"] == "1.2.3.4" and metadata["patient_id"] == "P-1"

		said = spool_opener.read_name(key, name)
		assert said["header"] == hashlib.sha256(content[:4096]).hexdigest()[:32]
		assert (said["sequence"], said["stored"]) == (1700000000000000, 1700000000)
		assert (said["state"], said["data_size"]) == ("queued", size)
		for tag, *texts in (("destination", b"pacs"), ("modality", b"angio"), ("study", b"angio", b"1.2.3"),
				    ("instance", b"pacs", b"angio", b"1.2.3.4")):
			assert said[tag] == spool_opener.tag(key, tag, *texts).hex()[:16], tag

	path, name = seal(b"data", "pacs-2")
	content = path.read_bytes()
	refused("for another destination", spool_opener.open_object, key, "pacs", content)
	for at in (0, 20, 40, 64, 70, 1000, 4096, len(content) - 1):
		changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]
		refused(f"with another byte at {at}", spool_opener.open_object, key, "pacs-2", changed)
	refused("another state", spool_opener.read_name, key, name[:-1] + "d")

	# As a person would.
	opener = [sys.executable, spool_opener.__file__, key]
	said = subprocess.run([*opener, "pacs-2", path, work / "got", work / "got-command"],
			      stdout=subprocess.PIPE, text=True, check=True).stdout
	assert '"study": "1.2.3"' in said, said
	assert (work / "got").read_bytes() == b"data" and (work / "got-command").read_bytes() == COMMAND
	said = subprocess.run([*opener, name], stdout=subprocess.PIPE, text=True, check=True).stdout
	assert '"state": "queued"' in said, said
	assert subprocess.run([*opener, "pacs", path], stderr=subprocess.DEVNULL, check=False).returncode == 1
