"""Goal: the package's life on a real systemd: installed, configured, started, used, reloaded,
hung, restarted and upgraded under load, stopped, purged; nothing is lost, nobody is refused.
"""
import collections
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import objects
import service
from service import (AUDIT, CONFIG, PACS_FILES, PKI, Load, audit, do, eventually, is_serving,
		     main_pid, shown, step, store)

MODERN = os.environ["CATHGATE_SUITE"] != "bookworm"	# systemd 257, OpenSSL 3.5, DCMTK 3.6.9
CA_KEY = pathlib.Path("/etc/cathgate/ca/ca.key")
SETUP_DROP_IN = pathlib.Path("/etc/systemd/system/cathgated.socket.d/cathgate-setup.conf")
DROP_IN = pathlib.Path("/etc/systemd/system/cathgated.service.d/test.conf")


def held_by_pacs():
	"""How often each instance is there, and with which bytes."""
	found = collections.defaultdict(list)
	for path in PACS_FILES.rglob("*"):
		if path.is_file() and path.suffix != ".cfg" and path.name != "index.dat":
			obj = objects.read_part10(path)
			found[obj.sop_instance].append(obj.sha256)
	return found


def all_arrived(load):
	assert not load.refused, f"{load.refused} connections were refused"
	lines = collections.defaultdict(list)
	for line in audit(event="instance", outcome="forwarded"):
		lines[line["sop_instance"]].append(line["sha256"])
	there = held_by_pacs()
	for uid in load.taken:
		assert len(lines[uid]) == 1, f"{uid} was forwarded {len(lines[uid])} times"
		assert there[uid] == lines[uid], f"{uid} is not at the PACS as it was sent"


def lists_what_it_is_made_of():
	step("the bill of materials names the libraries as they are installed here")
	text = pathlib.Path("/usr/share/doc/cathgate/cathgate.spdx.json").read_text()
	document = json.loads(text)
	assert document["spdxVersion"] == "SPDX-2.3" and document["dataLicense"] == "CC0-1.0"
	packages = {package["SPDXID"]: package for package in document["packages"]}
	own = packages.pop("SPDXRef-cathgate")
	assert own["versionInfo"] == do("dpkg-query", "-W", "-f", "${Version}", "cathgate")
	for package in packages.values():
		assert package["versionInfo"] == do("dpkg-query", "-W", "-f", "${Version}",
						    package["name"]), package
	linked = {relation["relatedSpdxElement"] for relation in document["relationships"]
		  if relation["relationshipType"] == "DYNAMIC_LINK"}
	assert linked == set(packages), "a library without a relation, or the reverse"
	names = " ".join(package["name"] for package in packages.values())
	for library in ("libdcmtk", "libssl", "libconfig", "libsystemd", "libjansson"):
		assert library in names, f"no {library} among {names}"


def installed():
	step("build both packages; lintian finds no error")
	first, second = service.build_packages()
	assert "E:" not in do("lintian", "--fail-on", "error", "--allow-root", str(first))
	step("install: nothing fails, and it says what to do")
	assert str(CONFIG) in service.install(first)
	lists_what_it_is_made_of()
	said = subprocess.run(["systemctl", "status", "--no-pager", "cathgated.service"],
			      stdout=subprocess.PIPE, text=True).stdout
	assert "inactive" in said and f"{CONFIG} was not met" in said, said
	assert "man:cathgate-setup(1)" in said and "docs/ADMIN.md" in said, said
	for command in (["cathgate"], ["cathgate", "status"], ["cathgate", "reload"]):
		told = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
				      text=True)
		assert told.returncode == 2 and "begin with cathgate setup" in told.stdout, told
	do("systemctl", "start", "cathgated.service")
	assert shown("cathgated.service", "ActiveState", "Result") == ["inactive", "success"]
	assert "cathgated" not in do("systemctl", "--failed", "--no-legend")
	do("man", "--where", "8", "cathgated")
	do("bash", "-c", ". /usr/share/bash-completion/completions/cathgate; complete -p cathgate")
	do("systemd-analyze", "security", "--threshold=11", "--no-pager", "cathgated.service")
	return second


