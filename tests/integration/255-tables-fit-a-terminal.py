"""Goal: on a terminal of 80 columns, no row of `audit tail`, `audit report` or `modality
list` is wider, none loses anything, and times are as a person writes them; in a pipe each row
is one line, with whole times."""
import os
import pathlib
import re
import subprocess

from auditlog import CATHGATE, Log, enter_folder
from authority import Authority
from terminal import on_a_terminal, plain

enter_folder("tables")
os.environ["TZ"] = "CET-1CEST,M3.5.0,M10.5.0/3"	# Berlin's, without tzdata
study = "1.2.840.113619.2.5.1762583153.215519.978957063.78.99999999999999"
instance = "1.2.840.113619.2.5.1762583153.215519.978957063.78.88888888888888"
assert len(study) == len(instance) == 64
stored = {"association": "0123456789abcdef", "modality": "angio-suite-3", "study": study,
	  "bytes": 34_000_000, "peer": "192.0.2.7:104", "calling_ae": "CATHLAB3"}
log = Log().add("start", detail="a text that is long enough to be wrapped where eighty "
		"columns are all there is, and\x1b[2J that steers no terminal")
for i in range(12):
	log.add(outcome="forwarded", sop_instance=f"{instance[:-2]}{i:02}", destination="pacs",
		total_ms=20, **stored)
log.add(outcome="failed", reason="destination-status", status="A900",
	sop_instance=instance, **stored)
log.write("audit.jsonl")


def piped(*command, status=0):
	done = subprocess.run([CATHGATE, *command], capture_output=True, text=True)
	assert done.returncode == status, (done.stdout, done.stderr)
	return done.stdout.splitlines()


def shown(*command, columns=80, **more):
	text = plain(on_a_terminal([CATHGATE, *command], columns, **more))
	for line in text.splitlines():
		assert len(line) <= columns, line
	return text


def words(text):
	return set(re.sub("[,:]", " ", text).split())


tail = ["audit", "tail", "-n", "all", "audit.jsonl"]
rows = piped(*tail)
assert len(rows) == 15 and rows[0].split()[-1] == "WHAT", rows
assert "2026-01-31 13:00:13+0100      13 instance    failed      angio-suite-3 dest" in rows[-1]
text = shown(*tail)
assert re.findall(r"^2026-01-31 13:00:(\d\d)  ", text, re.M) == [
	f"{i:02}" for i in range(14)], text
assert f"\n    destination-status instance\n    {instance} 32.4 MiB\n    status A900\n" in text, text
assert "\\u001b[2J" in text
assert words(text) >= words("\n".join(row[25:] for row in rows[1:])), text
# What it says of itself doesn't count where COLUMNS is set; a wide one needs no folding.
assert re.search(r"angio-suite-3 +destination-status inst", shown(*tail, columns=140))
assert shown(*tail, columns=120, COLUMNS="80") == text
assert shown(*tail[:-1], "--utc", "audit.jsonl").count(":00:13Z ") == 1
assert words(shown(*tail, columns=70)) >= words(text)

report = ["audit", "report", "audit.jsonl"]
head, row, total, _, missing, one = piped(*report)
assert row.split() == [study, "angio-suite-3", "13", "12", "0", "1", "0", "0", "0", "0", "421.5",
	"MiB", "2026-01-31", "13:00:01+0100", "2026-01-31", "13:00:13+0100"], row
text = shown(*report)
assert text.startswith(f"{study}\n    modality angio-suite-3, received 13, forwarded 12, "
	"failed 1,\n    bytes 421.5 MiB, first 2026-01-31 13:00:01, last 2026-01-31 13:00:13\n"
	"total\n"), text
assert words(text) >= words(one.replace("+0100", "")), text
assert shown(*report, columns=220).splitlines()[0].split() == head.split()

folder = os.path.abspath("etc")
Authority(pathlib.Path.cwd(), "ca")
made = subprocess.run([CATHGATE, "setup", "--directory", folder, "--log-directory",
	os.path.abspath("log"), "--host", "gw.test", "--listen", "127.0.0.1", "--pacs-host",
	"127.0.0.1", "--pacs-ae-title", "PACS", "--pacs-ca",
	"ca.crt"], capture_output=True, text=True)
assert made.returncode == 0, made.stderr
config = ["--config", os.path.join(folder, "cathgate.conf")]
piped("modality", "add", "angio", "--ae-title", "ANGIO", *config)
listing = shown("modality", "list", *config)
assert re.match("NAME +AE TITLE +DESTINATION +EXPIRES +STATE +LAST SEEN +LAST REFUSED\n"
		"angio +ANGIO +pacs +", listing), \
	listing
piped("modality", "add", "the-second-of-the-cathlabs", *(f"--ae-title=CATHLAB{i}{'X' * 8}"
	for i in range(9)), *config)
rows = piped("modality", "list", *config)
assert len(rows) == 5 and max(map(len, rows)) > 160, rows	# with the CRL's
listing = shown("modality", "list", *config)
assert listing.startswith("angio\n    ae title ANGIO, destination pacs, expires "), listing
assert re.sub("[, \n]", "", rows[2].split()[1]) in re.sub("[, \n]", "", listing), listing
print("tables fit")
