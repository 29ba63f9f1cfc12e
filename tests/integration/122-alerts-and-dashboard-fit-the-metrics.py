#!/usr/bin/env python3
"""Goal: what conf/ has for Prometheus and Grafana asks for metrics and labels that a gateway
gives, and for no others; promtool takes the rules; the guide for admins has each alert."""
import json
import re

import metrics
import spool
from harness import ROOT, Test, eventually
from objects import make

RULES = ROOT / "conf/prometheus-alerts.yml"
GUIDE = ROOT / "docs/ADMIN.md"
DASHBOARD = ROOT / "conf/grafana-dashboard.json"
ADDED = {"instance", "le", "job"}	# by whoever collects


def check_expression(expression, names, labels):
	"""Its metrics exist, and so does each label that it selects by."""
	asked = re.findall(r"(cathgate_\w+)(?:\{([^}]*)\})?", expression)
	assert asked, f"no metric of ours in {expression}"
	for name, selectors in asked:
		assert name in names, f"{name} is no metric: {expression}"
		for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selectors):
			assert label in ADDED | labels[name], f"{name} has no {label}"
	for group in re.findall(r"by \(([^)]*)\)", expression):
		known = set().union(*(labels[name] for name, _ in asked)) | ADDED
		assert {part.strip() for part in group.split(",")} <= known, expression


def check_legend(panel, target, labels):
	"""What it calls a series by is a label that the series has."""
	name = re.search(r"cathgate_\w+", target["expr"])[0]
	kept = re.findall(r"by \(([^)]*)\)", target["expr"])
	has = {part.strip() for part in kept[0].split(",")} if kept else labels[name] | ADDED
	for label in re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")):
		assert label in has, f"{panel['title']}: no series has {label}"
	if "_info" in name:	# its value is 1 for ever; what it says is a label
		assert panel["options"]["textMode"] == "name", panel["title"]
		assert "{{version}}" in target["legendFormat"], panel["title"]
	if re.search(r"_(up|ready)\b", name):
		texts = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
		assert set(texts) == {"0", "1"}, f"{panel['title']} shows a bare number"
	return has


def check_table(panel, has):
	"""One table, whose columns have names for people. Two queries make two tables, of which
	Grafana would show one, unless they are merged."""
	steps = {step["id"]: step["options"] for step in panel["transformations"]}
	values = ([f"Value #{target['refId']}" for target in panel["targets"]]
		  if len(panel["targets"]) > 1 else ["Value"])
	assert ("merge" in steps) == (len(values) > 1), panel["title"]
	named = set(steps["organize"]["renameByName"])
	assert named == set(values) | (has - {"job"}), (panel["title"], named, has)
	assert steps["organize"]["excludeByName"]["job"], panel["title"]
	for override in panel["fieldConfig"]["overrides"]:
		assert (override["matcher"]["options"]
			in steps["organize"]["renameByName"].values()), panel["title"]


def check_dashboard(names, labels):
	board = json.loads(DASHBOARD.read_text())
	variables = {v["name"]: v for v in board["templating"]["list"]}
	assert variables["datasource"]["type"] == "datasource"
	assert variables["datasource"]["query"] == "prometheus"
	assert board["title"] and board["uid"] and board["schemaVersion"] >= 30
	ids, places = set(), set()
	for panel in board["panels"]:
		assert panel["title"] and panel["type"] in ("stat", "timeseries", "table")
		ids.add(panel["id"])
		place = panel["gridPos"]
		assert place["x"] + place["w"] <= 24, panel["title"]
		cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
			 for y in range(place["y"], place["y"] + place["h"])}
		assert not cells & places, f"{panel['title']} lies on another"
		places |= cells
		assert panel["targets"], panel["title"]
		for target in panel["targets"]:
			assert target["datasource"]["uid"] == "${datasource}", panel["title"]
			check_expression(target["expr"], names, labels)
			has = check_legend(panel, target, labels)
			for used in re.findall(r"\$(?!__)(\w+)", target["expr"]):
				assert used in variables, used
		if panel["type"] == "table":
			check_table(panel, has - {"le"})
	assert len(ids) == len(board["panels"]) >= 15


with Test() as t:
	pacs = t.pacs()
	file = t.work / "cathgate.prom"
	gateway = t.gateway(pacs, {"metrics": {"textfile": str(file)}, **spool.changes(t, "off")})
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	modality.release()
	gateway.wait_audit(event="association", outcome="released")
	# The spooler tells its figures when it has read its folder.
	eventually(lambda: file.exists() and "cathgate_spool_free_bytes " in file.read_text())
	assert gateway.stop() == 0
	text = file.read_text()
	names, labels = set(), {}
	for name, pairs in metrics.parse(text):
		names.add(name)
		labels.setdefault(name, set()).update(key for key, _ in pairs)

	check_dashboard(names, labels)
	rules = RULES.read_text()
	alerts = re.findall(r"- alert: (\w+)\n\s+expr: (>-\n(?:\s{10}.*\n)+|.*\n)", rules)
	assert len(alerts) == rules.count("- alert:") >= 10, alerts
	for alert, expression in alerts:
		check_expression(expression, names, labels)
		assert f"| `{alert}` |" in GUIDE.read_text(), f"{alert} isn't in the guide"
	for page in re.findall(r"docs/\w+\.md", rules):
		assert (ROOT / page).exists(), f"there is no {page}"
	# Each metric is of use to somebody.
	used = rules + DASHBOARD.read_text()
	for family in re.findall(r"# TYPE (\w+)", text):
		assert family in used, f"{family}: nobody looks at it"
	verdict = metrics.promtool("check", "rules", str(RULES))
	assert verdict is None or verdict[0] == 0, verdict
