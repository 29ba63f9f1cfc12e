"""Goal: where others can write beside it, `cathgate` run by root removes nothing that it
didn't make, writes into no folder that it wasn't told of, and hands no key to anybody."""
import os
import pathlib
import signal
import subprocess

from dicom import PATIENCE
from harness import SKIPPED, Test, cathgate, eventually
from other_user import NOBODY, as_nobody

if os.geteuid() != 0:
	print("skipped: it is about what root does")
	raise SystemExit(SKIPPED)


def run(*command, **more):
	return subprocess.run([cathgate(), *map(str, command)], capture_output=True, text=True,
			      stdin=subprocess.DEVNULL, timeout=PATIENCE, **more)


def home(t, name):
	"""A folder of that user's."""
	folder = t.work / name
	folder.mkdir()
	os.chown(folder, NOBODY, NOBODY)
	return folder


def victim(t, name):
	"""Files of root's."""
	folder = t.work / name
	(folder / "below").mkdir(parents=True)
	for number in range(3):
		(folder / f"below/{number}").write_text("root's")
	return folder


def content(folder):
	return {path.relative_to(folder): path.read_bytes() if path.is_file() else None
		for path in folder.rglob("*")}


def add(name, folder, *more, status=0):
	done = run("modality", "add", name, "--ae-title", name, "--config", config, *more,
		   cwd=folder)
	assert done.returncode == status, (done.stdout, done.stderr)
	return done.stderr


def nothing_of_others_is_cleaned_up(t):
	folder = home(t, "home")
	precious = victim(t, "home/precious")
	before = content(precious)

	def plant():
		(folder / ".cathgate-new-aaaaaa/d").mkdir(parents=True)
		(folder / ".cathgate-new-aaaaaa/d/x").write_text("nobody's")
		# Not his own, but he may give it another name.
		precious.rename(folder / ".cathgate-new-bbbbbb")
		(folder / ".cathgate-new-cccccc").symlink_to("/etc")
	as_nobody(plant)
	said = add("one", folder)
	assert content(folder / ".cathgate-new-bbbbbb") == before
	assert (folder / ".cathgate-new-aaaaaa/d/x").read_text() == "nobody's"
	assert ".cathgate-new-bbbbbb is left" in said, said
	assert (folder / "one").stat().st_mode & 0o777 == 0o700
	assert (folder / "one/one.p12").exists()


def killed_runs_are_cleaned_up(t):
	folder = t.work / "roots"
	folder.mkdir()
	process, _ = stopped_add("killed", folder)
	process.send_signal(signal.SIGKILL)
	process.wait()
	assert len(hidden(folder)) == 1
	add("killed", folder)
	assert {path.name for path in folder.iterdir()} == {"killed", "killed-password"}


def stopped_add(name, folder):
	"""One that waits, with its hidden folder made, for its password; and where to write that."""
	fifo = folder / f"{name}-password"
	os.mkfifo(fifo, 0o600)
	process = subprocess.Popen(
		[cathgate(), "modality", "add", name, "--ae-title", name, "--config", config,
		 "--pem", "--password-file", fifo], cwd=folder, text=True,
		stdout=subprocess.PIPE, stderr=subprocess.PIPE)
	return process, eventually(lambda: writer_of(fifo))


def writer_of(fifo):
	"""None before somebody reads there."""
	try:
		return open(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK), "w")
	except OSError:
		return None


def hidden(folder):
	return [path for path in folder.iterdir() if path.name.startswith(".cathgate-new-")]


def a_folder_is_swapped_meanwhile(t):
	folder, aim = home(t, "swapped"), victim(t, "aim")
	before, others = content(aim), pathlib.Path(config).parent
	process, password = stopped_add("swap", folder)
	made, = hidden(folder)

	def swap():
		made.rename(folder / "mine")
		made.symlink_to(aim)
	as_nobody(swap)
	with password:
		password.write("password\n")
	said = process.communicate(timeout=PATIENCE)[1]
	assert content(aim) == before, content(aim)
	assert process.returncode != 0 and "isn't what was made" in said, said
	assert list((folder / "mine").iterdir()) == [], "keys are left"
	assert not (others / "modalities.d/swap.conf").exists()


def links_of_others_lead_nowhere(t):
	folder, aim = home(t, "links"), victim(t, "linked")
	before = content(aim)
	as_nobody(lambda: (folder / "way").symlink_to(aim))
	assert "symbolic link" in add("link", folder, "--output", folder / "way/link", status=1)
	add("link", folder, "--output", folder / "way", status=2)
	done = run("audit", "keygen", folder / "way/audit.key")
	assert done.returncode != 0, done.stdout
	assert content(aim) == before
	# Root's own links, and another user's to what is that user's, are as good as folders.
	(t.work / "roots-way").symlink_to(aim)
	add("link", folder, "--output", t.work / "roots-way/link")
	assert (aim / "link/link.p12").exists()
	other = home(t, "links/other")
	as_nobody(lambda: (folder / "own").symlink_to(other))
	add("own", folder, "--output", folder / "own/own")
	assert (other / "own/own.p12").exists()


def certificates_are_renewed_in_place(t):
	"""The keys' folder is the service's own where an admin has made it so."""
	folder, aim = pathlib.Path(config).parent, victim(t, "keys")
	tls = folder / "tls"
	key = aim / "their.key"
	key.write_bytes((tls / "gateway.key").read_bytes())
	os.chmod(folder, 0o755)
	os.chown(tls, NOBODY, NOBODY)

	def swap():
		(tls / "gateway.key").unlink()
		(tls / "gateway.key").symlink_to(key)
	as_nobody(swap)
	before = content(aim)
	done = run("certificate", "renew", "--config", config)
	assert done.returncode != 0 and "symbolic link" in done.stderr, done
	assert content(aim) == before
	(tls / "gateway.key").unlink()
	(tls / "gateway.key").symlink_to(key)
	# What an admin has prepared there is no draft of ours.
	(aim / "their.key.new").write_text("root's next")
	done = run("certificate", "renew", "--config", config)
	assert done.returncode == 0 and key.read_bytes() not in before.values(), done
	assert (aim / "their.key.new").read_text() == "root's next"
	assert (tls / "gateway.key").is_symlink()
	os.chown(tls, 0, 0)


with Test() as t:
	os.chmod(t.work, 0o755)
	config = t.work / "site/cathgate.conf"
	made = run("setup", "--directory", t.work / "site", "--log-directory", t.work / "log",
		   "--host", "gw.test", "--listen", "127.0.0.1", "--pacs-host", "127.0.0.1",
		   "--pacs-ae-title", "PACS", "--pacs-ca", t.pki / "hospital-ca.crt", "--user",
		   "root")
	assert made.returncode == 0, made.stderr
	nothing_of_others_is_cleaned_up(t)
	killed_runs_are_cleaned_up(t)
	a_folder_is_swapped_meanwhile(t)
	links_of_others_lead_nowhere(t)
	certificates_are_renewed_in_place(t)
