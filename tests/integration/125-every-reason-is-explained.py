"""Goal: `cathgate diagnose REASON` has a cause and a cure for each reason code there is, the
very ones of the operator's page, and says what it can do when asked for something else."""
import json
import pathlib
import re
import subprocess

from harness import ROOT, Test, cathgate, tool

WORDS = re.findall(r'^REASON\(\w+, "([\w-]+)"',
		   (ROOT / "include/cathgate/base/reasons.def").read_text(), re.M)


def squeezed(text):
	return " ".join(text.split())


with Test() as t:
	page = pathlib.Path(ROOT / "docs/OPERATOR.md").read_text()
	assert len(WORDS) > 40 and len(set(WORDS)) == len(WORDS)
	for word in WORDS:
		told = json.loads(tool("diagnose", word, "--json"))
		assert told["reason"] == word and told["cause"] and told["cure"], told
		assert f"| `{word}` | {told['cause']} | {told['cure']} |" in page, word
		text = squeezed(tool("diagnose", word).decode())
		assert squeezed(told["cause"]) in text and squeezed(told["cure"]) in text, text

	for wrong, says in ((["ae"], "did you mean ae-unknown"), (["tls-untrusted", "idle"], "one"),
			    (["--nonsense"], "usage"), (["--days", "0"], "1 to"),
			    (["--destination", "x", "--modality", "y"], "one thing"),
			    (["--calling-ae", "SEVENTEEN LETTERS!"], "1 to 16"),
			    (["--calling-ae", "X"], "--destination"),
			    (["--config", t.work / "none"], "can't be read")):
		done = subprocess.run([cathgate(), "diagnose", *map(str, wrong)],
				      capture_output=True, text=True, stdin=subprocess.DEVNULL)
		assert done.returncode == 2 and says in done.stderr, (wrong, done)
