"""Goal: a handshake that is under way at a reload that brings other keys goes on with the keeper
that it began with, which then ends without a word; a reload that is refused leaves the keeper as
it was, and its successor is gone; an open association calls its PACS with the certificate that
was renewed, and shows no peer a key that nobody holds."""
import socket
import ssl

import dicom
from authority import Authority
from dicom import XA_CONTEXT, Request
from harness import Test, eventually, is_alive, roles
from objects import make

SERVER = "extendedKeyUsage = serverAuth\nsubjectAltName = DNS:gateway.test"
CLIENT = "extendedKeyUsage = clientAuth"


def keepers():
	return [pid for pid, role in roles(gateway.pid).items() if role == "keeper"]


def own(side, name):
	return {f"{side}.tls.certificate": f"{own_pki}/{name}.crt", f"{side}.tls.key": f"{own_pki}/{name}.key"}


def shown(sock):
	return ssl.DER_cert_to_PEM_cert(sock.getpeercert(True)).split()


def on_disk(name):
	return (own_pki / f"{name}.crt").read_text().split()


def remember(association):
	"""The PACS notes which certificate it was shown, answers one instance, and closes."""
	seen.append(shown(association.sock))
	association.accept()
	association.respond(association.receive())
	association.close()


with Test() as t:
	own_pki = t.work / "tls"
	own_pki.mkdir()
	ca = Authority(own_pki, "own-ca")
	for name in ("one", "two"):
		ca.issue(f"server-{name}", SERVER)
		ca.issue(f"client-{name}", CLIENT, kind="P-256" if name == "one" else "RSA")
	(t.work / "both.crt").write_bytes((own_pki / "own-ca.crt").read_bytes() +
					  (t.pki / "hospital-ca.crt").read_bytes())
	seen = []
	pacs = t.pacs(remember)
	pacs.context.load_verify_locations(t.work / "both.crt")
	settings = {**own("listen.0", "server-one"), **own("destinations.0", "client-one")}
	gateway = t.gateway(pacs, settings)
	context = dicom.client_context(t.pki, "angio")
	context.load_verify_locations(t.work / "both.crt")

	modality = t.connect(gateway, context=context)
	assert isinstance(modality.request(contexts=[XA_CONTEXT]), Request)
	assert modality.store(make("explicit")).status == 0
	assert seen == [on_disk("client-one")]

	# Refused: nothing has changed.
	old = gateway.helper("keeper")
	gateway.reload({**settings, "listen.0.tls.key": f"{own_pki}/server-two.key"}, outcome="refused")
	eventually(lambda: keepers() == [old])

	# Begun before the reload, and ended after it.
	before = set(gateway.associations())
	begun = socket.create_connection(("127.0.0.1", gateway.port))
	eventually(lambda: set(gateway.associations()) - before)
	gateway.reload({**own("listen.0", "server-two"), **own("destinations.0", "client-two")})
	assert len(keepers()) == 2 and is_alive(old)
	assert shown(context.wrap_socket(begun, server_hostname="gateway.test")) == on_disk("server-one")
	eventually(lambda: not is_alive(old))
	new = gateway.helper("keeper")
	eventually(lambda: keepers() == [new])
	assert "keeper" not in gateway.log(), gateway.log()
	with dicom.connect(gateway.port, context) as sock:
		assert shown(sock) == on_disk("server-two")

	# The association that was open calls its PACS anew, with the new key of another kind.
	assert modality.store(make("explicit")).status == 0
	assert seen[1:] == [on_disk("client-two")], seen
	modality.release()

	# And after many more.
	for number in range(6):
		name = ("one", "two")[number % 2]
		gateway.reload({**own("listen.0", f"server-{name}"), **own("destinations.0", f"client-{name}")})
	eventually(lambda: len(keepers()) == 1)
	begun.close()
