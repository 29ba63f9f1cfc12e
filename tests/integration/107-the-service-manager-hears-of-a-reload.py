"""Goal: systemctl reload knows when it is over: RELOADING=1 with the time, then READY=1, also
when the reload is refused (sd_notify(3), Type=notify-reload)."""
import signal
import time

from harness import Test
from wait import PATIENCE, notify_socket

with Test() as t:
	gateway = t.gateway(t.pacs())
	notify = notify_socket(str(gateway.folder / "notify"))
	notify.settimeout(PATIENCE)
	for changes in ({}, {"limits.idle_seconds": -1}):
		gateway.reconfigure(changes)
		before = time.monotonic_ns() // 1000
		gateway.signal(signal.SIGHUP)
		said = []
		while not said or "READY=1" not in said[-1]:
			said.append(notify.recv(4096).decode().split("\n"))
		said = [words for words in said if "READY=1" in words or "RELOADING=1" in words]
		assert "RELOADING=1" in said[0] and len(said) == 2, said
		when, = [int(word.removeprefix("MONOTONIC_USEC=")) for word in said[0]
			 if word.startswith("MONOTONIC_USEC=")]
		assert before <= when <= time.monotonic_ns() // 1000
	gateway.wait_audit(event="reload", outcome="refused")
