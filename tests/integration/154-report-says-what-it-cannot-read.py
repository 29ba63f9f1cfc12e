"""Goal: `cathgate audit report` doesn't pass in silence over a line that somebody made
unreadable: an instance that was not forwarded would be missing from what is missing."""
import pathlib
import tempfile

from auditlog import Log, run

log = Log()
log.add(outcome="forwarded", sop_instance="1.2.3", study="1.2")
log.add(outcome="failed", reason="destination-lost", sop_instance="1.2.4", study="1.2",
	modality="angio")
log.add("association", outcome="released")

with tempfile.TemporaryDirectory(prefix="report-") as folder:
	path = pathlib.Path(folder, "audit.jsonl")
	log.write(path)
	whole = path.read_bytes()

	def report(content, *arguments):
		path.write_bytes(content)
		return run("report", "--study", "1.2", *arguments, path)

	sound = report(whole)
	assert sound.returncode == 1 and not sound.stderr, sound
	for before, after in ((b'"failed"', b'"failed '), (b'"1.2.4"', b'"1.2.\xff"'),
			      (b'"reason":', b'"reason";')):
		assert whole.count(before) == 1
		changed = report(whole.replace(before, after))
		assert "1 lines can't be read" in changed.stderr, changed
		assert "audit verify" in changed.stderr, changed
	# What the report isn't about stays its reader's concern, and other modalities'.
	assert not report(whole.replace(b'"released"', b'"released ')).stderr
	other = report(whole.replace(b'"failed"', b'"failed '), "--modality", "ct")
	assert not other.stderr.startswith("cathgate: warning"), other
print("ok 154-report-says-what-it-cannot-read")
