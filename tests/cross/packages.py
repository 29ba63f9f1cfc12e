#!/usr/bin/env python3
"""Goal: one command makes the package for arm64 on this machine, with the dependencies that the
release has for it; and the repository of docs/PACKAGES.md gives it to apt, which refuses it once
it was changed.

	packages.py [PACKAGE]		of one that is made already, in a folder to be written to

Exit status 77, with the reason, where the mirror or a tool is missing."""
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/system"))
import document	# noqa: E402
import machine	# noqa: E402

PAGE = "docs/PACKAGES.md"
PLACE, URI = "/srv/cathgate", "https://packages.hospital.example/cathgate"


def say(*command, **more):
	done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL,
			      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
	assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout[-3000:]}"
	return done.stdout


def make(folder, suite):
	"""By the page's own command, for the architecture that this machine isn't."""
	block = next(b.text for b in document.blocks(PAGE) if b.text.startswith("sh systemd"))
	assert " bookworm " in block
	command = block.strip().replace(PLACE, str(folder)).replace("bookworm", suite)
	done = subprocess.run(["sh", "-c", f"{command} arm64"], cwd=ROOT, text=True,
			      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
			      stderr=subprocess.STDOUT)
	if done.returncode and re.search(r"apt-get update .*failed|Failed to fetch", done.stdout):
		print(done.stdout[-2000:])
		machine.skip("the mirror can't be reached, see above")
	assert done.returncode == 0, done.stdout[-5000:]
	package, = folder.glob("*.deb")
	return package


def judged(package):
	def field(name):
		return say("dpkg-deb", "--field", package, name).strip()
	assert field("Architecture") == "arm64" and package.name.endswith("_arm64.deb")
	depends = field("Depends")
	for name in ("libc6 (>= ", "libdcmtk", "libssl3", "libsystemd0", "libjansson4", "libconfig",
		     "systemd"):
		assert name in depends, (name, depends)
	assert field("Recommends") == "curl"
	listed = say("dpkg-deb", "--contents", package)
	for path in ("./usr/sbin/cathgated", "./usr/bin/cathgate",
		     "./usr/lib/systemd/system/cathgate-crl.timer",
		     "./usr/share/man/man1/cathgate-backup.1.gz"):
		assert f" {path}\n" in listed, path
	with tempfile.TemporaryDirectory() as tree:
		say("dpkg-deb", "--extract", package, tree)
		for program in ("usr/sbin/cathgated", "usr/bin/cathgate"):
			head = (pathlib.Path(tree) / program).read_bytes()[:20]
			assert head[18:20] == b"\xb7\x00", f"{program} is not for AArch64"
		bill = (pathlib.Path(tree) / "usr/share/doc/cathgate/cathgate.spdx.json").read_text()
		assert "?arch=arm64" in bill and "?arch=amd64" not in bill


class Client:
	"""A gateway's apt, in folders of its own."""

	def __init__(self, folder, repository, text):
		self.folder = folder
		for name in ("etc/apt/sources.list.d", "etc/apt/apt.conf.d", "etc/apt/preferences.d",
			     "etc/apt/keyrings", "state/lists/partial", "cache/archives/partial"):
			(folder / name).mkdir(parents=True)
		key = folder / "etc/apt/keyrings/cathgate.asc"
		shutil.copy(repository / "cathgate.asc", key)
		(folder / "etc/apt/sources.list.d/cathgate.sources").write_text(
			text.replace(URI, f"file:{repository}")
			.replace("/etc/apt/keyrings/cathgate.asc", str(key)))
		self.options = ["-o", f"Dir::Etc={folder}/etc/apt", "-o", f"Dir::State={folder}/state",
				"-o", f"Dir::Cache={folder}/cache", "-o", "Dir::State::status=/dev/null",
				"-o", "APT::Architecture=arm64", "-o", "APT::Architectures::=arm64",
				"-o", "APT::Sandbox::User=root"]

	def run(self, *command):
		return subprocess.run(["apt-get", *self.options, *command], cwd=self.folder,
				      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
				      stderr=subprocess.STDOUT, text=True)


def kept_in_a_repository(work, package):
	repository = package.parent
	text = {b.text.split()[0] + b.text.split()[1]: b.text.replace(PLACE, str(repository))
		for b in document.blocks(PAGE)}
	environment = {**os.environ, "GNUPGHOME": str(work / "gpg")}
	(work / "gpg").mkdir(mode=0o700)
	say("sh", "-ec", text["gpg--batch"], env=environment)
	say("sh", "-ec", text[f"cd{PLACE}"], env=environment)
	client = Client(work / "client", repository, text["Types:deb"])
	updated = client.run("update")
	assert updated.returncode == 0 and "W:" not in updated.stdout, updated.stdout
	done = client.run("download", "cathgate")
	assert done.returncode == 0, done.stdout
	found, = client.folder.glob("*.deb")
	assert found.read_bytes() == package.read_bytes()
	found.unlink()
	# Changed on its way, and the list changed to suit it.
	with open(repository / "Packages", "a") as packages:
		packages.write("\n")
	shutil.rmtree(client.folder / "state/lists")
	(client.folder / "state/lists/partial").mkdir(parents=True)
	assert client.run("update").returncode != 0
	say("gpgconf", "--kill", "all", env=environment)


def main():
	if platform.machine() == "aarch64":
		machine.skip("this machine is one: make-packages.sh compiles as it always does")
	for tool in ("mmdebstrap", "apt-ftparchive", "gpg", "dpkg-deb"):
		if not shutil.which(tool):
			machine.skip(f"{tool} is not installed")
	suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
	with tempfile.TemporaryDirectory() as work:
		work = pathlib.Path(work)
		package = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None
		if not package:
			package = make(work / "made", suite)
		judged(package)
		kept_in_a_repository(work, package)
	print("ok")


main()
