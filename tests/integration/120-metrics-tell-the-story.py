#!/usr/bin/env python3
"""Goal: the metrics hold what was done and refused, are replaced as a whole, pass promtool,
and say at the end that the gateway is down."""
import os

import metrics
from harness import Test, eventually
from objects import make

with Test() as t:
	pacs = t.pacs()
	folder = t.work / "textfile"
	folder.mkdir()
	file = folder / "cathgate.prom"
	gateway = t.gateway(pacs, {"metrics": {"textfile": str(file)}})
	eventually(file.exists)
	inode = file.stat().st_ino
	first = metrics.parse(file.read_text())
	assert metrics.value(first, "cathgate_up") == 1
	assert metrics.value(first, "cathgate_instances_total", outcome="forwarded",
			     modality="angio") == 0

	modality = t.associate(gateway)
	for _ in range(3):
		assert modality.store(make("explicit")).status == 0
	assert t.is_refused(gateway, certificate="modality-stranger"), "a stranger got in"
	gateway.wait_audit(event="association", outcome="refused")

	def written():
		samples = metrics.parse(file.read_text())
		stored = metrics.value(samples, "cathgate_instances_total",
				       outcome="forwarded", modality="angio")
		return samples if stored == 3 else None
	samples = eventually(written)
	assert file.stat().st_ino != inode, "written in place: a reader may see half of it"
	assert os.listdir(folder) == [file.name], "something else was left"
	assert file.stat().st_mode & 0o777 == 0o644
	value = lambda name, **labels: metrics.value(samples, name, **labels)
	lines = gateway.audit(event="instance")
	assert value("cathgate_received_bytes_total", modality="angio") == sum(
		line["bytes"] for line in lines)
	assert value("cathgate_associations_open", modality="angio") == 1
	assert value("cathgate_associations_total", outcome="accepted",
		     modality="angio") == 1
	assert value("cathgate_destination_response_seconds_count", destination="pacs") == 3
	assert value("cathgate_first_byte_seconds_count") == 3
	assert value("cathgate_handshakes_total", outcome="done") == 1
	refused = gateway.audit(event="association", outcome="refused")[0]["reason"]
	assert value("cathgate_handshakes_total", outcome=refused) == 1
	assert value("cathgate_refusals_total", of="association", reason=refused) == 1
	assert value("cathgate_handshake_seconds_count") == 1
	assert value("cathgate_audit_sync_seconds_count") >= 4
	assert value("cathgate_audit_ready") == 1
	assert value("cathgate_audit_sequence") >= lines[-1]["seq"]
	ends = {dict(pairs)["owner"]: at for (name, pairs), at in samples.items()
		if name == "cathgate_expiry_timestamp_seconds"}
	assert set(ends) == {"gateway", "modality", "destination"}, ends
	kinds = {dict(pairs)["of"] for name, pairs in samples
		 if name == "cathgate_expiry_timestamp_seconds"}
	assert kinds == {"certificate", "crl"}, kinds
	assert all(at > 1e9 for at in ends.values())

	verdict = metrics.promtool("check", "metrics", text=file.read_text())
	assert verdict is None or verdict == (0, ""), verdict

	modality.release()
	assert gateway.stop() == 0
	last = metrics.parse(file.read_text())
	assert metrics.value(last, "cathgate_up") == 0
	assert metrics.value(last, "cathgate_associations_open", modality="angio") == 0
	assert metrics.value(last, "cathgate_audit_sequence") == gateway.audit()[-1]["seq"]
	assert metrics.value(last, "cathgate_associations_total", outcome="released",
			     modality="angio") == 1