def started():
	step("every key a credential; start; the first image")
	service.make_pki()
	pathlib.Path("/etc/credstore.encrypted").mkdir(mode=0o700, exist_ok=True)
	for name in ("gateway.key", "gateway-client.key", "audit.key"):
		do("systemd-creds", "encrypt", "--with-key=host", f"--name={name}",
		   f"{PKI}/{name}", f"/etc/credstore.encrypted/{name}")
		(PKI / name).unlink()
	# The fourth in another way: a drop-in, plain.
	DROP_IN.parent.mkdir()
	DROP_IN.with_name("key.conf").write_text(
		f"[Service]\nLoadCredential=pseudonym.key:{PKI}/pseudonym.key\n")
	service.write_configuration(service.write_pacs(tls=MODERN), {
		"listen.0.tls.key": "credential:gateway.key",
		"audit.signing_key": "credential:audit.key",
		"audit.messages": "/var/log/cathgate/messages", "audit.journal": "auto",
		"audit.pseudonym_key": "credential:pseudonym.key",
		**({"destinations.0.tls.key": "credential:gateway-client.key"} if MODERN
		   else {"destinations.0.tls": "none"})})
	service.start_pacs("dcmqrscp")
	do("systemctl", "start", "cathgated.service")
	assert shown("cathgated.socket", "ActiveState") == "active"
	eventually(is_serving)
	store_again()
	line = audit(event="instance", outcome="forwarded")[-1]
	assert "patient" in line, "the pseudonym's key was not read"
	assert line["tls"]["group"] == ("X25519MLKEM768" if MODERN else "X25519"), line


def store_again():
	assert eventually(lambda: store() == 0)


def sent_by_dcmtk():
	step("storescu, with TLS of its own, sends")
	file = pathlib.Path("/tmp/one.dcm")
	obj = objects.make("explicit")
	objects.write_part10(obj, file)
	do("storescu", "+tls", f"{PKI}/angio.key", f"{PKI}/angio.crt",
	   "+cf", f"{PKI}/hospital-ca.crt", "-aet", "CATHLAB3", "-aec", "CATHGATE",
	   "localhost", str(service.PORT), str(file))
	assert held_by_pacs()[obj.sop_instance] == [obj.sha256]


def reloaded():
	step("reload: it answers, and goes on")
	before = main_pid()
	do("systemctl", "reload", "cathgated.service")
	assert is_serving()
	store_again()
	step("a reload that is refused fails, says why, and changes nothing")
	good = CONFIG.read_text()
	CONFIG.write_text(good + "nonsense = 1;\n")
	for command in (["systemctl", "reload", "cathgated.service"], ["cathgate", "reload"]):
		refused = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
					 text=True)
		assert refused.returncode == 1, (command, refused)
	fault = f"{CONFIG}:{len(good.splitlines()) + 1}: nonsense"
	assert fault in refused.stdout, refused.stdout
	said = service.journal("-t", "cathgate")
	assert fault in said, "the journal doesn't have what systemctl reload was told"
	assert is_serving()
	CONFIG.write_text(good)
	for _ in range(3):
		do("systemctl", "reload", "cathgated.service")
	assert main_pid() == before
	do("systemctl", "restart", "cathgated.service")
	do("systemctl", "reload", "cathgated.service")	# at once
	before = main_pid()
	assert "nothing has changed" in do("cathgate", "reload")
	store_again()
	assert main_pid() == before


def kept_from_hanging():
	step("a supervisor or an auditor that hangs is ended by the watchdog, and comes back")
	DROP_IN.write_text("[Service]\nWatchdogSec=10\n")
	do("systemctl", "daemon-reload")
	do("systemctl", "restart", "cathgated.service")
	for whom in (main_pid, auditor):
		before = main_pid()
		os.kill(whom(), signal.SIGSTOP)
		eventually(lambda: main_pid() not in (before, 0))
		eventually(is_serving)
		store_again()
	said = service.journal("-u", "cathgated.service")
	assert said.count("Watchdog timeout") == 2, said[-2000:]
	DROP_IN.unlink()
	do("systemctl", "daemon-reload")
	do("systemctl", "restart", "cathgated.service")


def auditor():
	"""It alone has the log open."""
	for process in pathlib.Path("/proc").glob("[0-9]*/fd"):
		for descriptor in process.iterdir():
			try:
				if os.readlink(descriptor) == str(AUDIT):
					return int(process.parent.name)
			except OSError:
				pass
	raise AssertionError("nobody has the audit log open")


