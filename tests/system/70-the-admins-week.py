"""Goal: the week of a hospital's administrator, from the package to the auditor, on a real systemd
and with a CA that has an intermediate one and CRLs, a PACS, and modalities with a certificate of
the gateway's own CA, with one of the hospital's, and without TLS. What goes wrong on the way is
told with its cure; what was lost comes back as it was."""
import os
import pathlib
import re
import shutil
import subprocess
import time

import hospital
import service
from authority import DAY, LEAF, Authority, self_signed
from hospital import GATEWAY_ADDRESS, GATEWAY_HOST, Modality, PlainModality, handed_out
from service import AUDIT, CONFIG, audit, do, eventually, shown, step

TLS = CONFIG.parent / "tls"
ENTRIES = CONFIG.parent / "modalities.d"
DROP_IN = pathlib.Path("/etc/systemd/system/cathgated.socket.d/cathgate-setup.conf")
CA = hospital.TRUSTED_BY_PACS.parent	# the hospital's, with all that it has made
PORT = "11104"
CLIENT = "extendedKeyUsage = clientAuth\n"
LAB = CLIENT + "subjectAltName = DNS:lab-2.hospital.example\n"
SETUP = (f"cathgate setup --host {GATEWAY_HOST},{GATEWAY_ADDRESS} --pacs-host "
	 f"{hospital.PACS_HOST} --pacs-ae-title PACS --pacs-ca {hospital.HOSPITAL_CA.name} "
	 f"--listen {GATEWAY_ADDRESS} --port {PORT}")
PASSPHRASE = "correct horse battery staple"
AUDITORS_TOOLS = ("sh cat cp cut echo grep head mktemp od printf rm sed sha256sum tail tr wc "
		  "base64 cmp dirname openssl")


def told(command, *says, status=0):
	"""What a command says, on one line, for its own break where they must; so it has to end,
	and that it has to say."""
	done = subprocess.run(["bash", "-c", command], cwd=hospital.HOME, text=True,
			      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
			      stderr=subprocess.STDOUT)
	said = " ".join(done.stdout.split())
	assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}"
	for words in says:
		assert words in said, f"{command}: not {words!r}\n{done.stdout}"
	return said


def shows(words, command="cathgate status"):
	"""Soon: the gateway tells it a moment later."""
	eventually(lambda: words in " ".join(subprocess.run(
		["bash", "-c", command], stdout=subprocess.PIPE, text=True).stdout.split()))


def append(file, *names):
	"""Certificates that the hospital's CA has made."""
	with open(file, "ab") as chain:
		for name in names:
			chain.write((CA / f"{name}.crt").read_bytes())


def listens():
	"""Where the gateway does."""
	return re.findall(rf"(\S+:(?:{PORT}|2762)) ", do("ss", "-ltn"))


def is_narrow():
	assert listens() == [f"{GATEWAY_ADDRESS}:{PORT}"], listens()


def modality(verb, name, *options):
	return told(f"cathgate modality {verb} {name} {' '.join(options)}")


def refused(device, reason):
	"""By the gateway, for that reason, each time."""
	before = len(audit(reason=reason))
	assert not device.echoes()
	eventually(lambda: len(audit(reason=reason)) > before)


