"""Goal: whatever the prefix, what is installed names no place that isn't there: the sample in
each file that the tool writes, the guides' links, the pages and the journal's catalog."""
import os
import pathlib
import re
import subprocess

from harness import ROOT, Skip, Test, cathgated
from dicom import PATIENCE

BUILD = pathlib.Path(cathgated()).parents[1]


def run(*command, **more):
	done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
			      stdin=subprocess.DEVNULL, timeout=PATIENCE, **more)
	assert done.returncode == 0, done.stdout + done.stderr
	return done.stdout


def install(t, prefix):
	"""Returns the tree in which it stands."""
	tree = t.work / prefix.replace("/", "_")
	run("cmake", "--install", BUILD, "--prefix", prefix, env={**os.environ, "DESTDIR": tree})
	return tree


def generated(t, tool, folder):
	"""What the tool writes for a gateway with one modality."""
	run(tool, "setup", "--directory", folder, "--log-directory", folder.with_suffix(".log"),
	    "--name", "cathlab-3", "--host", "gw.test", "--listen", "127.0.0.1",
	    "--pacs-host", "127.0.0.1", "--pacs-ae-title", "PACS", "--pacs-ca", "none")
	run(tool, "modality", "add", "angio", "--ae-title", "CATHLAB3", "--config",
	    folder / "cathgate.conf", "--output", folder / "handout")
	return [folder / "cathgate.conf", folder / "modalities.d/angio.conf"]


def named_sample(file):
	return re.search(r"explained in\n// (\S+)\n", file.read_text())[1]


def broken_links(folder):
	for page in folder.rglob("*.md"):
		for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
			if not (page.parent / link).exists():
				yield f"{page}: {link}"


with Test() as t:
	if not (BUILD / "cmake_install.cmake").exists():
		raise Skip("this program comes from no build folder")
	for number, prefix in enumerate(("/usr", "/opt/gateway")):
		tree = install(t, prefix)
		for file in generated(t, tree / f"{prefix[1:]}/bin/cathgate", t.work / f"{number}"):
			sample = pathlib.Path(named_sample(file))
			assert sample.read_bytes() == (ROOT / "conf/cathgate.conf").read_bytes()
			assert sample.is_relative_to(tree / prefix[1:]), sample
		doc = tree / f"{prefix[1:]}/share/doc/cathgate"
		assert len(list(doc.rglob("*.md"))) > 5
		assert list(broken_links(doc)) == [], list(broken_links(doc))
		for text in (tree / "usr/lib/systemd/catalog/cathgated.catalog",
			     *(tree / f"{prefix[1:]}/share/man").rglob("cathgate*.[0-9]")):
			for place in re.findall(r"/\S*share/doc/cathgate\S*", text.read_text()):
				place = place.removeprefix("//")
				assert (tree / place.lstrip("/")).exists(), (text, place)
	# A tool that isn't installed has no sample beside it.
	for file in generated(t, BUILD / "src/cli/cathgate", t.work / "uninstalled"):
		assert named_sample(file) == "cathgate.conf(5)", file