def restarted_under_load():
	step("restarts under load: nobody is refused, nothing lost, nothing twice")
	service.start_pacs("storescp")
	store_again()
	with Load() as load:
		for _ in range(3):
			before = main_pid()
			do("systemctl", "restart", "cathgated.service")
			assert main_pid() != before
			load.wait_for(8)
	all_arrived(load)


def without_a_pacs():
	step("a destination that goes and comes")
	do("systemctl", "stop", "storescp.service")
	assert store() is None
	assert audit(reason="destination-unreachable")
	service.start_pacs("storescp")
	store_again()


def upgraded_under_load(package):
	step("an upgrade under load")
	kept, before = CONFIG.read_text(), main_pid()
	with Load() as load:
		service.install(package)
		eventually(is_serving)
	all_arrived(load)
	assert main_pid() != before, "the old program still runs"
	assert do("dpkg-query", "-W", "-f", "${Version}", "cathgate").endswith("-2")
	assert CONFIG.read_text() == kept


def stopped():
	step("stop: the port closes, and the log's last line says so")
	do("systemctl", "stop", "cathgated.socket", "cathgated.service")
	assert shown("cathgated.service", "ActiveState", "Result") == ["inactive", "success"]
	assert audit()[-1]["event"] == "stop" or audit()[-2]["event"] == "stop", audit()[-2:]
	try:
		store()
		raise AssertionError("somebody still listens")
	except ConnectionRefusedError:
		pass


def recorded():
	step("the log verifies, where the configuration names credentials too; the journal has it")
	public = PKI / "audit.key.pub"
	do("cathgate", "audit", "verify", "--key", str(public))
	last = audit(event="instance", outcome="forwarded")[-1]
	# The exporter tells it a moment later.
	entries = eventually(lambda: [json.loads(line) for line in service.journal(
		"-u", "cathgated.service", "-q", "-o", "json",
		f"CATHGATE_SOP_INSTANCE={last['sop_instance']}").splitlines()])
	assert [entry["CATHGATE_SHA256"] for entry in entries] == [last["sha256"]], entries
	messages = list((AUDIT.parent / "messages").rglob("*"))
	assert any("<AuditMessage" in file.read_text(errors="replace")
		   for file in messages if file.is_file()), messages


def spoke_well():
	step("its journal has no fault of ours, nor of the unit's")
	said = service.journal("-b")
	for bad in ("bug: ", "Unknown key", "Unknown lvalue", "Failed to parse", "Sanitizer"):
		assert bad not in said, [line for line in said.split("\n") if bad in line]


def set_up():
	step("setup on a machine with the package: other ports than the unit's, all or nothing")
	earlier = CONFIG.parent.with_name("cathgate.mine")
	CONFIG.parent.rename(earlier)
	setup = ["cathgate", "setup", "--yes", "--pacs-host", "127.0.0.1", "--pacs-ae-title",
		 "PACS", "--pacs-ca", "none", "--host", "gw.test"]
	for listen, port, shows in (("127.0.0.1", "11104", "127.0.0.1:11104"),
				    ("::1", "11105", "[::1]:11105"),
				    ("0.0.0.0", "11106", "[::]:11106"),
				    ("0.0.0.0", "2762", "[::]:2762")):
		said = do(*setup, "--listen", listen, "--port", port)
		assert "is written, and good" in said, said
		assert SETUP_DROP_IN.exists() == (port != "2762"), said
		assert str(SETUP_DROP_IN) in said or port == "2762", said
		assert shown("cathgated.socket", "Listen").split()[0] == shows
		do("cathgate", "modality", "add", f"m{port}", "--ae-title", "M", "--output",
		   f"/root/m{port}")
		page = next(pathlib.Path(f"/root/m{port}").glob("*.txt")).read_text()
		assert f"Port                 {port}\n" in page, page
		do("systemctl", "start", "cathgated.service")
		eventually(is_serving)
		assert f" {shows} ".replace("[::]", "*") in do("ss", "-ltn") \
			or f" {shows} " in do("ss", "-ltn"), do("ss", "-ltn")
		assert "checked as the user cathgate" in do("cathgated", "--check")
		do("systemctl", "stop", "cathgated.socket", "cathgated.service")
		if port != "2762":
			do("rm", "-r", str(CONFIG.parent))
	assert not SETUP_DROP_IN.exists()
	named = named_sample(CONFIG)
	assert named.read_bytes() == (service.SOURCE / "conf/cathgate.conf").read_bytes(), named
	unfit()
	port_taken()
	purged_anew(setup)
	do("rm", "-rf", str(CONFIG.parent))
	earlier.rename(CONFIG.parent)


