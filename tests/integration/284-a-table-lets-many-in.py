"""Goal: `cathgate modality import` lets twenty modalities of many kinds in at once, each with a
hand-out of its own as `add` makes it; a dry run judges the same and changes nothing. Tables are
read as spreadsheets write them: commas, semicolons or tabs, quotes, CRLF, a byte order mark."""
import re
import stat
import subprocess

from authority import self_signed
from harness import Test
from site_setup import Device, Site

KINDS = ("", "pem", "legacy", "rsa")


def openssl(*arguments):
	subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def make_table(t, site):
	"""Its certificates and requests stand beside it."""
	folder = t.work / "rollout"
	folder.mkdir()
	openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=any", "-keyout",
		folder / "ct.key", "-out", folder / "ct.csr")
	self_signed(folder, "own")
	with open(site.tls / "modalities-ca.crt", "ab") as trusted:
		trusted.write((folder / "own.crt").read_bytes())
	lines = ["Name,AE Title,address,SOP-class,pem,legacy,rsa,days,Certificate,request,dns,"
		 "common_name"]
	for i in range(17):
		kind = KINDS[i % 4]
		flags = ",".join("yes" if kind == name else "no" if i % 2 else ""
				 for name in ("pem", "legacy", "rsa"))
		lines.append(f"angio-{i},ANGIO{i},,,{flags},{400 + i},,,,")
	lines += ["ct,CT1;CT2,127.0.0.1 10.0.0.0/8,XRayAngiographicImageStorage,,,,,,ct.csr,,",
		  "own,OWN,,,,,,,own.crt,,,",
		  'bound,BOUND,,,,,,,,,bound.test,"Lab 3, west"']
	table = folder / "list.csv"
	table.write_text("\n".join(lines) + "\n")
	return table


def a_dry_run_changes_nothing(t, site, table):
	before, around = site.snapshot(), sorted(path.name for path in t.work.iterdir())
	said = site.modality("import", table, "--dry-run", "--output", t.work / "out")
	assert "20 would be let in. Nothing was changed." in said, said
	assert re.search(r"^ct +CT1 CT2 +made for its request$", said, re.M), said
	assert "PASSWORD" not in said
	assert site.snapshot() == before and not site.listed()
	assert sorted(path.name for path in t.work.iterdir()) == around
	assert "leave --reload out" in site.modality("import", table, "--dry-run", "--reload",
						     status=2)


def twenty_are_let_in(t, site, table):
	out = t.work / "out"
	said = site.modality("import", table, "--output", out)
	assert len(site.listed()) == 20
	site.checked()
	assert sorted(path.name for path in out.iterdir()) == sorted(site.listed())
	assert stat.S_IMODE(out.stat().st_mode) == 0o700
	assert sorted(path.name for path in (out / "angio-1").iterdir()) == [
		"angio-1.crt", "angio-1.key", "angio-1.p12", "angio-1.txt", "ca.crt",
		"stunnel.conf"]
	assert sorted(path.name for path in (out / "ct").iterdir()) == [
		"ca.crt", "ct.crt", "ct.txt"]
	passwords = dict(re.findall(r"^(angio-\d+) .* (\S{8,})$", said, re.M))
	assert len(set(passwords.values())) == 17, said
	for name in ("angio-0", "angio-5", "angio-16"):
		openssl("pkcs12", "-in", out / name / f"{name}.p12", "-noout", "-passin",
			f"pass:{passwords[name]}")
	entry = (site.folder / "modalities.d/ct.conf").read_text()
	for line in ('ae_titles = [ "CT1", "CT2" ];', 'addresses = [ "127.0.0.1", "10.0.0.0/8" ];',
		     'sop_classes = [ "XRayAngiographicImageStorage" ];'):
		assert line in entry, entry
	entry = (site.folder / "modalities.d/bound.conf").read_text()
	assert 'common_name = [ "Lab 3, west" ]' in entry and 'dns = [ "bound.test" ]' in entry
	lasting = subprocess.run(["openssl", "x509", "-in", out / "angio-9/angio-9.crt", "-noout",
			       "-checkend", str(410 * 86400)], capture_output=True).returncode
	assert lasting != 0, "days has no effect"
	site.start()
	assert Device(out / "angio-1", "angio-1").associates(site)
	assert Device(out / "angio-5", "angio-5").associates(site)
	assert Device(out / "own", "own", pair=table.parent / "own").associates(site)
	assert not Device(out / "angio-1", "angio-1", ae_title="ANGIO5").associates(site)
	site.modality("renew", "angio-2", "--output", t.work / "angio-2")
	site.modality("remove", "angio-3")


def the_passwords_go_into_a_file(t, site):
	table, secrets = t.work / "one.csv", t.work / "secrets"
	table.write_text("name,ae_title,pem\nsecret,SECRET,x\n")
	said = site.modality("import", table, "--output", t.work / "one", "--passwords", secrets,
			     "--reload")
	name, password = secrets.read_text().split()
	assert name == "secret" and password not in said and str(secrets) in said
	assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
	openssl("pkcs12", "-in", t.work / "one/secret/secret.p12", "-noout", "-passin",
		f"pass:{password}")
	assert Device(t.work / "one/secret", "secret").associates(site), "reloaded it wasn't"
	table.write_text("name,ae_title\nother,OTHER\n")
	assert "is there already" in site.modality(
		"import", table, "--output", t.work / "again", "--passwords", secrets, status=1)


def as_spreadsheets_write_it(t, site):
	for at, (text, calls) in enumerate((
			("\ufeffName;AE-Title;Legacy\r\nx;X1 X2;FALSCH\r\n;;\r\n", ["X1", "X2"]),
			('\ufeff"name";"ae_title";"address"\r\n"x";"X1;X2";"10.0.0.1"\r\n',
			 ["X1", "X2"]),
			("name\tae_title\taddress\nx\tX1;X2\t10.0.0.1;10.0.0.2", ["X1", "X2"]),
			('name,ae_title,common_name\rx,"A""B","The ""old"" lab;\nThe new"\r',
			 ['A"B']),
			("name,ae_title,address,dns\nx,X1\n", ["X1"]),
			("name,ae_title,,\nx,X1,,\n", ["X1"]))):
		table = t.work / f"sheet-{at}.csv"
		table.write_bytes(text.encode())
		site.modality("import", table, "--output", t.work / f"sheet-{at}")
		assert site.listed()["x"]["ae_titles"] == calls, (text, site.listed()["x"])
		entry = (site.folder / "modalities.d/x.conf").read_text()
		assert "common_name" not in text or \
			'[ "The \\"old\\" lab", "The new" ]' in entry, entry
		site.modality("remove", "x")


with Test() as t:
	site = Site(t, "etc")
	with open(site.config, "a") as conf:
		conf.write(f'\ncontrol: {{ socket = "{t.work}/control"; }};\n')
	table = make_table(t, site)
	a_dry_run_changes_nothing(t, site, table)
	twenty_are_let_in(t, site, table)
	the_passwords_go_into_a_file(t, site)
	as_spreadsheets_write_it(t, site)
