"""Goal: of refusals that repeat the first are recorded each, the rest counted exactly, in
audit and log; a refusal of a new kind in their midst has a line of its own."""
import re

from dicom import speak_plain
from harness import Test

EACH, FLOOD = 10, 60


def summed(lines):
	return sum(int(match[1]) for line in lines
		   if (match := re.match(r"(\d+) more from ", line["detail"])))


with Test() as t:
	gateway = t.gateway(t.pacs())
	for _ in range(FLOOD):
		speak_plain(gateway.port, "127.0.0.1")
	speak_plain(gateway.port, "127.0.0.9")
	assert t.is_refused(gateway, "modality-stranger")
	gateway.wait_audit(reason="tls-untrusted")
	assert gateway.stop() == 0

	lines = gateway.audit(outcome="refused", reason="not-tls")
	flood = [line for line in lines if line["peer"].startswith("127.0.0.1:")]
	assert len(flood) == EACH + 1, flood
	assert summed(flood) == FLOOD - EACH, flood[-1]
	assert " from 127.0.0.1: " in flood[-1]["detail"], flood[-1]
	assert len(lines) == len(flood) + 1, "the other address has its own line"
	assert gateway.log().count("refused: not-tls") == len(lines)
	assert gateway.audit()[-2]["event"] == "stop", "nothing was counted after it"
