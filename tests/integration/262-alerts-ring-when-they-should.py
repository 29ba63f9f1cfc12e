#!/usr/bin/env python3
"""Goal: each alert rule of conf/ rings for what it is for, and for nothing else: a technician's
three tries ring, a scanner doesn't; one of two gateways that vanishes is missed; so are instances
that failed, and a modality that fell silent. promtool judges, minute by minute."""
import json
import re

import metrics
from harness import ROOT, Skip, Test

RULES = ROOT / "conf/prometheus-alerts.yml"
DAY = 86400
A = 'instance="a:9100",job="node"'
B = 'instance="b:9100",job="node"'
UP = {f"cathgate_up{{{A}}}": "1x60"}


def refusals(reason, values):
	return {f'cathgate_refusals_total{{{A},of="association",reason="{reason}"}}': values}


def expires(days, of="certificate"):
	return {f'cathgate_expiry_timestamp_seconds{{{A},name="x",of="{of}",owner="modality"}}':
		f"{int(days * DAY)}x60"}


def failures(values):
	return {f'cathgate_destination_failures_total{{{A},destination="pacs",'
		f'reason="destination-lost"}}': values}


def instances(outcome, values):
	return {f'cathgate_instances_total{{{A},modality="angio",outcome="{outcome}"}}': values}


def deliveries(outcome, values):
	return {f'cathgate_deliveries_total{{{A},destination="pacs",outcome="{outcome}"}}': values}


def spooled(oldest, delivered="0x60"):
	of = f'{A},destination="pacs"'
	return {f"cathgate_spool_oldest_seconds{{{of}}}": oldest,
		f"cathgate_spool_last_delivery_timestamp_seconds{{{of}}}": delivered}


def objects(state, values):
	return {f'cathgate_spool_objects{{{A},destination="pacs",state="{state}"}}': values}


def filled(share):
	return {f"cathgate_spool_used_bytes{{{A}}}": f"{share}x60", f"cathgate_spool_max_bytes{{{A}}}": "100x60"}


def checkpoint(at, sequence):
	return {**UP, f"cathgate_audit_sequence{{{A}}}": sequence,
		f"cathgate_audit_last_checkpoint_timestamp_seconds{{{A}}}": at}


def last_instance(values):
	return {f'cathgate_modality_last_instance_timestamp_seconds{{{A},modality="angio"}}': values}


