"""Goal: the associations of one address share max_bytes_per_address_per_second, whatever
their entries; those of another address have their own; a reload changes it for those that
are open, in the midst of an object, too."""
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import dicom
from dicom import XA_CONTEXT, Association
from harness import Test
from objects import EXPLICIT, XA, Object, new_uid

ECHOLAB = {"name": "echolab", "ae_titles": ["ECHOLAB"], "called_ae_titles": ["CATHGATE"],
	   "certificate": {"dns": ["echolab.test"]}, "destination": "pacs",
	   "max_associations": 9, "max_handshakes_per_minute": 1000}
LIMIT = "limits.max_bytes_per_address_per_second"
MB = 1000000


def associate(name, calling, address="127.0.0.1"):
	sock = socket.create_connection(("127.0.0.1", gateway.port), dicom.PATIENCE,
					source_address=(address, 0))
	context = dicom.client_context(t.pki, name)
	modality = Association(context.wrap_socket(sock, server_hostname="gateway.test"))
	assert isinstance(modality.request(calling=calling, contexts=[XA_CONTEXT]), dicom.Request)
	return modality


def store(modality, size):
	"""How long it took."""
	began = time.monotonic()
	assert modality.store(Object(XA, new_uid(), EXPLICIT, bytes(size))).status == 0
	return time.monotonic() - began


def who_is_alone_has_more():
	with ThreadPoolExecutor() as pool:
		first, second, alone = pool.map(store, (angio, echo, elsewhere), (3 * MB,) * 3)
	# half of it each, and what one second brings at most in advance
	assert min(first, second) >= 3.5, (first, second)
	assert alone >= 1.5, alone
	return alone < min(first, second)


with Test() as t:
	gateway = t.gateway(t.pacs(), {"modalities.1": ECHOLAB, LIMIT: MB})
	angio = associate("angio", "CATHLAB3")
	echo = associate("echolab", "ECHOLAB")
	elsewhere = associate("angio", "CATHLAB3", "127.0.0.2")
	assert any(who_is_alone_has_more() for _ in range(3)), "the other address waits, too"

	# Half an hour of that limit: should it stay in force, this waits in vain.
	gateway.reload({"modalities.1": ECHOLAB, LIMIT: 10000})
	lasting = Object(XA, new_uid(), EXPLICIT, bytes(20 * MB))
	angio.store_command(lasting)
	angio.send_data(1, lasting.data[:MB // 10], last=False)
	said = gateway.reload({"modalities.1": ECHOLAB})
	assert f"{LIMIT} 10000 to 0" in said, said
	angio.send_data(1, lasting.data[MB // 10:])
	assert angio.receive().status == 0
	gateway.reload({"modalities.1": ECHOLAB, LIMIT: MB})
	assert store(elsewhere, 3 * MB) >= 1.5
	for modality in (angio, echo, elsewhere):
		modality.release()
