"""Goal: `audit verify`, `report` and `export` show on a terminal how far they are with a large
log, take that away again, and show nothing elsewhere."""

from auditlog import CATHGATE, Key, Log, enter_folder, run
from terminal import on_a_terminal

enter_folder("progress")
key = Key("audit.key")
log = Log(key)
for number in range(700):	# of 48 KiB each: more than a bar is shown from
	log.add(outcome="forwarded", study="1.2", sop_instance=f"1.2.{number}", detail="x" * 49152)
log.checkpoint().write("audit.jsonl")
small = Log(key).fill(3).checkpoint()
small.write("small.jsonl")
for command in (("verify", "--key", "audit.key.pub"), ("report",),
		("export", "--study", "1.2.3", "--key", "audit.key.pub")):
	status = 1 if command[0] == "export" else 0	# it has no such study
	shown = on_a_terminal([CATHGATE, "audit", *command, "audit.jsonl"], stderr=True, status=status)
	assert "] 100 %" in shown and "]  50 %" in shown, (command, shown[-200:])
	assert shown.split("100 %")[1].startswith("\r" + " " * 48 + "\r"), shown[-200:]
	assert "%" not in run(*command, "audit.jsonl").stderr, "no terminal"
	assert "%" not in on_a_terminal([CATHGATE, "audit", *command, "small.jsonl"], stderr=True,
		status=status), "nobody waits"
assert on_a_terminal([CATHGATE, "audit", "verify", "--quiet", "audit.jsonl"], stderr=True) == ""
print("long readings show their progress")
