"""Goal: an @include that names a folder, a FIFO, a device or its own file is refused with
file and line, at --check as at a reload, and the gateway goes on; so is a text that an
editor saved with a byte order mark."""
import os
import subprocess

from dicom import PATIENCE
from harness import Test, cathgated
from objects import make


def faulty(folder):
	"""What stands at the end of the configuration, and what must be said of it."""
	up = "../" * len(folder.parts)
	(folder / "folder").mkdir()
	os.mkfifo(folder / "fifo")
	(folder / "outer.conf").write_text('// first\n\t@include "folder"\n')
	(folder / "mark.conf").write_bytes(b'\xef\xbb\xbfspool: { mode = "off"; };\n')
	(folder / "itself.conf").write_text('@include "itself.conf"\n' * 2)
	(folder / "endless.conf").write_text(" " * (5 << 20))
	return [
		('@include "endless.conf"\n', "endless.conf: ", "over 4 MiB"),
		('@include "folder"\n', "cathgate.conf:LAST: @include wants", "no regular one"),
		('@include ""\n', "cathgate.conf:LAST: @include wants", "no regular one"),
		('@include "fifo"\n', "cathgate.conf:LAST: @include wants", "no regular one"),
		(f'@include "{up}dev/zero"\n', "cathgate.conf:LAST: @include", "no regular one"),
		('@include "outer.conf"\n', "outer.conf:2: @include wants", "no regular one"),
		('@include "mark.conf"\n', "mark.conf:1: ", "byte order mark"),
		('@include "itself.conf"\n', "itself.conf:1: @include", "include itself"),
		('@include "none.conf"\n', "cathgate.conf:LAST: ", "name of a readable file"),
		('x = "\\x00"; y = [ 1, ];\n@include "fifo"\n', ":LAST2: @include wants", "regular"),
	]


def check(config):
	return subprocess.run([cathgated(), "--check", "--config", config], timeout=PATIENCE,
			      capture_output=True, text=True)


with Test() as t:
	gateway = t.gateway(t.pacs())
	good = gateway.config.read_text()
	last = good.count("\n") + 1
	modality = t.associate(gateway)
	for ending, place, cure in faulty(gateway.folder):
		place = place.replace("LAST2", str(last + 1)).replace("LAST", str(last))
		gateway.config.write_text(good + ending)
		found = check(gateway.config)
		assert found.returncode == 1, (ending, found)
		assert place in found.stderr and cure in found.stderr, (ending, found.stderr)
		gateway.reload(outcome="refused")
		assert modality.store(make("explicit")).status == 0, ending
	assert check(gateway.folder / "mark.conf").returncode == 1

	(gateway.folder / "extra").mkdir()
	(gateway.folder / "extra/limits.conf").write_text("idle_seconds = 0x40;\r\n")
	gateway.config.write_text(good.replace(
		"grace_seconds", '/* @include "fifo" */ // @include "fifo"\n'
		'\t@include "extra/limits.conf"\ngrace_seconds'))
	gateway.reload()
	assert modality.store(make("explicit")).status == 0
	modality.release()
