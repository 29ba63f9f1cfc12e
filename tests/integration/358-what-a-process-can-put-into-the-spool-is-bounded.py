"""Goal: an association's process that has been taken over writes more into its file than the
object it tells of: the spooler doesn't take that, closes its channel and says so. No file of
its can be larger than limits.max_object_bytes allows. A disk without inodes is a full spool; of one
that can't be written the log says what to do."""
import os
import subprocess

import small_disk
import spool
import steps
from harness import Skip, Test, eventually
from objects import make

small_disk.in_namespace()
with Test() as t:
	if not steps.can_trace() or os.geteuid() != 0 or os.environ.get("CATHGATE_SANITIZE"):
		raise Skip("only root may look into another process")
	gateway = t.gateway(1, {**spool.changes(t), "limits.max_object_bytes": 1 << 31})
	gateway.is_attacked = True
	modality, obj = t.associate(gateway), make("explicit", size=300000)
	modality.store_command(obj)
	modality.send_data(1, obj.data[:200000], last=False)
	process, = gateway.associations()

	def file():
		for number in os.listdir(f"/proc/{process}/fd"):
			path = f"/proc/{process}/fd/{number}"
			if os.readlink(path).startswith(str(t.work / "spool")):
				return path

	path = eventually(file)
	with steps.stopped(process, "ftruncate", t.work / "calls") as found:
		modality.send_data(1, obj.data[200000:])
		eventually(found)	# it has cut the file to its object's size
		os.truncate(path, 1 << 22)
	assert modality.receive().status == 0xA700
	eventually(lambda: "broke the spooler's rules" in gateway.log())
	assert not spool.names(t)

	limits = open(f"/proc/{process}/limits").read()
	most, = (int(line.split()[3]) for line in limits.splitlines() if line.startswith("Max file size"))
	assert 1 << 31 < most < (1 << 31) + (1 << 22), limits
	modality.close()
	gateway.stop()

	disk = small_disk.mount("6m,nr_inodes=120")
	settings = spool.changes(t)
	settings["spool"]["directory"] = str(disk / "spool")
	gateway = t.gateway(1, settings)
	modality = t.associate(gateway)
	assert modality.store(make("explicit", size=100)).status == 0
	for number in range(20):
		(disk / str(number)).touch()
	assert modality.store(make("explicit", size=100)).status == 0xA700
	assert "inode" in gateway.wait_audit(event="alert", reason="spool-full")["detail"]
	for number in range(20):
		(disk / str(number)).unlink()
	eventually(lambda: modality.store(make("explicit", size=100)).status == 0)
	modality.release()
	gateway.stop()

	subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
	for folder in "spool", "none":
		settings["spool"]["directory"] = str(disk / folder)
		t.gateway(1, settings).wait_log(f"{folder} can't be written: Read-only file system; "
						"unless its disk has failed, name it in ReadWritePaths=")
