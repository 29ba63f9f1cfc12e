"""Goal: every block of docs/ADMIN.md does what the page says around it, on a real systemd and
with a firewall: first image, renewing, revoking, another CA, monitoring, backup, credentials."""
import http.server
import json
import os
import pathlib
import queue
import re
import subprocess
import threading
import time
import urllib.request

import hospital
import metrics
import service
from document import blocks
from hospital import handed_out
from service import AUDIT, CONFIG, audit, do, eventually, step

PAGE = "docs/ADMIN.md"
TLS = pathlib.Path("/etc/cathgate/tls")
CA = pathlib.Path("/etc/cathgate/ca")
PROM = pathlib.Path("/var/lib/prometheus/node-exporter/cathgate.prom")


class Guide:
	"""The page's blocks, each to be taken once."""

	def __init__(self):
		self.left = blocks(PAGE)

	def take(self, beginning):
		block = next((b for b in self.left if b.text.startswith(beginning)), None)
		assert block, f"{PAGE} has no block (any more) that begins with {beginning!r}"
		self.left.remove(block)
		return block.text

	def run(self, beginning):
		return hospital.shell(self.take(beginning))

	def edit(self, beginning):
		"""systemctl edit UNIT, and what somebody writes there."""
		command, text = self.take(beginning).split("\n\n", 1)
		wanted = hospital.HOME / "wanted"
		wanted.write_text(text)
		editor = hospital.HOME / "editor"	# is given an option and other files, too
		editor.write_text('#!/bin/sh\nfor file; do case $file in /*) break; esac; done\n'
				  f'cp {wanted} "$file"\n')
		editor.chmod(0o755)
		hospital.answered(f"SYSTEMD_EDITOR={editor} {command}", {})


def configure(old, new):
	text = CONFIG.read_text()
	assert text.count(old) == 1, f"{old} stands {text.count(old)} times in {CONFIG}"
	CONFIG.write_text(text.replace(old, new))


def reached(place, host, port):
	return subprocess.run(["ip", "netns", "exec", place, "timeout", "2", "bash", "-c",
			       f"exec 3<>/dev/tcp/{host}/{port}"],
			      stderr=subprocess.DEVNULL).returncode == 0


def first_image(guide):
	step("from the package to the first image")
	guide.run("cathgate setup --host")
	hospital.start_pacs(TLS / "modalities-ca.crt")
	modality = handed_out(guide.run("cathgate modality add"))
	said = guide.run("cathgate destination page")
	assert "CATHLAB3" in said and "BEGIN CERTIFICATE" in said, said
	guide.run("systemctl start cathgated\n")
	eventually(modality.echoes)
	image = modality.sends()
	eventually(lambda: "pacs: good" in subprocess.run(
		["cathgate", "status"], stdout=subprocess.PIPE, text=True).stdout)
	said = guide.run("cathgate status\n")
	assert "pacs: good" in said and image.sop_instance in said, said
	guide.run("cathgate diagnose --destination pacs")
	said = guide.run("cathgated --check\n")
	assert "has reloaded: nothing has changed" in said, said
	modality.sends()
	return modality


def another_address(guide, modality):
	step("another address to listen on")
	guide.edit("systemctl edit cathgated.socket")
	guide.run("systemctl stop cathgated.socket")
	assert " 192.168.40.1:2762 " in do("ss", "-ltn")
	modality.sends()


def firewall(guide, modality):
	step("the firewall lets in whom it should, and nobody else")
	eventually(lambda: reached("wifi", hospital.GATEWAY_ADDRESS, 9100))
	pathlib.Path("/etc/nftables.conf").write_text(guide.take("flush ruleset"))
	said = guide.run("nft -c -f")
	assert re.findall(r"= (\d)", said) == ["0", "0"], said
	assert not reached("wifi", hospital.GATEWAY_ADDRESS, 9100)
	assert not reached("wifi", hospital.GATEWAY_ADDRESS, 22)
	eventually(lambda: reached("pacs", "10.20.0.1", 9100))
	do("ip", "-n", "pacs", "route", "add", "192.168.40.0/24", "via", "10.20.0.1")
	assert not reached("pacs", hospital.GATEWAY_ADDRESS, 2762)
	modality.sends()


