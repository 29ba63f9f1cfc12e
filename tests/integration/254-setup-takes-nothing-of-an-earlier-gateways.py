"""Goal: where an earlier gateway's keys or entries are, as a purge leaves them, cathgate setup
asks nothing and writes nothing; what it says to type, typed as it stands, lets it begin anew."""
import re
import subprocess

from dicom import PATIENCE
from harness import Test, cathgate


def setup(t, folder):
	done = subprocess.run(
		[cathgate(), "setup", "--directory", folder, "--log-directory", t.work / "log",
		 "--name", "cathlab-3", "--host", "gw.test", "--listen", "127.0.0.1",
		 "--pacs-host", "127.0.0.1", "--pacs-ae-title", "PACS", "--pacs-ca", "none"],
		capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
	return done.returncode, done.stderr


def files(folder):
	return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


with Test() as t:
	for left in ("ca/ca.key", "tls/gateway.key", "tls/gateway-client.key", "tls/audit.key",
		     "tls/pseudonym.key", "modalities.d/angio.conf"):
		folder = t.work / left.replace("/", "-")
		(folder / left).parent.mkdir(parents=True)
		(folder / left).write_text("the only one of its kind\n")
		before = files(folder)
		code, said = setup(t, folder)
		assert code == 1 and f"{left} is there already" in said, said
		assert files(folder) == before and len(list(folder.iterdir())) == 1
		command = re.search(r"mv /\S+ \S+", said)[0]
		subprocess.run(command, shell=True, check=True)
		code, said = setup(t, folder)
		assert code == 0, said
		earlier = folder.with_name(f"{folder.name}.earlier")
		assert files(earlier) == {earlier / left: b"the only one of its kind\n"}
	# All of a gateway but its configuration: each is named, and no name is taken twice.
	(folder / "cathgate.conf").unlink()
	code, said = setup(t, folder)
	assert code == 1 and "ca/ca.key, tls/gateway.key, " in said, said
	assert f"mv {folder} {folder}.earlier-2\n" in said, said
