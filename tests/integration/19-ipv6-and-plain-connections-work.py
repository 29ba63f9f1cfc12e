"""Goal: IPv6 on both legs; a plain listener on loopback, for entries without a certificate
only; a plain destination."""
import os

import dicom
from dicom import XA_CONTEXT, Association, Rejection
from harness import Test
from objects import make


def store(association):
	obj = make("explicit")
	assert association.store(obj).status == 0
	association.release()
	return obj


def ipv6():
	pacs = t.pacs(address="::1")
	gateway = t.gateway(pacs, {"listen.0.address": "::1", "destinations.0.host": "::1",
				   "modalities.0.addresses": ["::1/128"]})
	modality = t.connect(gateway, address="::1")
	modality.request(contexts=[XA_CONTEXT])
	obj = store(modality)
	assert pacs.stored.get(timeout=dicom.PATIENCE).data == obj.data
	assert gateway.wait_audit(event="instance")["peer"].startswith("[::1]:")


def plain():
	pacs = t.pacs(tls=False)
	plain_entry = {"name": "plain", "ae_titles": ["OLDLAB"], "certificate": "none",
		       "called_ae_titles": ["CATHGATE"], "destination": "pacs"}
	gateway = t.gateway(pacs, {
		"listen.1": {"address": "127.0.0.1", "port": 0, "tls": "none"},
		"modalities.1": plain_entry, "destinations.0.tls": "none"})
	assert gateway.log().count("plain") >= 2, "no warnings"

	def connect():
		return Association(dicom.connect(gateway.ports[1]))
	modality = connect()
	modality.request(calling="OLDLAB", contexts=[XA_CONTEXT])
	obj = store(modality)
	assert pacs.stored.get(timeout=dicom.PATIENCE).data == obj.data
	assert "certificate" not in gateway.wait_audit(event="instance")
	# who must show a certificate can't do without, nor the other way round
	assert connect().request(contexts=[XA_CONTEXT]) == Rejection(1, 1, 3)
	assert t.connect(gateway).request(calling="OLDLAB", contexts=[XA_CONTEXT]) \
		== Rejection(1, 1, 3)


with Test() as t:
	plain()
	if os.path.exists("/proc/net/if_inet6"):
		ipv6()
