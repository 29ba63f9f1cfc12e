"""Goal: while several associations store, the log is rotated by its size: no line is lost,
the chain goes on through the files, each ends with a checkpoint, and each has its note."""
import threading

from chain import read_log
from harness import Test
from objects import make

SENDERS, OBJECTS = 4, 40


def send(number):
	modality = t.associate(gateway)
	for _ in range(OBJECTS):
		obj = make("explicit")
		assert modality.store(obj).status == 0
		stored[number].append(obj.sop_instance)
	modality.release()


with Test() as t:
	gateway = t.gateway(t.pacs(), {"audit.rotate_bytes": 20000,
				       "audit.checkpoint_records": 10})
	stored = [[] for _ in range(SENDERS)]
	threads = [threading.Thread(target=send, args=(number,)) for number in range(SENDERS)]
	for thread in threads:
		thread.start()
	for thread in threads:
		thread.join()
	assert gateway.stop() == 0

	lines = read_log(gateway.folder)
	wanted = sorted(sum(stored, []))
	assert len(wanted) == SENDERS * OBJECTS
	assert wanted == sorted(line["sop_instance"] for line in lines
				if line.get("outcome") == "forwarded")
	assert [line["event"] for line in lines[-2:]] == ["stop", "checkpoint"]
	rotated = list(gateway.folder.glob("audit-*.jsonl"))
	assert len(rotated) > 3, rotated
	for path in rotated:
		first = int(path.stem.partition("-")[2])
		size = len(path.read_text().splitlines())
		last = lines[first + size - 1]
		assert last["event"] == "checkpoint" and last["size"] == size - 1, last
		assert last["signature"], last
		note = path.with_suffix(".checkpoint").read_text().splitlines()
		assert note[:3] == [last["origin"], str(last["size"]), last["root"]], note
		assert note[4] == f"\u2014 {last['origin']} {last['signature']}", note
	assert not any("alert" == line["event"] for line in lines)
