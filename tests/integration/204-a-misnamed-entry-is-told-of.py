"""Goal: a file in modalities.d whose name keeps it from being read is named, with what to do,
by --check and at a reload, which goes on; what editors and dpkg leave there is no matter."""
import re
import subprocess

from harness import Test, cathgated

with Test() as t:
	gateway = t.gateway(t.pacs())
	folder = gateway.folder / "modalities.d"
	folder.mkdir()
	entry = 'name = "ct"; ae_titles = [ "CT" ]; called_ae_titles = [ "CATHGATE" ];\n' \
		'certificate: { common_name = [ "ct" ]; }; destination = "pacs";\n'
	for name in ("good.conf~", "good.conf.dpkg-dist", ".good.conf.swp"):
		(folder / name).write_text(entry)
	gateway.reload()
	assert "modalities.d" not in gateway.log(), gateway.log()
	(folder / "ct.CONF").write_text(entry)
	gateway.reload()
	gateway.wait_log("ct.CONF: it is not read")
	done = subprocess.run([cathgated(), "--check", "--config", gateway.config],
			      capture_output=True, text=True)
	assert done.returncode == 0 and "call it ct.conf" in done.stdout + done.stderr, done
	(folder / "ct.CONF").rename(folder / "ct.conf")
	gateway.reload()
	detail = gateway.audit(event="reload")[-1]["detail"]
	assert re.search(r"\bct\b", detail), detail
	t.associate(gateway).release()
