#!/usr/bin/env python3
"""Goal: a child that the gateway didn't start, or has replaced, is taken for nobody else: its
death is neither an association's nor a helper's; a helper's own death is told, and mended."""
import os
import pathlib
import signal

from harness import Test, cathgated, child, eventually


with Test() as t:
	# It becomes the gateway's child as the shell that has started it becomes the gateway.
	stranger, started = t.work / "stranger", t.work / "started"
	stranger.write_text(f"#!/bin/sh\nsleep 1000 &\necho $! >{started}\n"
			    f"exec {cathgated()} \"$@\"\n")
	stranger.chmod(0o755)
	os.environ["CATHGATED"] = str(stranger)
	gateway = t.gateway(t.pacs(), {"destinations.0.host": "localhost"})
	pid = int(started.read_text())
	os.kill(pid, signal.SIGBUS)
	eventually(lambda: not pathlib.Path(f"/proc/{pid}").exists())

	resolver = gateway.helper("resolver")
	gateway.reload({"destinations.0.host": "ip6-localhost"})
	other = eventually(lambda: (new := child(gateway.pid, "resolver")) != resolver and new)
	assert "ended" not in gateway.log() and "died" not in gateway.log(), gateway.log()
	os.kill(other, signal.SIGKILL)
	gateway.wait_log("the resolver ended: starting another")
	eventually(lambda: child(gateway.pid, "resolver") not in (None, other))
