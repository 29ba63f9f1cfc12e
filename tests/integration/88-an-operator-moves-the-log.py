"""Goal: mv, rm, and logrotate's create and copytruncate, on a log in use: no record is
lost that was not removed, the chain goes on, and it is said."""
import shutil

from chain import ZEROS, read_file
from harness import Test
from objects import make


def move(live, aside):
	live.rename(aside)


def move_and_create(live, aside):
	live.rename(aside)
	live.touch()


def copy_and_truncate(live, aside):
	shutil.copy(live, aside)
	with open(live, "r+") as log:
		log.truncate()


def remove(live, aside):
	shutil.copy(live, aside)	# for the test, so that the chain can be followed
	live.unlink()


def append(live, aside):
	with open(live, "a") as log:
		log.write("rotated by cron\n")


WAYS = ((move, "moved or removed"), (move_and_create, "moved or removed"),
	(copy_and_truncate, "emptied"), (remove, "moved or removed"),
	(append, "another program changed"))

with Test() as t:
	pacs = t.pacs()
	for way, words in WAYS:
		gateway = t.gateway(pacs)
		aside = gateway.folder / "aside"
		modality = t.associate(gateway)
		sent = []
		for number in range(6):
			if number == 3:
				way(gateway.audit_file, aside)
			sent.append(make("explicit"))
			assert modality.store(sent[-1]).status == 0
		modality.release()
		assert gateway.stop() == 0
		lines = []
		if way is append:
			aside, = gateway.folder.glob("audit.broken-*.jsonl")
			text = aside.read_text()
			assert text.endswith("rotated by cron\n")
			aside.write_text(text.removesuffix("rotated by cron\n"))
		read_file(aside, lines)
		before = len(lines)
		live = gateway.audit_file.read_text().splitlines()
		alert = gateway.audit(event="alert")[0]
		assert words in alert["detail"] and alert["seq"] == before, alert
		assert alert["prev"] == lines[-1]["hash"], alert
		read_file(gateway.audit_file, lines)
		assert len(lines) == before + len(live)
		found = [line["sop_instance"] for line in lines
			 if line.get("outcome") == "forwarded"]
		assert found == [obj.sop_instance for obj in sent]
		# And that is how the next start finds it.
		gateway.start()
		assert not gateway.audit(reason="audit-broken")
		assert gateway.stop() == 0