def named_sample(file):
	return pathlib.Path(re.search(r"explained in\n// (\S+)\n", file.read_text())[1])


def refused_check(*says):
	done = subprocess.run(["cathgated", "--check"], stdout=subprocess.PIPE,
			      stderr=subprocess.STDOUT, text=True)
	assert done.returncode == 1 and all(words in done.stdout for words in says), done


def unfit():
	step("what doesn't fit the unit in force is an error of --check, with its cure")
	good = CONFIG.read_text()
	CONFIG.write_text(good.replace('socket = "dicom-tls";', 'address = "127.0.0.1"; port = 104;'))
	refused_check("cathgated.socket passes", "mask --now cathgated.socket")
	do("systemctl", "mask", "--now", "cathgated.socket")
	do("cathgated", "--check")
	CONFIG.write_text(good)
	refused_check("no socket unit passes", "unmask cathgated.socket")
	do("systemctl", "unmask", "cathgated.socket")
	do("cathgated", "--check")
	key = PKI / "gateway.key"
	os.chown(key, 0, 0)
	refused_check("chown cathgate:", "checked as the user cathgate")
	shutil.chown(key, "cathgate", "cathgate")
	do("cathgated", "--check")


def port_taken():
	step("a port that is another program's is named by status, diagnose and --check")
	other = socket.create_server(("::", service.PORT), family=socket.AF_INET6)
	subprocess.run(["systemctl", "start", "cathgated.socket"], stderr=subprocess.DEVNULL)
	assert shown("cathgated.socket", "ActiveState") == "failed"
	for command, status in ((["cathgate", "status"], 2), (["cathgate", "diagnose"], 0),
				(["cathgated", "--check"], 0)):
		done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
				      text=True)
		said = " ".join(done.stdout.split())
		assert done.returncode == status and "another program has the port" in said, done
	other.close()
	# A fast machine has started it five times within ten seconds, which systemd stops.
	do("systemctl", "reset-failed", "cathgated.socket")
	do("systemctl", "start", "cathgated.service")
	eventually(is_serving)
	do("systemctl", "stop", "cathgated.socket", "cathgated.service")


def purged_anew(setup):
	step("setup after a purge overwrites no key, and says what to do")
	CONFIG.unlink()
	done = subprocess.run(setup, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
	assert done.returncode == 1 and "ca/ca.key" in done.stdout, done
	command = re.search(r"mv /\S+ \S+", done.stdout)[0].rstrip(".")
	do("sh", "-c", command)
	do(*setup)
	do("rm", "-r", "/etc/cathgate.earlier")


def purged():
	step("purge: what can be made again goes, evidence and keys stay")
	do("systemctl", "start", "cathgated.service")
	eventually(is_serving)
	CA_KEY.parent.mkdir()
	CA_KEY.write_text("the only one of its kind\n")
	(CONFIG.parent / "modalities.d/other.conf.revoked").touch()
	said = do("apt-get", "purge", "-y", "-q", "cathgate")
	for kept in (AUDIT.parent, PKI, CA_KEY.parent):
		assert f"{kept} is kept" in said, said
	assert AUDIT.exists() and PKI.exists() and CA_KEY.exists() and not CONFIG.exists()
	assert sorted(path.name for path in CONFIG.parent.iterdir()) == ["ca", "tls"]
	assert not list(AUDIT.parent.rglob("*.lock")), "locks are no evidence"
	assert shown("cathgated.service", "ActiveState", "LoadState") == ["inactive", "not-found"]
	assert not list(pathlib.Path("/etc/systemd/system").glob("*.wants/cathgated.*"))
	assert not pathlib.Path("/usr/sbin/cathgated").exists()


began = time.monotonic()
package = installed()
started()
sent_by_dcmtk()
reloaded()
kept_from_hanging()
restarted_under_load()
without_a_pacs()
upgraded_under_load(package)
stopped()
recorded()
spoke_well()
set_up()
purged()
print(f"ok, {time.monotonic() - began:.0f} s")
