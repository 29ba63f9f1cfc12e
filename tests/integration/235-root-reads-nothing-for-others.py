"""Goal: whatever the gateway's user does in a folder of its own, root's `cathgate` copies
nothing into it that this user couldn't read, signs nothing new for it, and doesn't hang."""
import ctypes
import os
import subprocess

from dicom import PATIENCE
from harness import SKIPPED, Test, cathgate
from other_user import NOBODY, as_nobody, start_as_nobody

IN_CLOSE_NOWRITE = 0x10

if os.geteuid() != 0:
	print("skipped: it is about what root does")
	raise SystemExit(SKIPPED)


def run(*command):
	return subprocess.run([cathgate(), *map(str, command)], capture_output=True, text=True,
			      stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False)


def setup(directory, *more, pacs_ca):
	return run("setup", "--directory", directory, "--log-directory", t.work / "log",
		   "--host", "gw.test", "--listen", "127.0.0.1", "--pacs-host", "127.0.0.1",
		   "--pacs-ae-title", "PACS", "--pacs-ca", pacs_ca, "--user", "root", *more)


def site(name):
	"""Its tls/ is the gateway user's own."""
	made = setup(t.work / name, pacs_ca=t.pki / "hospital-ca.crt")
	assert made.returncode == 0, made.stderr
	folder = t.work / name
	folder.chmod(0o755)
	for path in (folder / "tls", *(folder / "tls").iterdir()):
		os.chown(path, NOBODY, NOBODY)
	return folder


def renew(folder):
	return run("certificate", "renew", "--config", folder / "cathgate.conf")


def no_key_is_read_through_a_link(site):
	"""The link stands there only while root reads the key, and a FIFO in the certificate's
	place makes the writing fail later."""
	secret = next(site.rglob("ca.key"))
	key, certificate = site / "tls/gateway.key", site / "tls/gateway.crt"
	ready, tell = os.pipe()

	def swap():
		libc = ctypes.CDLL(None)
		watch = libc.inotify_init()
		key.rename(key.with_name("old.key"))
		key.symlink_to(secret)
		libc.inotify_add_watch(watch, os.fsencode(certificate), IN_CLOSE_NOWRITE)
		os.write(tell, b".")
		os.read(watch, 4096)
		os.mkfifo(key.with_name("fifo"))
		os.rename(key.with_name("fifo"), certificate)
		reader = os.open(certificate, os.O_WRONLY)
		key.unlink()
		key.with_name("old.key").rename(key)
		os.write(reader, b"whatever")
	child = start_as_nobody(swap)
	os.read(ready, 1)
	done = renew(site)
	os.open(certificate, os.O_RDONLY | os.O_NONBLOCK) # or its user would wait on
	assert os.waitpid(child, 0)[1] == 0
	assert done.returncode != 0 and "symbolic link of another user's" in done.stderr, done
	assert key.read_bytes() != secret.read_bytes()


def no_fifo_is_waited_for(site):
	for name in ("gateway.key", "gateway.crt"):
		path = site / "tls" / name
		path.rename(path.with_name("aside"))
		os.mkfifo(path)
		done = renew(site)
		assert done.returncode != 0 and "no regular file" in done.stderr, done
		path.with_name("aside").rename(path)


def no_ca_is_made(site):
	"""The CA's own certificate in the place of the gateway's: a new key for that would
	make its user a CA."""
	certificate = site / "tls/gateway.crt"
	certificate.write_bytes(next(site.rglob("ca.crt")).read_bytes())
	before = (site / "tls/gateway.key").read_bytes()
	done = renew(site)
	assert done.returncode != 0 and "is a CA's certificate" in done.stderr, done
	assert (site / "tls/gateway.key").read_bytes() == before


def setup_copies_nothing_through_a_link():
	home = t.work / "home"
	home.mkdir()
	os.chown(home, NOBODY, NOBODY)
	link = home / "pacs-ca.crt"
	secret = t.work / "both.pem"
	secret.write_bytes((t.pki / "hospital-ca.crt").read_bytes() +
			   next((t.work / "site").rglob("ca.key")).read_bytes())
	secret.chmod(0o600)
	as_nobody(lambda: link.symlink_to(secret))
	made = setup(t.work / "copied", pacs_ca=link)
	assert made.returncode != 0, made
	for path in (t.work / "copied").rglob("*"):
		assert not path.is_file() or path.read_bytes() != secret.read_bytes(), path


with Test() as t:
	t.work.chmod(0o755)
	no_key_is_read_through_a_link(site("site"))
	no_fifo_is_waited_for(site("fifo"))
	no_ca_is_made(site("ca"))
	setup_copies_nothing_through_a_link()