def renewed(guide, modality):
	step("a modality's certificate is renewed, and the old one ended")
	renew, confirm = guide.take("cathgate modality renew angio-3\n").splitlines()
	new = handed_out(hospital.shell(renew))
	eventually(lambda: new.send() and modality.send())
	hospital.shell(confirm)
	eventually(lambda: not modality.echoes())
	eventually(lambda: audit(reason="tls-revoked"))
	new.sends()

	step("a lost modality is shut out, and comes back with a new key")
	revoke, again = guide.take("cathgate modality revoke").splitlines()
	hospital.shell(revoke)
	eventually(lambda: not new.echoes())
	back = handed_out(hospital.shell(again))
	eventually(back.echoes)
	assert not new.echoes()
	back.sends()
	return back


def shown_by_gateway(modality, *more):
	"""The certificate that a modality sees."""
	said = subprocess.run(["ip", "netns", "exec", "wifi", "openssl", "s_client", "-connect",
			       f"{modality.host}:{modality.port}", "-cert", modality.certificate,
			       "-key", modality.key, *more], stdin=subprocess.DEVNULL,
			      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
	found = re.search(r"-----BEGIN.*?-----END CERTIFICATE-----", said, re.S)
	return found[0] if found else None


def own_certificates(text, modality):
	before = shown_by_gateway(modality)
	hospital.shell(text)
	for name, purpose in (("gateway", "sslserver"), ("gateway-client", "sslclient")):
		do("openssl", "verify", "-x509_strict", "-purpose", purpose, "-verify_hostname",
		   hospital.GATEWAY_HOST, "-CAfile", "/etc/cathgate/ca/ca.crt", TLS / f"{name}.crt")
	now = (TLS / "gateway.crt").read_text().strip()
	assert now != before
	eventually(lambda: shown_by_gateway(modality) == now)


def rsa_beside_ec(guide, modality):
	step("an RSA certificate beside the EC one")
	before = CONFIG.read_text()
	certificate, key = re.search(r"write:\n  (.*)\n  (.*)\n",
				     guide.run("cathgate certificate add\n")).groups()
	configure('certificate = "tls/gateway.crt";', certificate)
	configure('key = "tls/gateway.key";', key)
	do("systemctl", "reload", "cathgated")
	rsa = (TLS / "gateway-rsa.crt").read_text().strip()
	eventually(lambda: shown_by_gateway(modality, "-sigalgs", "rsa_pss_rsae_sha256") == rsa)
	assert shown_by_gateway(modality) == (TLS / "gateway.crt").read_text().strip()
	modality.sends()
	CONFIG.write_text(before)
	do("systemctl", "reload", "cathgated")


def trusts(modality, *authorities):
	(modality.folder / "ca.crt").write_text("".join(map(pathlib.Path.read_text, authorities)))


def another_ca(guide, old):
	step("a new CA, the old one trusted beside it for a while")
	first = hospital.HOME / "first-ca.crt"
	first.write_bytes((TLS / "modalities-ca.crt").read_bytes())
	guide.run("cd /etc/cathgate\ncp -a tls/modalities.crl")
	configure('crl = "tls/modalities.crl";', both := guide.take("crl = [").strip())
	do("systemctl", "reload", "cathgated")
	revoked = (CA / "revoked").read_text()
	guide.run("cathgate setup --yes")
	assert (CA / "revoked").read_text() == revoked, "what was shut out is forgotten"
	second = CA / "ca.crt"
	new = handed_out(guide.run("cathgate modality renew angio-3 --trust"))
	assert (new.folder / "ca.crt").read_text() == first.read_text()
	assert (new.folder / "ca-2.crt").read_text() == second.read_text()
	trusts(new, first, second)
	eventually(lambda: new.send() and old.send())
	hospital.start_pacs(TLS / "modalities-ca.crt")	# which has both
	own_certificates(guide.take("cd /etc/cathgate\nfor name in gateway"), new)
	trusts(new, second)
	hospital.start_pacs(second)
	new.sends()
	guide.run("cd /etc/cathgate\nperl")
	assert (TLS / "modalities-ca.crt").read_bytes() == second.read_bytes()
	assert (TLS / "modalities-ca.crt").stat().st_mode & 0o777 == 0o640
	configure(both, 'crl = "tls/modalities.crl";')
	do("systemctl", "reload", "cathgated")
	trusts(old, second)
	eventually(lambda: not old.echoes())
	eventually(lambda: audit(reason="tls-untrusted"))
	new.sends()
	assert not audit(event="reload", outcome="refused"), audit(event="reload")
	return new


def crls(guide, modality):
	step("CRLs: the private CA's, and one that is fetched")
	guide.run("cathgate modality crl")
	hospital.publish()
	do("openssl", "crl", "-in", TLS / "modalities.crl", "-outform", "DER", "-out",
	   hospital.PUBLISHED / "devices.crl")
	pathlib.Path("/etc/cathgate/crl.conf").write_text(guide.take("http://ca.hospital.example"))
	guide.run("apt-get install curl")
	crl = TLS / "hospital.crl"
	assert crl.read_text() == (TLS / "modalities.crl").read_text()
	status = crl.stat()
	assert (status.st_mode & 0o777, crl.owner(), crl.group()) == (0o640, "root", "cathgate")
	assert service.shown("cathgate-crl.timer", "ActiveState") == "active"
	do("systemctl", "stop", "publisher")
	assert subprocess.run(["systemctl", "start", "cathgate-crl.service"]).returncode != 0
	assert "cathgate-crl.service" in do("systemctl", "--failed", "--no-legend")
	assert "could not be fetched" in service.journal("-u", "cathgate-crl.service")
	assert crl.stat().st_ino == status.st_ino
	do("systemctl", "reset-failed")
	modality.sends()


def scraped():
	with urllib.request.urlopen("http://127.0.0.1:9100/metrics") as answer:
		text = answer.read().decode()
	return text if re.search(r"^cathgate_up 1$", text, re.M) else None


def asked_by_monitors(guide):
	step("a monitor has its line: Checkmk as root, NRPE as a member of the group")
	line = re.compile(r"CATHGATE (OK|WARNING|CRITICAL) - [^|]*\|associations=\d.*\n")
	command = guide.take("cathgate status --nagios").strip()
	checkmk, nrpe = guide.take("Cathgate /usr").splitlines()
	for who, what in (([], command), ([], checkmk.partition(" ")[2]),
			  (["runuser", "-u", "technician", "--"], nrpe.partition("=")[2])):
		done = subprocess.run([*who, *what.split()], text=True, stdout=subprocess.PIPE)
		assert done.returncode < 3 and line.fullmatch(done.stdout), done


class Hook(http.server.BaseHTTPRequestHandler):
	def do_POST(self):
		text = self.rfile.read(int(self.headers["Content-Length"]))
		self.server.heard.put(json.loads(text))
		self.send_response(204)
		self.end_headers()


def alerted(guide, modality):
	step("an alert leaves the hardened unit for a webhook")
	guide.run("cd /usr/share/doc/cathgate/examples")
	hook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
	hook.heard = queue.Queue()
	threading.Thread(target=hook.serve_forever, daemon=True).start()
	mail, webhook = guide.take("alerts:").strip().split("\n\n")
	before = CONFIG.read_text()
	for text in (mail, webhook):	# the check takes both
		CONFIG.write_text(f"{before}\n{text}\n")
		do("runuser", "-u", "cathgate", "--", "cathgated", "--check")
	configure("https://hooks.hospital.example", f"http://127.0.0.1:{hook.server_port}")
	do("systemctl", "reload", "cathgated")
	eventually(lambda: audit(event="reload")[-1]["detail"] == "alerts.command changed")
	good = CONFIG.read_text()
	CONFIG.write_text(f"{good}\nnothing = 1;\n")
	subprocess.run(["systemctl", "reload", "cathgated"])
	# What holds already when the command is given is told first.
	while (heard := hook.heard.get(timeout=120)).get("problem") != "reload-refused":
		print(heard)
	assert heard["alert"] == "began", heard
	CONFIG.write_text(before)
	do("systemctl", "reload", "cathgated")
	hook.shutdown()
	modality.sends()


def monitored(guide, modality):
	step("node_exporter has the metrics of the hardened service")
	do("useradd", "technician")
	guide.run("adduser technician cathgate")
	eventually(lambda: subprocess.run(["runuser", "-u", "technician", "--", "cathgate",
					   "status"], stdout=subprocess.DEVNULL).returncode == 0)
	asked_by_monitors(guide)
	alerted(guide, modality)
	guide.run("apt-get install prometheus-node-exporter")
	usual = guide.take("metrics:").strip()
	configure(f"//{usual}", usual.replace(str(PROM.parent), "/srv"))
	do("systemctl", "reload", "cathgated")
	eventually(lambda: "ReadWritePaths= of the unit"
		   in service.journal("-u", "cathgated"))
	configure(usual.replace(str(PROM.parent), "/srv"), usual)
	guide.run("systemctl restart cathgated\n")
	modality.sends()
	text = eventually(scraped)
	for name in ("cathgate_expiry_timestamp_seconds", "cathgate_build_info",
		     "cathgate_handshakes_total"):
		assert name in text, name
	metrics.parse(PROM.read_text())
	assert PROM.stat().st_mode & 0o444 == 0o444, "node_exporter runs as another user"


def spooled(guide, modality):
	step("the spool: a key, a PACS that is away, another key, a copy, an object without a gateway")
	guide.run("cathgate spool keygen\n")
	key = TLS / "spool.key"
	assert (key.stat().st_mode & 0o777, key.owner()) == (0o400, "cathgate")
	wanted = guide.take("spool:").strip()
	CONFIG.write_text(f"{CONFIG.read_text()}\n{wanted}\n")
	guide.run("install -d -m 0700 -o cathgate -g cathgate /var/lib")
	said = guide.run("cathgate reload\n")	# and what it says of the spool
	assert "nothing waits" in said, said

	def waiting():
		return json.loads(do("cathgate", "spool", "list", "--json"))
	do("systemctl", "stop", "pacs-tls")
	eventually(modality.send)
	assert len(eventually(waiting)) == 1
	guide.run("cathgate spool keygen --key")
	both = guide.take("key = [ \"tls/spool-2").strip()
	configure(wanted, wanted.replace('key = "tls/spool.key";', both))
	do("systemctl", "reload", "cathgated")
	eventually(lambda: modality.send() and len(waiting()) == 2)
	since = guide.run("systemctl restart cathgated\ndate").strip()
	assert len(json.loads(do("cathgate", "spool", "list", "--until", since, "--json"))) == 2
	guide.run("systemctl stop cathgated.socket cathgated.service\ncp")
	assert len(eventually(waiting)) == 2
	do("systemctl", "stop", "cathgated.socket", "cathgated.service")
	do("rm", "-r", "/var/lib/cathgate/spool")
	do("chown", "-R", "root:root", "/var/tmp/spool-copy")
	guide.run("cp -aT /var/tmp/spool-copy")
	do("systemctl", "start", "cathgated")
	assert len(eventually(waiting)) == 2
	guide.run("mkdir -m 0700 /root/rescued")
	assert len(list(pathlib.Path("/root/rescued").glob("*.dcm"))) == 2
	hospital.start_pacs(CA / "ca.crt")
	do("cathgate", "spool", "retry", "--state", "queued", "--yes")
	eventually(lambda: not waiting())
	modality.sends()


def restored(guide, package, modality):
	step("backup, loss of all, restore: the same modality, chain, port and firewall")
	passphrase = "correct horse battery staple"
	answers = {"Passphrase": passphrase}
	hospital.answered(guide.take("cathgate backup"), answers)
	pathlib.Path("/root/passphrase").write_text(passphrase)
	listed = guide.run("openssl cms -decrypt")
	for path in ("etc/cathgate/ca/ca.key", "log/audit.jsonl",
		     "etc/systemd/system/cathgated.socket.d/override.conf"):
		assert path in listed, listed
	last = audit()[-1]
	do("systemctl", "stop", "cathgated.socket", "cathgated.service")
	do("apt-get", "purge", "-y", "-q", "cathgate")
	do("rm", "-r", "/etc/cathgate", "/var/log/cathgate", "/etc/nftables.conf",
	   "/etc/systemd/system/cathgated.socket.d")
	do("nft", "flush", "ruleset")
	do("systemctl", "daemon-reload")
	service.install(package)
	hospital.answered(guide.take("cathgate restore"), answers)
	guide.run("systemctl enable nftables")
	eventually(modality.echoes)
	modality.sends()
	assert re.findall(r"(\S+):2762 ", do("ss", "-ltn")) == ["192.168.40.1"]
	assert not reached("wifi", hospital.GATEWAY_ADDRESS, 22)
	assert audit(seq=last["seq"]) == [last]
	started = audit(seq=last["seq"] + 1)[0]
	assert (started["event"], started["prev"]) == ("start", last["hash"]), started
	assert list(AUDIT.parent.glob("audit.broken*")) == []


def property(name, unit="cathgated.service"):
	return do("systemctl", "show", "--value", "-p", name, unit).strip()


def key_in_token(guide, modality, beginnings, is_there):
	"""What it says of one kind of token: the drop-in, the key, its URI, the proof. Returns what
	undoes it, and the URI."""
	if not is_there:
		for beginning in beginnings:
			guide.take(beginning)
		return None
	guide.edit(beginnings[0])
	guide.run(beginnings[1])
	before, now = 'key = "tls/gateway.key";', guide.take(beginnings[2]).strip()
	configure(before, now)
	guide.run(beginnings[3])
	eventually(modality.echoes)
	modality.sends()
	said = do("cathgate", "certificate", "renew", "--keep-key")
	assert "--keep-key" not in said, said
	modality.sends()
	return now, before


def refused_once(modality, pin):
	"""A wrong PIN at a start: nothing tries it again, neither systemd nor a call."""
	right = pin.read_text()
	pin.write_text("11111111\n")
	assert subprocess.run(["systemctl", "restart", "cathgated"]).returncode != 0
	eventually(lambda: property("ActiveState") == "failed")
	assert property("ExecMainStatus") == "3"
	eventually(lambda: property("ActiveState", "cathgated.socket") == "inactive")
	started = property("ExecMainStartTimestampMonotonic")
	assert not modality.echoes()
	time.sleep(3)
	assert property("ExecMainStartTimestampMonotonic") == started
	pin.write_text(right)
	do("systemctl", "start", "cathgated")
	eventually(modality.echoes)


def tokens(guide, modality):
	"""Debian 12 has no provider for PKCS#11; one release's TPM is enough."""
	step("keys in a token")
	has_pkcs11 = pathlib.Path("/usr/lib/softhsm").exists()
	edits = "systemctl edit cathgated.service\n\n[Service]\n"
	done = key_in_token(guide, modality, (
		f"{edits}Environment=PKCS11", "install -m 0400", "key = \"pkcs11",
		"systemd-run --pipe --wait -p User=cathgate -p SupplementaryGroups=softhsm"),
		has_pkcs11)
	if done:
		refused_once(modality, TLS / "token.pin")
		configure(*done)
	if not has_pkcs11:
		# A TPM in software, where every program looks for one.
		state = pathlib.Path("/var/lib/swtpm-of-test")
		state.mkdir()
		do("systemd-run", "--unit=swtpm", "swtpm", "socket", "--tpm2", "--tpmstate",
		   f"dir={state}", "--server", "type=tcp,port=2321,bindaddr=127.0.0.1",
		   "--ctrl", "type=tcp,port=2322,bindaddr=127.0.0.1",
		   "--flags", "not-need-init,startup-clear")
		for name in ("TPM2TOOLS_TCTI", "TPM2OPENSSL_TCTI"):
			os.environ[name] = "swtpm"
			do("systemctl", "set-environment", f"{name}=swtpm")
		eventually(lambda: subprocess.run(["tpm2_getcap", "handles-persistent"],
						  capture_output=True).returncode == 0)
	done = key_in_token(guide, modality, (
		f"{edits}PrivateDevices=no", "cd /etc/cathgate/tls\ntpm2_createprimary",
		"key = \"handle:", "systemd-run --pipe --wait -p User=cathgate -p SupplementaryGroups=tss"),
		not has_pkcs11)
	kept = (TLS / "gateway.key").read_bytes()
	guide.run("shred -u /etc/cathgate/tls/gateway.key")
	if done:
		modality.sends()
	(TLS / "gateway.key").write_bytes(kept)
	(TLS / "gateway.key").chmod(0o600)
	do("chown", "cathgate:cathgate", TLS / "gateway.key")
	if done:
		configure(*done)


def credentials(guide, modality):
	step("keys as credentials")
	guide.run("mkdir -p -m 0700")
	configure('key = "tls/gateway.key";', 'key = "credential:gateway.key";')
	(TLS / "pacs-2.key").touch(mode=0o600)
	guide.edit("systemctl edit cathgated.service\n\n[Service]\nLoadCredential")
	guide.run("systemd-run --pipe")
	eventually(modality.echoes)
	modality.sends()
	other = handed_out(do("cathgate", "modality", "add", "angio-4", "--ae-title", "CATHLAB4",
			      "--reload", cwd=hospital.HOME))
	eventually(other.echoes)
	other.sends()


began = time.monotonic()
os.environ["DEBIAN_FRONTEND"] = "noninteractive"
package = service.build_packages()[0]
service.install(package)
hospital.make_network()
hospital.make_hospital()
guide = Guide()
modality = first_image(guide)
another_address(guide, modality)
firewall(guide, modality)
modality = renewed(guide, modality)
step("the gateway's own certificates are renewed")
own_certificates(guide.take("cathgate certificate renew"), modality)
modality.sends()
rsa_beside_ec(guide, modality)
modality = another_ca(guide, modality)
crls(guide, modality)
monitored(guide, modality)
spooled(guide, modality)
restored(guide, package, modality)
tokens(guide, modality)
credentials(guide, modality)
assert not guide.left, f"not tried: {[block.text for block in guide.left]}"
print(f"ok, {time.monotonic() - began:.0f} s")