KNOWN = f'cathgate_modality_refusals_total{{{A},modality="angio"}}'
# Alert; minutes until it is looked at; the series, one value a minute in
# promtool's notation (an hour for CathgateModalitySilent); the labels by which it rings (None: it doesn't).
CASES = (
	("CathgateDown", 10, {f"cathgate_up{{{A}}}": "1 0x20"}, {"instance": "a:9100"}),
	("CathgateDown", 10, {f"cathgate_up{{{A}}}": "1x20", f"cathgate_written_timestamp_seconds{{{A}}}":
			      "0+60x20"}, None),
	("CathgateDown", 10, {f"cathgate_up{{{A}}}": "1x20", f"cathgate_written_timestamp_seconds{{{A}}}":
			      "0x20"}, {"instance": "a:9100"}),
	("CathgateMetricsMissing", 60, {f"cathgate_up{{{A}}}": "1x60",
					f"cathgate_up{{{B}}}": "1x10 _x50"}, {"instance": "b:9100"}),
	("CathgateMetricsMissing", 60, {f"cathgate_up{{{A}}}": "1x60", f"cathgate_up{{{B}}}": "0x60"},
	 None),
	("CathgateMetricsMissing", 60, {"node_load1": "1x60"}, {}),
	("CathgateNotReady", 10, {**UP, f"cathgate_ready{{{A}}}": "0x20"}, {"instance": "a:9100"}),
	("CathgateNotReady", 10, {**UP, f"cathgate_ready{{{A}}}": "0 1x20"}, None),
	("CathgateAuditTrouble", 5, {**UP, f"cathgate_audit_ready{{{A}}}": "0x20"},
	 {"instance": "a:9100"}),
	("CathgateAuditTrouble", 10, {**UP, f"cathgate_audit_ready{{{A}}}": "1x20",
				      f'cathgate_alerts_total{{{A},reason="audit-unavailable"}}':
				      "0x5 1x20"}, {"instance": "a:9100"}),
	("CathgateAuditTrouble", 10, {**UP, f"cathgate_audit_ready{{{A}}}": "1x20",
				      f'cathgate_alerts_total{{{A},reason="tls-expired"}}': "0x5 1x20"},
	 None),
	("CathgateAuditShortOfRoom", 5, {**UP, f"cathgate_audit_short_of_room{{{A}}}": "1x20"},
	 {"instance": "a:9100"}),
	("CathgateAuditShortOfRoom", 5, {**UP, f"cathgate_audit_short_of_room{{{A}}}": "0x20"}, None),
	("CathgateCheckpointOverdue", 50, checkpoint("0x60", "0+10x60"), {"instance": "a:9100"}),
	("CathgateCheckpointOverdue", 50, checkpoint("0x60", "10x60"), None),
	("CathgateCheckpointOverdue", 50, checkpoint("0+60x60", "0+10x60"), None),
	("CathgateCertificateEnds", 5, expires(13.9), {"name": "x"}),
	("CathgateCertificateEnds", 5, expires(14.1), None),
	("CathgateCertificateEnds", 5, expires(1, "crl"), None),
	("CathgateCertificateEnded", 5, expires(-1), {"name": "x"}),
	("CathgateCertificateEnded", 5, expires(1), None),
	("CathgateCrlEnds", 5, expires(2.9, "crl"), {"name": "x"}),
	("CathgateCrlEnds", 5, expires(3.1, "crl"), None),
	# Three tries of a technician; two are a slip; slowly, they are none.
	("CathgateModalityRefused", 12, {KNOWN: "0x5 1 2 3x20"}, {"modality": "angio"}),
	("CathgateModalityRefused", 12, {KNOWN: "0x5 1 2x20"}, None),
	("CathgateModalityRefused", 60, {KNOWN: "0x9 1x9 2x9 3x9 4x9 5x9"}, None),
	("CathgateRefusals", 12, refusals("ae-unknown", "0x5 1 2 3x20"), {"reason": "ae-unknown"}),
	("CathgateRefusals", 12, refusals("tls-expired", "0x5 3x20"), {"reason": "tls-expired"}),
	("CathgateRefusals", 12, refusals("ae-unknown", "0x5 1 2x20"), None),
	("CathgateRefusals", 12, refusals("tls-untrusted", "0x5 5x20"), None),
	("CathgateRefusals", 12, refusals("tls-untrusted", "0x5 6x20"), {"reason": "tls-untrusted"}),
	# Scanners, which show nothing; and what other alerts are for.
	*(("CathgateRefusals", 12, refusals(reason, "0x5 500x20"), None) for reason in (
		"not-tls", "handshake-timeout", "tls-no-certificate", "tls-version", "tls-no-common",
		"destination-unreachable", "gateway-stopping", "audit-unavailable")),
	("CathgateInstancesNotStored", 12, instances("failed", "0x5 1x20"), {"outcome": "failed"}),
	("CathgateInstancesNotStored", 12, instances("unconfirmed", "0x5 1x20"),
	 {"outcome": "unconfirmed", "modality": "angio"}),
	("CathgateInstancesNotStored", 12, instances("forwarded", "0+9x20"), None),
	("CathgateInstancesNotStored", 40, instances("failed", "0x5 1x40"), None),
	*(("CathgateNotDelivered", 12, deliveries(outcome, "0x5 1x20"),
	   {"destination": "pacs", "outcome": outcome}) for outcome in ("dead", "given-up")),
	# Tried again, or decided by somebody who knows.
	*(("CathgateNotDelivered", 12, deliveries(outcome, "0x5 9x20"), None)
	  for outcome in ("failed", "unconfirmed", "dropped", "forwarded")),
	("CathgateSpoolWaits", 5, spooled("14500x20"), {"destination": "pacs"}),
	("CathgateSpoolWaits", 5, spooled("14300x20"), None),
	# Nothing gets through; it empties slowly; nothing waits.
	("CathgateSpoolStuck", 90, spooled("0+60x120", "0x120"), {"destination": "pacs"}),
	("CathgateSpoolStuck", 90, spooled("0+60x120", "0+60x120"), None),
	("CathgateSpoolStuck", 90, spooled("0x120", "0x120"), None),
	("CathgateSpoolDead", 5, objects("dead", "1x20"), {"destination": "pacs"}),
	("CathgateSpoolDead", 5, objects("dead", "0x20"), None),
	("CathgateSpoolDead", 5, objects("held", "1x20"), None),
	("CathgateSpoolHeld", 1500, objects("held", "1x1600"), {"destination": "pacs"}),
	("CathgateSpoolHeld", 1400, objects("held", "1x1600"), None),
	("CathgateSpoolFull", 5, {f"cathgate_spool_full{{{A}}}": "1x20"}, {"instance": "a:9100"}),
	("CathgateSpoolFull", 5, {f"cathgate_spool_full{{{A}}}": "0x20"}, None),
	("CathgateSpoolFills", 30, filled(81), {"instance": "a:9100"}),
	("CathgateSpoolFills", 30, filled(79), None),
	("CathgateSpoolAway", 10, {**UP, f"cathgate_spool_ready{{{A}}}": "0x20"}, {"instance": "a:9100"}),
	("CathgateSpoolAway", 10, {**UP, f"cathgate_spool_ready{{{A}}}": "0 1x20"}, None),
	("CathgateModalitySilent", 7 * 1440, last_instance("60x168"), {"modality": "angio"}),
	# A restart, after which the gateway doesn't know it any more.
	("CathgateModalitySilent", 7 * 1440, last_instance("60x24 0x144"), {"modality": "angio"}),
	("CathgateModalitySilent", 5700, last_instance("60x100"), None),
	("CathgateModalitySilent", 7 * 1440, last_instance("0x168"), None),	# never yet
	("CathgateModalitySilent", 7 * 1440, last_instance("60x24 _x144"), None),	# removed
	("CathgateDestinationFails", 12, failures("0x5 1 2 3x20"), {"destination": "pacs"}),
	("CathgateDestinationFails", 12, failures("0x5 1 2x20"), None),
	("CathgateAlertCommandFails", 12, {f'cathgate_alert_commands_total{{{A},outcome="dropped"}}':
					   "0x5 1x20"}, {"instance": "a:9100"}),
	# A run that failed was tried again, and somebody heard.
	("CathgateAlertCommandFails", 12, {f'cathgate_alert_commands_total{{{A},outcome="failed"}}':
					   "0x5 1x20"}, None),
	("CathgateReloadRefused", 5, {f"cathgate_last_reload_successful{{{A}}}": "0x20"},
	 {"instance": "a:9100"}),
	("CathgateReloadRefused", 5, {f"cathgate_last_reload_successful{{{A}}}": "1x20"}, None),
)