class Week:
	def __init__(self):
		self.package = service.build_packages()[0]
		hospital.make_network()
		self.issuing = hospital.make_hospital("hospital-issuing")
		self.root = Authority(CA, hospital.HOSPITAL_CA.stem)
		self.shut_out = []

	def devices(self):
		return self.angio, self.lab, self.arm

	def images(self):
		return [device.sends() for device in self.devices()]

	def publish_crls(self):
		for ca in (self.root, self.issuing):
			ca.crl(f"{ca.name}.crl")
			do("openssl", "crl", "-in", CA / f"{ca.name}.crl", "-outform", "DER",
			   "-out", hospital.PUBLISHED / f"{ca.name}.crl")

	def installs(self):
		step("Monday: the package is installed, and says where an admin looks what to do")
		service.install(self.package)
		told("systemctl status --no-pager cathgated", "was not met",
		     "man:cathgate-setup(1)", status=3)
		told("cathgate help", "setup", "modality", "diagnose")
		told("cathgate help setup", "--requests")
		told("cathgate status", "begin with cathgate setup", status=2)

	def sets_up(self):
		step("setup for one address and another port; the hospital is to sign")
		told(f"{SETUP} --requests", "is written, and good", str(DROP_IN), "gateway.csr")
		told("systemctl start cathgated")
		eventually(service.is_serving)
		is_narrow()

	def has_it_signed(self):
		step("the hospital's CA signs; the check misses the intermediate CA until it is there")
		for name, use in (("gateway", "serverAuth"), ("gateway-client", "clientAuth")):
			(CA / f"{name}.csr").write_bytes((TLS / f"{name}.csr").read_bytes())
			self.issuing.sign(name, f"{LEAF}extendedKeyUsage = {use}\nsubjectAltName = "
					  f"DNS:{GATEWAY_HOST},IP:{GATEWAY_ADDRESS}\n",
					  ["-cert", "hospital-issuing.crt"], -3600, 90 * DAY)
			(TLS / f"{name}.crt").write_bytes((CA / f"{name}.crt").read_bytes())
		said = told("cathgated --check", "CN=hospital-issuing", "append")
		assert said.count("is missing") == 2, said
		for name in ("gateway", "gateway-client"):
			append(TLS / f"{name}.crt", "hospital-issuing")
		assert "missing" not in told("cathgated --check")

	def trusts_the_hospital(self):
		step("the hospital's CA counts beside the private one, and its CRLs are fetched")
		hospital.publish()
		self.publish_crls()
		append(TLS / "modalities-ca.crt", "hospital-issuing", "hospital-ca")
		names = [ca.name for ca in (self.issuing, self.root)]
		(CONFIG.parent / "crl.conf").write_text("".join(
			f"http://ca.hospital.example/{name}.crl tls/{name}.crl\n" for name in names))
		told("systemctl start cathgate-crl.service")
		told("systemctl enable --now cathgate-crl.timer")
		text = CONFIG.read_text()
		crls = ", ".join(f'"tls/{name}.crl"' for name in ["modalities", *names])
		assert text.count('crl = "tls/modalities.crl";') == 1, text
		CONFIG.write_text(text.replace('crl = "tls/modalities.crl";', f"crl = [ {crls} ];"))
		told("cathgate reload", "crl")

	def takes_no_wrong_certificate(self):
		step("Tuesday: a certificate that no handshake would take gets no entry")
		self_signed(CA, "selfmade")
		self.issuing.issue("ended", CLIENT, first=-9 * DAY, last=-DAY)
		self.issuing.issue("server", "extendedKeyUsage = serverAuth\n")
		for name, says in (("selfmade", "self-signed"), ("ended", "tls-expired"),
				   ("server", "clientAuth"), ("hospital-issuing", "is a CA's")):
			told(f"cathgate modality add lab-2 --ae-title LAB2 --certificate {CA}/{name}.crt",
			     says, status=1)
		assert not list(ENTRIES.glob("*.conf")) and not (hospital.HOME / "lab-2").exists()

	def lets_them_in(self):
		step("each kind of modality gets its entry, and the CA that vouches for the gateway")
		self.angio = handed_out(modality("add", "angio-1", "--ae-title ANGIO1"))
		self.issuing.issue("lab-2", LAB, first=-9 * DAY, last=-DAY)
		for end in ("key", "crt"):
			(CA / f"lab-2.{end}").rename(CA / f"lab-2-ended.{end}")
		self.issuing.issue("lab-2", LAB)
		modality("add", "lab-2", "--ae-title LAB2 --address", hospital.MODALITY_ADDRESS,
			 f"--dns lab-2.hospital.example --certificate {CA}/lab-2.crt")
		self.lab = Modality(hospital.HOME / "lab-2", pair=CA / "lab-2")
		modality("add", "arm-3", "--ae-title ARM3 --pem --reload")
		self.arm = PlainModality(hospital.HOME / "arm-3")
		for device in self.devices():
			trusted = (device.folder / "ca.crt").read_text()
			assert trusted == hospital.HOSPITAL_CA.read_text(), device.folder
			assert device.port == PORT or device is self.arm, device.page
		told("cathgate destination page pacs", "ANGIO1", "LAB2", "ARM3", "hospital-ca")

	def sends_images(self):
		step("the PACS trusts the hospital's CA; C-ECHO and images from all three")
		hospital.start_pacs(hospital.HOSPITAL_CA)
		told("cathgate diagnose --destination pacs --calling-ae ANGIO1")
		for device in self.devices():
			assert device.echoes(), device.run("echoscu").stdout
		self.study = self.images()[0]
		told("cathgate modality list", "angio-1", "lab-2", "arm-3")

	def errs_in_the_configuration(self):
		step("Wednesday: a reload that is refused fails where it was asked for, and is in force "
		     "nowhere")
		good = CONFIG.read_text()
		CONFIG.write_text(good + "adress = 1;\n")
		fault = f"{CONFIG}:{len(good.splitlines()) + 1}: adress"
		told("cathgate reload", fault, status=1)
		told("systemctl reload cathgated", "journalctl", status=1)
		told("journalctl --sync; journalctl --no-pager -u cathgated -n 20", fault)
		shows("CATHGATE WARNING - the last reload was refused", "cathgate status --nagios")
		self.angio.sends()
		CONFIG.write_text(good)
		told("systemctl reload cathgated")

	def makes_an_unreadable_file(self):
		step("root's check finds what only root can read, and its cure helps")
		key = TLS / "gateway.key"
		shutil.copy(key, "/root/gateway.key")
		key.unlink()
		do("install", "-m", "0600", "/root/gateway.key", key)
		said = told("cathgated --check", "checked as the user cathgate", str(key), status=1)
		told(re.search(r"as root: (chown \S+ \S+; chmod \d+ \S+)", said)[1])
		told("cathgated --check")

	def sees_a_technician_err(self):
		step("a technician leaves an expired certificate in: it rings, and diagnose names it")
		wrong = Modality(self.lab.folder, pair=CA / "lab-2-ended")
		for _ in range(3):
			refused(wrong, "tls-expired")
		told("cathgate diagnose --modality lab-2", "(CN=lab-2), refused", "has expired", status=1)
		shows("certificate CN=lab-2 is refused again and again: tls-expired")
		self.lab.sends()
		told("cathgate diagnose --modality lab-2", "It fits")
		shows("CATHGATE OK - ", "cathgate status --nagios")

	def renews(self):
		step("Thursday: a renewal shuts nobody out")
		new = handed_out(modality("renew", "angio-1", "--reload"))
		told("cathgate modality renew angio-1 --confirm --reload", "has not shown", status=1)
		self.angio.sends()
		assert new.echoes(), new.run("echoscu").stdout
		modality("renew", "angio-1", "--confirm --reload")
		refused(self.angio, "tls-revoked")
		self.shut_out.append(self.angio)
		self.angio = new
		new.sends()

	def revokes(self):
		step("a stolen device is out at once, and another one comes in its place")
		modality("revoke", "arm-3", "--reload")
		refused(self.arm, "tls-revoked")
		modality("renew", "arm-3", "--pem --reload --output again")
		refused(self.arm, "tls-revoked")
		self.arm = PlainModality(hospital.HOME / "again")
		self.arm.sends()

	def has_the_hospital_revoke(self):
		step("the hospital revokes: the timer's service fetches its CRL, and the device is out; a "
		     "new certificate of that name needs no word here")
		self.lab.sends()
		self.issuing.revoke("lab-2")
		self.publish_crls()
		assert shown("cathgate-crl.timer", "ActiveState", "UnitFileState") == ["active", "enabled"]
		told("systemctl start cathgate-crl.service")
		eventually(lambda: not self.lab.echoes())
		refused(self.lab, "tls-revoked")
		self.shut_out.append(self.lab)
		self.issuing.issue("lab-2-new", LAB)
		self.lab = Modality(self.lab.folder, pair=CA / "lab-2-new")
		self.lab.sends()

	def loses_the_machine(self):
		step("Friday: backup; the machine is lost, and comes back")
		(hospital.HOME / "passphrase").write_text(PASSPHRASE)
		told("cathgate backup --passphrase-file passphrase --with-log gateway.backup")
		last = audit()[-1]
		told("apt-get purge -y -q cathgate")
		told("rm -r /etc/cathgate /var/log/cathgate")
		told("systemctl daemon-reload")
		assert not DROP_IN.exists() and not listens()
		service.install(self.package)
		told("cathgate restore --passphrase-file passphrase --yes gateway.backup",
		     "systemctl enable --now cathgate-crl.timer", "systemctl start cathgated")
		told("systemctl enable --now cathgate-crl.timer")
		told("systemctl start cathgated")
		eventually(service.is_serving)
		is_narrow()
		started = audit(seq=last["seq"] + 1)[0]
		assert (started["event"], started["prev"]) == ("start", last["hash"]), started
		self.images()
		told("cathgated --check")
		told("cathgate audit verify --key /etc/cathgate/tls/audit.key.pub")
		shows("CATHGATE OK - ", "cathgate status --nagios")
		for device in self.shut_out:
			refused(device, "tls-revoked")

	def answers_the_auditor(self):
		step("an auditor asks for a study, and verifies it on a machine without Cathgate")
		told(f"cathgate audit report --study {self.study.study}",
		     f"{self.study.study} angio-1 1 1 0 0")
		told(f"cathgate audit export --study {self.study.study} --output study")
		bundle, tools = pathlib.Path("/srv/auditor/study"), pathlib.Path("/srv/tools")
		bundle.parent.mkdir()
		shutil.copytree(hospital.HOME / "study", bundle)
		do("chown", "-R", "nobody:", bundle.parent)
		tools.mkdir()
		for name in AUDITORS_TOOLS.split():
			(tools / name).symlink_to(shutil.which(name))
		verify = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "env", "-i",
			  f"PATH={tools}", f"{tools}/sh", "verify.sh"]
		said = do(*verify, cwd=bundle)
		assert "HOLDS: " in said and "NOT PROVED" not in said, said
		lines = bundle / "lines.jsonl"
		assert self.study.sop_instance in lines.read_text(), lines.read_text()
		lines.write_text(lines.read_text().replace('"forwarded"', '"failed"', 1))
		done = subprocess.run(verify, cwd=bundle, stdout=subprocess.PIPE, text=True)
		assert done.returncode == 1 and "DOES NOT HOLD: " in done.stdout, done

	def begins_anew(self):
		step("the package is purged, which says what it keeps; a new setup does as told")
		said = told("apt-get purge -y -q cathgate")
		for kept in (CONFIG.parent / "ca", TLS, CONFIG.parent, AUDIT.parent):
			assert f"cathgate: {kept} is kept: " in said, said
			assert kept.exists(), kept
		assert not DROP_IN.exists() and not listens() and not list(CONFIG.parent.glob("*.conf"))
		service.install(self.package)
		said = told(SETUP, "ca/ca.key", status=1)
		told(re.search(r"mv /\S+ \S+", said)[0].rstrip("."))
		told(SETUP, "is written, and good")
		device = handed_out(modality("add", "angio-1", "--ae-title ANGIO1", "--output new"))
		hospital.start_pacs(CONFIG.parent / "ca/ca.crt")
		told("systemctl start cathgated")
		eventually(service.is_serving)
		is_narrow()
		device.sends()
		told("cathgate audit verify --key /etc/cathgate/tls/audit.key.pub "
		     "--key /etc/cathgate.earlier/tls/audit.key.pub")


began = time.monotonic()
os.environ["DEBIAN_FRONTEND"] = "noninteractive"
week = Week()
week.installs()
week.sets_up()
week.has_it_signed()
week.trusts_the_hospital()
week.takes_no_wrong_certificate()
week.lets_them_in()
week.sends_images()
week.errs_in_the_configuration()
week.makes_an_unreadable_file()
week.sees_a_technician_err()
week.renews()
week.revokes()
week.has_the_hospital_revoke()
week.loses_the_machine()
week.answers_the_auditor()
week.begins_anew()
print(f"ok, {time.monotonic() - began:.0f} s")
