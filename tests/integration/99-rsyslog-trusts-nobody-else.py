"""Goal: rsyslog, configured as conf/ has it, gives the messages to no repository with
another's certificate, and none that doesn't trust ours makes it lose any; what the wrong
ones didn't get waits for the right one."""
import signal

from audit_messages import (Repository, Rsyslog, export, line, shipped, without_repeats,
			    written)
from harness import Test, eventually

WRONG = (("pacs-elsewhere", "another name"), ("pacs-stranger", "another CA"),
	 ("pacs-expired", "expired"))


with Test() as t:
	folder = t.work / "messages"
	export(folder, [line(0, "start"), line(1, "stop")])
	right = Repository(t.work / "right", t.pki)
	sender = Rsyslog(t.work / "sender",
			 shipped(t.work / "sender", folder, right.port, t.pki))
	wrong = None
	sender.start()
	try:
		for certificate, why in WRONG:
			wrong = Repository(t.work / certificate, t.pki, certificate, port=right.port)
			wrong.start()
			eventually(lambda: "will be closed due to error" in wrong.log())
			wrong.end()
			assert wrong.received() == [], why
		wrong = Repository(t.work / "distrusts", t.pki, port=right.port, ca="modalities-ca")
		wrong.start()
		tries = len(wrong.log())
		eventually(lambda: len(wrong.log()) > tries + 2000)
		wrong.end()
		right.start()
		right.wait_for(written(folder))
		assert without_repeats(right.received()) == written(folder)
	finally:
		sender.end(signal.SIGKILL)
		right.end()
		if wrong:
			wrong.end()
