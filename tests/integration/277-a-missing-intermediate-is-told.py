"""Goal: an intermediate CA that is missing behind one of the gateway's own certificates is
told by --check, at the start and at a reload, with what to append; and nothing is told where
the chain is whole, or ends right below a root."""
import subprocess

from authority import LEAF, Authority
from harness import Test, cathgated

NAMES = "subjectAltName = DNS:gateway.test\nextendedKeyUsage = serverAuth, clientAuth\n"


def warnings(gateway):
	done = subprocess.run([cathgated(), "--check", "--config", gateway.config],
			      capture_output=True, text=True)
	assert done.returncode == 0, done.stdout + done.stderr
	return [line for line in done.stderr.splitlines() if "missing" in line]


def chain(folder, *names):
	path = folder / ("+".join(names) + ".pem")
	path.write_bytes(b"".join((folder / f"{name}.crt").read_bytes() for name in names))
	return str(path)


def each_chain(t, gateway, folder):
	for where, ca in (("listen.0.tls", "modalities-ca"), ("destinations.0.tls", "hospital-ca")):
		for names, trusted, missing in (
				(["own"], [], "CN=below"),
				(["own", "below"], [], "CN=issuing"),
				(["own", "below", "issuing"], [], "CN=root"),
				(["own", "below", "issuing"], ["root"], None),
				(["own", "below", "issuing", "root"], [], None),
				(["own", "below"], ["issuing", "root"], "CN=issuing")):
			bundle = folder / "trusted.pem"
			bundle.write_bytes((t.pki / f"{ca}.crt").read_bytes() + b"".join(
				(folder / f"{name}.crt").read_bytes() for name in trusted))
			gateway.reconfigure({f"{where}.certificate": chain(folder, *names),
					     f"{where}.key": f"{folder}/own.key", f"{where}.ca": str(bundle),
					     "listen.0.tls.crl": None})
			said = warnings(gateway)
			assert bool(said) == bool(missing), (where, names, trusted, said)
			if missing:
				assert missing in said[0] and "append" in said[0], said
				assert ("which is in" in said[0]) == bool(trusted), said


def at_start_and_reload(t, gateway, folder):
	"""Each is told once, with the file's place."""
	whole = {"listen.0.tls.certificate": chain(folder, "own", "below", "issuing", "root"),
		 "listen.0.tls.key": f"{folder}/own.key"}
	gateway.reconfigure(whole)
	gateway.start()
	assert "is missing" not in gateway.log()
	broken = {**whole, "listen.0.tls.certificate": chain(folder, "own")}
	gateway.reload(broken)
	gateway.wait_log("the CA CN=below, which has signed the last certificate in it, is missing")
	assert "listen[0].tls.certificate" in gateway.log()
	gateway.stop()
	gateway.start()
	assert gateway.log().count("the CA CN=below, which") == 2


with Test() as t:
	folder = t.work / "hospital"
	folder.mkdir()
	root = Authority(folder, "root")
	issuing = Authority(folder, "issuing", root)
	below = Authority(folder, "below", issuing)
	below.issue("own", NAMES, base=LEAF)
	gateway = t.configured()
	assert not warnings(gateway), "the test's own certificates are right below a root"
	each_chain(t, gateway, folder)
	at_start_and_reload(t, gateway, folder)
