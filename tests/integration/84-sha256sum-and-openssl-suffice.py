"""Goal: the commands of docs/AUDIT.md, with which an auditor verifies a log without any
program of ours, do what it says, on a log that holds and on one that doesn't."""
import pathlib
import re
import subprocess

from auditlog import Key, Log, enter_folder, run

page = pathlib.Path(__file__).resolve().parents[2] / "docs/AUDIT.md"
blocks = re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.M | re.S)
hash_of_line, chain, signature, name, root = blocks[:5]
enter_folder("by-hand")
key = Key("audit.key")
log = Log(key).add("start", detail='a "quoted" \\ back\tslash, "hash":1 and \u00e9').fill(9)
log.checkpoint().fill(12).checkpoint().fill(3)


def shell(commands, status=0):
	result = subprocess.run(["sh", "-c", commands], text=True, stdout=subprocess.PIPE,
		stderr=subprocess.STDOUT)
	assert (result.returncode == 0) == (status == 0), result.stdout
	return result.stdout.split("\n")


log.write("audit.jsonl")
made, stands = (text.split()[0] for text in shell(hash_of_line)[:2])
assert made == stands == log.lines[1][-66:-2], (made, stands)
assert shell(chain) == [log.prev, ""]
assert "Success" in "".join(shell(signature))
assert shell(name)[0].split()[0] == key.name
own, noted = shell(root)[:2]
assert own == noted == log.note.split("\n")[2], (own, noted)
# And the tool agrees.
assert run("verify", "--key", "audit.key.pub", "audit.jsonl").returncode == 0

edited = log.lines[1] = log.lines[1].replace("1.2.3.1", "1.2.3.9")
log.write("audit.jsonl")
made, stands = (text.split()[0] for text in shell(hash_of_line)[:2])
assert made != stands
assert shell(chain)[0] == f"does not hold: {edited}"
pathlib.Path("audit.checkpoint").write_text(log.note.replace("\n23\n", "\n22\n"))
shell(signature, status=1)
own, noted = shell(root)[:2]
assert own != noted
print("sha256sum and openssl suffice")