SLOW = "CathgateModalitySilent"


def case(alert, minutes, series, labels):
	"""How many ring, by ALERTS, which Prometheus makes itself."""
	selector = "".join(f',{name}="{value}"' for name, value in (labels or {}).items())
	ringing = f'ALERTS{{alertname="{alert}",alertstate="firing"{selector}}}'
	return {"interval": "1h" if alert == SLOW else "1m",
		"input_series": [{"series": name, "values": values}
				 for name, values in series.items()],
		"promql_expr_test": [{
			"expr": f"count({ringing})", "eval_time": f"{minutes}m",
			"exp_samples": [] if labels is None else [{"labels": "{}", "value": 1}]}]}


def judged(cases, interval):
	file = t.work / "cases.yml"
	file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": interval,
				    "tests": [case(*it) for it in cases]}))
	verdict = metrics.promtool("test", "rules", str(file))
	if verdict is None:
		raise Skip("there is no promtool")
	return verdict[0] == 0, verdict[1]


with Test() as t:
	rules = RULES.read_text()
	alerts = set(re.findall(r"- alert: (\w+)", rules))
	assert alerts == {name for name, *_ in CASES}
	for name in alerts:
		rings = {labels is not None for alert, _, _, labels in CASES if alert == name}
		assert rings == {True, False}, f"{name} is tried for one half only"
	for interval, cases in (("1h", [it for it in CASES if it[0] == SLOW]),
				("1m", [it for it in CASES if it[0] != SLOW])):
		if not judged(cases, interval)[0]:
			raise AssertionError([(it, judged([it], interval)[1]) for it in cases
					      if not judged([it], interval)[0]])
