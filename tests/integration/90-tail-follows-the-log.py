"""Goal: `cathgate audit tail` shows the log's last lines as a person reads them, goes on as
they come, across a rotation and an operator's mv, and lets no peer's text steer a terminal."""
import json
import queue
import re
import subprocess
import threading

from dicom import PATIENCE, XA_CONTEXT
from harness import Test, cathgate, tool
from objects import make
from terminal import on_a_terminal


class Following:
	"""A `tail -f` and its lines as they come."""

	def __init__(self, *arguments):
		self.process = subprocess.Popen(
			[cathgate(), "audit", "tail", "-f", *map(str, arguments)],
			stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
		self.lines = queue.Queue()
		threading.Thread(target=self.read, daemon=True).start()

	def read(self):
		for line in self.process.stdout:
			self.lines.put(line)

	def next(self):
		return self.lines.get(timeout=PATIENCE)


def on_terminal(**environment):
	return on_a_terminal([cathgate(), "audit", "tail", log], **environment)


def seqs(shown):
	return [json.loads(line)["seq"] for line in shown.splitlines()]


def store(gateway):
	modality = t.associate(gateway)
	obj = make("explicit")
	modality.store(obj)
	modality.release()
	gateway.wait_audit(event="association", outcome="released",
			   association=gateway.audit(
				   sop_instance=obj.sop_instance)[0]["association"])
	return obj


with Test() as t:
	gateway = t.gateway(t.pacs())
	log = gateway.audit_file
	rude = t.connect(gateway).request(calling="N\xe9\x1b[2J\x9b1m", contexts=[XA_CONTEXT])
	gateway.wait_audit(reason="ae-unknown")
	for _ in range(5):
		obj = store(gateway)

	raw = log.read_bytes().splitlines()
	assert tool("audit", "tail", "--json", "-n", "all", log).splitlines() == raw
	assert tool("audit", "tail", "--json", log).splitlines() == raw[-10:]
	assert tool("audit", "tail", "--json", "-n", "0", log) == b""
	forwarded = [line["seq"] for line in gateway.audit(outcome="forwarded")]
	assert seqs(tool("audit", "tail", "--json", "-n", "3", "--outcome", "forwarded",
			 "--modality", "angio", log)) == forwarded[-3:]
	both = [line["seq"] for line in gateway.audit()
		if line["event"] in ("start", "instance")]
	assert seqs(tool("audit", "tail", "--json", "-n", "all", "--event", "start",
			 "--event", "instance", log)) == both
	assert tool("audit", "tail", "--json", "--modality", "other", log) == b""

	shown = tool("audit", "tail", "-n", "all", log).decode()
	head, *rows = shown.splitlines()
	assert head.split() == ["TIME", "SEQ", "EVENT", "OUTCOME", "WHO", "WHAT"], head
	assert len(rows) == len(raw)
	assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown), "no control character"
	assert r"N\u001b" not in shown and "N\xe9\\u001b[2J\\u009b1m" in shown, shown
	row, = [row for row in rows if obj.sop_instance in row]
	assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d{4} ", row), row
	for part in ("instance", "forwarded", "angio", "to pacs", "status 0000"):
		assert part in row, row
	utc = tool("audit", "tail", "--utc", "-n", "1", log).decode()
	assert gateway.audit()[-1]["time"][:19].replace("T", " ") + "Z" in utc, utc

	assert "\x1b[32m" in on_terminal(), "green for what went well"
	assert "\x1b" not in on_terminal(NO_COLOR="1")
	assert "\x1b" not in on_terminal(TERM="dumb")

	# the configuration's log, though the configuration is wrong elsewhere
	broken = gateway.folder / "broken.conf"
	broken.write_text(gateway.config.read_text().replace('"tls"', '"x"')
			  + "nonsense = true;\n")
	assert tool("audit", "tail", "--json", "--config", broken).splitlines() == raw[-10:]
	tool("audit", "tail", "--config", gateway.folder / "none.conf", status=2)
	tool("audit", "tail", gateway.folder / "none.jsonl", status=2)
	tool("audit", "tail", "--outcome", "good", log, status=2)
	tool("audit", "tail", "-n", "-3", log, status=2)

	follower = Following("--json", "-n", "2", "--event", "instance", log)
	assert [json.loads(follower.next())["seq"] for _ in range(2)] == forwarded[-2:]
	assert json.loads(follower.next() if store(gateway) else "")["outcome"] == "forwarded"
	for name in ("audit.jsonl.1", "elsewhere"):
		log.rename(gateway.folder / name)
		stored = store(gateway)
		told = follower.next()
		assert stored.sop_instance in told, told
	follower.process.terminate()

	# the files of a rotated log, as the gateway names them
	(gateway.folder / "audit.jsonl.1").rename(gateway.folder / "audit-0.jsonl")
	first = json.loads((gateway.folder / "elsewhere").read_text().splitlines()[0])["seq"]
	(gateway.folder / "elsewhere").rename(gateway.folder / f"audit-{first}.jsonl")
	total = gateway.audit()[-1]["seq"] + 1
	assert seqs(tool("audit", "tail", "--json", "-n", total - 3, log)) == list(
		range(3, total))
