"""Goal: a listener takes the socket that systemd passes under its name; one that is missing,
that nobody asks for, or that lets plain DICOM in from outside is named, and nothing starts. So is
a port of the configuration's own that another program has."""
import signal
import socket
import subprocess

from dicom import PATIENCE
from harness import Test, cathgated, eventually, passing
from objects import make


def refusal(gateway, sockets):
	"""What it says when it ends at once."""
	done = subprocess.run(
		[*passing(sockets), cathgated(), "--config", gateway.config, "--foreground"],
		stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=PATIENCE,
		pass_fds=[s.fileno() for _, s in sockets])
	assert done.returncode == 2, done
	return done.stderr


FROM_SYSTEMD = {"listen.0.address": None, "listen.0.port": None, "listen.0.socket": "dicom-tls"}

with Test() as t:
	pacs = t.pacs()
	one, two, other = (socket.create_server(("127.0.0.1", 0)) for _ in range(3))
	outside = socket.create_server(("0.0.0.0", 0))
	datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	gateway = t.configured(pacs, FROM_SYSTEMD)

	said = refusal(gateway, [])
	assert 'listen[0]: systemd passes no socket named "dicom-tls"' in said, said
	said = refusal(gateway, [("dicom-tls", one), ("stranger", other)])
	assert 'a socket named "stranger"' in said, said
	said = refusal(gateway, [("dicom-tls", datagrams)])
	assert "no listening TCP socket" in said, said
	said = refusal(t.configured(pacs), [("dicom-tls", one)])
	assert 'a socket named "dicom-tls"' in said and "systemctl mask" in said, said
	said = refusal(t.configured(pacs, {"listen.0.port": other.getsockname()[1]}), [])
	assert "another program has it" in said and "ss -ltnp" in said, said
	assert "cathgated.socket" in said and "another gateway" in said, said
	plain = {**FROM_SYSTEMD, "listen.0.tls": "none", "modalities.0.certificate": "none"}
	said = refusal(t.configured(pacs, plain), [("dicom-tls", outside)])
	assert "without TLS must not be reached from outside" in said, said

	gateway.start(sockets=[("dicom-tls", one), ("dicom-tls", two)])
	assert gateway.ports == [s.getsockname()[1] for s in (one, two)], gateway.ports
	for port in list(gateway.ports):
		gateway.ports = [port]
		modality = t.associate(gateway)
		assert modality.store(make("explicit")).status == 0
		modality.release()

	gateway.signal(signal.SIGHUP)
	eventually(lambda: "reloaded in" in gateway.log())
	gateway.config.write_text(t.configured(pacs).config.read_text())
	gateway.signal(signal.SIGHUP)
	eventually(lambda: "reload refused" in gateway.log())
	for port in (one.getsockname()[1], two.getsockname()[1]):
		gateway.ports = [port]
		modality = t.associate(gateway)
		assert modality.store(make("explicit")).status == 0
