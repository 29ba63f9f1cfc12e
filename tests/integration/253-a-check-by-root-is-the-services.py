"""Goal: a check by root tells what the service's user can read: what root has made and that user
can't open is an error whose cure, typed as it stands, helps; whoever else checks does so as
before."""
import os
import pathlib
import re
import shutil
import subprocess

from config import working, members
from dicom import PATIENCE
from harness import Skip, Test, cathgated
from other_user import NOBODY


def check(config, *more, user=None):
	done = subprocess.run([cathgated(), "--check", "--config", config, *more],
			      capture_output=True, text=True, stdin=subprocess.DEVNULL,
			      timeout=PATIENCE, user=user, group=user,
			      extra_groups=[] if user else None)
	return done.returncode, done.stdout + done.stderr


def site(t):
	"""As setup leaves it for the user nobody."""
	folder, log = t.work / "site", t.work / "log"
	t.work.chmod(0o755)
	for path in (folder, folder / "modalities.d", folder / "tls"):
		path.mkdir()
		os.chown(path, -1, NOBODY)
		path.chmod(0o2750)
	log.mkdir()
	os.chown(log, NOBODY, NOBODY)
	for file in filter(os.path.isfile, t.pki.iterdir()):
		shutil.copy(file, folder / "tls")
	for file in (folder / "tls").iterdir():
		file.chmod(0o640)
	for file in (folder / "tls").glob("*.key"):
		os.chown(file, NOBODY, NOBODY)
		file.chmod(0o600)
	(folder / "cathgate.conf").write_text(members(working(log, folder / "tls", 104)))
	(folder / "cathgate.conf").chmod(0o640)
	return folder


def cured(folder, path, *more):
	"""What the check says of it; then what it says to type is typed."""
	code, said = check(folder / "cathgate.conf", "--user", "nobody")
	assert code == 1 and str(path) in said and "Permission denied" in said, said
	commands = re.findall(r"as root: (.*)", said)
	assert commands and str(path) in commands[0], said
	for command in commands:
		subprocess.run(command, shell=True, check=True)
	code, said = check(folder / "cathgate.conf", "--user", "nobody")
	assert code == 0 and "; checked as the user nobody" in said, said
	return commands


def made_by_root(folder):
	"""Each kind of file, with a root who lets nobody else read."""
	config = folder / "cathgate.conf"
	certificate, key = folder / "tls/gateway.crt", folder / "tls/gateway.key"
	os.umask(0o077)
	entry = folder / "modalities.d/other.conf"
	entry.write_text('name = "other"; ae_titles = [ "OTHER" ]; called_ae_titles = [ "CATHGATE" ];\n'
			 'certificate: { common_name = [ "other" ]; }; destination = "pacs";\n')
	assert entry.stat().st_gid == NOBODY, "the folder gives it its group"
	cured(folder, entry)
	os.chown(entry, 0, 0)
	cured(folder, entry)
	for file, mode in ((config, 0o640), (certificate, 0o640), (key, 0o400)):
		os.chown(file, 0, 0)
		file.chmod(0o600)
		cured(folder, file)
		assert file.stat().st_mode & 0o777 == mode, file
	for closed in (folder / "modalities.d", folder / "tls"):
		os.chown(closed, 0, 0)
		closed.chmod(0o700)
		cured(folder, closed)
		assert closed.stat().st_mode & 0o7777 == 0o2750
	os.umask(0o022)


ELSE = 54321	# another user, and a group of nobody's


def in_a_namespace(config, *groups):
	"""As PrivateUsers=yes has it: all but the user's own number is shown as nobody's."""
	done = subprocess.run(
		["unshare", "--user", "--map-user=991", "--map-group=991", cathgated(), "--check",
		 "--config", config], capture_output=True, text=True, stdin=subprocess.DEVNULL,
		timeout=PATIENCE, user=NOBODY, group=NOBODY, extra_groups=groups)
	if "unshare" in done.stderr:
		raise Skip(done.stderr)
	return done.returncode, done.stdout + done.stderr


def anothers_program_is_refused(folder):
	config, whole = folder / "cathgate.conf", (folder / "cathgate.conf").read_text()
	program = t.work / "alert"
	program.write_text("#!/bin/sh\n")
	program.chmod(0o755)
	config.write_text(f'{whole}\nalerts: {{ command = [ "{program}" ]; }};\n')
	for owner, status in ((0, 0), (NOBODY, 0), (ELSE, 1)):
		os.chown(program, owner, owner)
		code, said = check(config, "--user", "nobody")
		assert code == status and ("could replace it" in said) == bool(status), said
	assert f"alerts.command: {program} belongs to user {ELSE}" in said, said
	code, said = in_a_namespace(config)
	assert f"{program} belongs to another user" in said, said
	config.write_text(whole)


def nobodys_group_is_not_our_own(folder):
	"""A group that has no number there can't be given to a file."""
	config = folder / "cathgate.conf"
	for path in (folder, config):
		os.chown(path, 0, ELSE)
	config.chmod(0o600)
	code, said = in_a_namespace(config, ELSE)
	assert code == 1 and "Permission denied" in said and "chgrp" not in said, said
	for path in (folder, config):
		os.chown(path, 0, NOBODY)
	config.chmod(0o640)


with Test() as t:
	if os.geteuid() != 0:
		raise Skip("only root can check as another user")
	folder = site(t)
	config = folder / "cathgate.conf"
	made_by_root(folder)
	anothers_program_is_refused(folder)
	nobodys_group_is_not_our_own(folder)
	# The file's group isn't that of a user cathgate: root checks as root, as a developer does.
	code, said = check(config)
	assert code == 0 and "checked as" not in said, said
	code, said = check(config, "--user", "root")
	assert code == 0 and "checked as the user root" in said, said
	code, said = check(config, user=NOBODY)
	assert code == 0 and "checked as" not in said, said
	code, said = check(config, "--user", "root", user=NOBODY)
	assert code == 2 and "only root" in said, said
	code, said = check(config, "--user", "nobody-at-all")
	assert code == 2 and "there is no user" in said, said
	done = subprocess.run([cathgated(), "--user", "nobody"], capture_output=True, text=True)
	assert done.returncode == 2 and "--check" in done.stderr, done
