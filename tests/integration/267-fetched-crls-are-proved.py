"""Goal: `cathgate crl fetch` replaces a CRL only by a newer, whole and valid one of the same CA,
whatever a server answers; a file that isn't replaced stays as it is, the reason is told, and the
gateway takes the new one by itself."""
import http.server
import os
import subprocess
import threading

from authority import DAY, Authority
import dicom
from dicom import PATIENCE
from harness import Test, cathgate, eventually


class Server(http.server.ThreadingHTTPServer):
	daemon_threads = True


class Handler(http.server.BaseHTTPRequestHandler):
	answers = {}	# by path: bytes; a number: that status; a path: another place

	def do_GET(self):
		answer = self.answers.get(self.path, 404)
		if isinstance(answer, bytes):
			self.send_response(200)
			self.end_headers()
			try:
				self.wfile.write(answer)
			except OSError:
				pass	# it had enough
			return
		self.send_response(302 if isinstance(answer, str) else answer)
		if isinstance(answer, str):
			self.send_header("Location", answer)
		self.end_headers()

	def log_message(self, *_):
		pass


def fetch(status=0):
	done = subprocess.run([cathgate(), "crl", "fetch", "--config", gateway.config],
			      capture_output=True, text=True, timeout=PATIENCE,
			      stdin=subprocess.DEVNULL)
	assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
	return done.stdout + done.stderr


def der(name):
	return subprocess.run(["openssl", "crl", "-in", t.work / name, "-outform", "DER"], check=True,
			      capture_output=True).stdout


def made(authority, name, *arguments, **more):
	authority.crl(name, *arguments, **more)
	return (authority.folder / name).read_bytes()


def refused(answer, *says):
	Handler.answers["/devices.crl"] = answer
	before = crl.read_bytes(), crl.stat()
	said = fetch(status=1)
	for part in says:
		assert part in said, (part, said)
	now = crl.stat()
	assert (crl.read_bytes(), now.st_ino) == (before[0], before[1].st_ino)


def good_ones_are_taken():
	os.chmod(crl, 0o644)
	# DER, as most CAs publish; through a redirection, as their servers like.
	Handler.answers.update({"/devices.crl": "/there.crl", "/there.crl": der("second.crl")})
	assert "is new" in fetch()
	assert crl.read_text() == (t.work / "second.crl").read_text()
	assert crl.stat().st_mode & 0o777 == 0o644
	before = crl.stat().st_ino
	assert "is as it was" in fetch() and crl.stat().st_ino == before
	eventually(lambda: t.is_refused(gateway, context=lost))
	Handler.answers["/devices.crl"] = made(ca, "third.crl")
	assert "is new" in fetch()


def bad_ones_are_not():
	refused(b"<!DOCTYPE html><html>log in</html>", "web page")
	refused(os.urandom(3000), "holds no CRL")
	refused(b"", "empty")
	refused(der("third.crl")[:-20], "holds no CRL")
	refused((t.work / "first.crl").read_bytes(), "is older")
	refused(made(other, "other.crl"), "isn't in `ca`")
	refused(made(twin, "twin.crl"), "wasn't signed by the CA of that name")
	refused(made(ca, "stale.crl", last=-3600), "went stale")
	refused(made(ca, "early.crl", first=DAY), "isn't valid before")
	refused(made(ca, "delta.crl", "2.5.29.27 = critical, DER:020101"), "delta")
	refused(made(ca, "some.crl", "issuingDistributionPoint = critical, @part\n[ part ]\n"
				     "onlysomereasons = keyCompromise\n"), "some reasons")
	# Signed by the CA and new, but not about those that the old one is about.
	refused(made(ca, "part.crl", "issuingDistributionPoint = critical, @part\n[ part ]\n"
				     "fullname = URI:http://ca.test/part.crl\n"), "other certificates")
	refused((t.work / f"{ca.name}.crt").read_bytes(), "is a certificate")
	refused(bytes(33 << 20), "longer than any CRL")
	refused(404, "404", "could not be fetched")
	refused("file:///etc/passwd", "could not be fetched")
	server.shutdown()
	server.server_close()
	refused(b"", "could not be fetched")


def the_list_is_judged():
	for line, says in (("tls/x.crl", "begins with no URL"), ("ftp://x/y z.crl", "begins with no URL"),
			   ("http://x/y", "names no file"), ("http://x/y z.crl more", "has more than")):
		(gateway.config.parent / "crl.conf").write_text(f"# ours\n\n{line}\n")
		said = fetch(status=2)
		assert says in said and "crl.conf:3" in said, said
	(gateway.config.parent / "crl.conf").unlink()
	assert "crl.conf" in fetch(status=2)


with Test() as t:

	ca, other = Authority(t.work, "devices"), Authority(t.work, "others")
	(t.work / "twin").mkdir()
	twin = Authority(t.work / "twin", "devices")
	ca.issue("angio", "extendedKeyUsage = clientAuth")
	ca.crl("first.crl", first=-2 * DAY)
	ca.revoke("angio")
	ca.crl("second.crl")
	crl = t.work / "devices.crl"
	crl.write_bytes((t.work / "first.crl").read_bytes())
	lost = dicom.client_context(t.pki, "angio")
	lost.load_cert_chain(t.work / "angio.crt", t.work / "angio.key")
	gateway = t.gateway(t.pacs(), {"listen.0.tls.ca": f"{t.work}/devices.crt",
				       "listen.0.tls.crl": [str(crl)],
				       "modalities.0.certificate": {"common_name": ["angio"]}})
	assert not t.is_refused(gateway, context=lost)
	server = Server(("127.0.0.1", 0), Handler)
	threading.Thread(target=server.serve_forever, daemon=True).start()
	(gateway.config.parent / "crl.conf").write_text(
		f"# the hospital's\nhttp://127.0.0.1:{server.server_port}/devices.crl {crl}\n")
	good_ones_are_taken()
	bad_ones_are_not()
	the_list_is_judged()
