"""Goal: the supervisor is killed: its children don't outlive it, and the next start goes on
with the same log, without a gap, beside a line torn by the crash."""
import json

from harness import Test, children, eventually, is_alive
from objects import make

TORN = '{"seq":4711,"time":"2026-01'

with Test() as t:
	gateway = t.gateway(t.pacs())
	held = [t.associate(gateway) for _ in range(3)]
	assert held[0].store(make("explicit")).status == 0
	family = children(gateway.pid)
	assert len(family) >= 4
	gateway.process.kill()
	gateway.process.wait()
	eventually(lambda: not [pid for pid in family if is_alive(pid)])

	before = gateway.audit_file.read_text()
	gateway.audit_file.write_text(before + TORN)
	gateway.start()
	assert t.associate(gateway).store(make("explicit")).status == 0
	after = gateway.audit_file.read_text()
	assert after.startswith(before) and TORN not in after
	numbers = [json.loads(line)["seq"] for line in after.splitlines()]
	assert numbers == list(range(len(numbers))), numbers
	torn, = gateway.folder.glob("*torn*")
	assert torn.read_text() == TORN, "evidence is kept"
	assert gateway.stop() == 0
	gateway.start()
	eventually(lambda: gateway.audit()[-2]["event"] == "start")
	assert held
