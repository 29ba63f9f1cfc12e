"""Goal: told to stop, associations with no instance in hand end at once, both legs, and the
log ends with a stop."""
import signal

from dicom import PATIENCE, Aborted, Closed
from harness import Test, children, is_alive
from objects import make

with Test() as t:
	gateway = t.gateway(t.pacs(), {"limits.grace_seconds": 600})
	idle = [t.associate(gateway) for _ in range(5)]
	assert idle[0].store(make("explicit")).status == 0
	unauthenticated = t.connect(gateway)
	family = children(gateway.pid)

	gateway.signal(signal.SIGTERM)
	assert gateway.process.wait(PATIENCE) == 0
	for modality in idle:
		try:
			modality.read_pdu()
		except (Aborted, Closed):
			pass
	assert not [pid for pid in family if is_alive(pid)], "nobody is left"
	assert len(gateway.audit(event="association", reason="gateway-stopping")) >= 5
	assert gateway.audit()[0]["event"] == "start"
	assert [line["event"] for line in gateway.audit()[-2:]] == ["stop", "checkpoint"]
	assert unauthenticated
