"""Goal: a real Prometheus that collects a gateway's metrics answers each query of the Grafana
dashboard with what has just happened there, also the first time that it happens, and with
each label that the panel calls a series by."""
import http.server
import json
import re
import shutil
import subprocess
import threading
import urllib.parse
import urllib.request

import spool
from dicom import RELEASE_RP, release_pdu
from harness import ROOT, Skip, Test, eventually
from objects import make
from wait import on_a_free_port

DASHBOARD = json.loads((ROOT / "conf/grafana-dashboard.json").read_text())
QUIET = {	# the panel: the query that has nothing to show here
	"Associations ended, reloads, alerts": ["cathgate_alerts_total"],
	"Spool: since the last delivery": ["cathgate_spool_last_delivery_timestamp_seconds"],
}


def serve(file):
	"""As node_exporter does with its textfile collector."""
	class Collected(http.server.BaseHTTPRequestHandler):
		def do_GET(self):
			content = file.read_bytes()
			self.send_response(200)
			self.send_header("Content-Type", "text/plain; version=0.0.4")
			self.end_headers()
			self.wfile.write(content)

		def log_message(self, *_):
			pass
	server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collected)
	threading.Thread(target=server.serve_forever, daemon=True).start()
	return server.server_address[1]


class Prometheus:
	def __init__(self, t, collected_port):
		program = shutil.which("prometheus")
		if not program:
			raise Skip("there is no prometheus")
		settings = t.work / "prometheus.yml"
		settings.write_text(
			"global: { scrape_interval: 1s }\nscrape_configs:\n- job_name: cathgate\n"
			f"  static_configs: [ {{ targets: [ '127.0.0.1:{collected_port}' ] }} ]\n")
		with open(t.work / "prometheus.log", "wb") as log:
			self.process, self.port = on_a_free_port(lambda port: subprocess.Popen(
				[program, f"--config.file={settings}",
				 f"--storage.tsdb.path={t.work}/tsdb",
				 f"--web.listen-address=127.0.0.1:{port}"],
				stdout=log, stderr=log))

	def ask(self, expression):
		"""The labels of each series that the answer has."""
		query = urllib.parse.urlencode({"query": expression})
		try:
			with urllib.request.urlopen(
					f"http://127.0.0.1:{self.port}/api/v1/query?{query}") as answer:
				said = json.load(answer)
		except OSError:		# not ready yet
			return []
		assert said["status"] == "success", said
		return [series["metric"] for series in said["data"]["result"]]

	def stop(self):
		self.process.terminate()
		self.process.wait()


def pacs_of_three_minds():
	"""Takes the first object, refuses the second and never answers the third."""
	minds = iter(["take", "refuse", "vanish"])

	def script(association):
		association.accept()
		while (message := association.receive()) is not None:
			mind = next(minds, "take")
			if mind == "vanish":
				return association.close()
			association.respond(message, status=0xA700 if mind == "refuse" else 0)
		association.send(release_pdu(RELEASE_RP))
	return script


def happen(t, gateway):
	modality = t.associate(gateway)
	for _ in range(3):
		modality.store(make("explicit"))
	modality.release()
	for _ in range(3):
		assert t.is_refused(gateway, certificate="modality-expired")
	gateway.wait_audit(event="instance", outcome="unconfirmed")
	gateway.reload({**gateway.changes, "limits.idle_seconds": "x"}, outcome="refused")


def asked(target):
	return (target["expr"].replace("$instance", ".*").replace("$__rate_interval", "5m"))


def check_panel(prometheus, panel):
	for target in panel["targets"]:
		if any(name in target["expr"] for name in QUIET.get(panel["title"], [])):
			continue
		try:
			found = eventually(lambda target=target: prometheus.ask(asked(target)))
		except AssertionError:
			raise AssertionError(f"{panel['title']} shows nothing: {asked(target)}")
		for label in re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")):
			assert all(series.get(label) for series in found), (panel["title"], label, found)


with Test() as t:
	pacs = t.pacs(pacs_of_three_minds())
	file = t.work / "cathgate.prom"
	changes = {"metrics.textfile": str(file), **spool.changes(t, "off")}
	gateway = t.gateway(pacs, changes)
	gateway.changes = changes
	eventually(file.exists)
	prometheus = Prometheus(t, serve(file))
	try:
		eventually(lambda: prometheus.ask("cathgate_up"))
		happen(t, gateway)
		for panel in DASHBOARD["panels"]:
			check_panel(prometheus, panel)
	except AssertionError:
		print((t.work / "prometheus.log").read_text()[-2000:])
		raise
	finally:
		prometheus.stop()
