"""Goal: a destination that is in the midst of its TLS handshake when a reload says who else is
to be there gets no object."""
import ssl
from concurrent.futures import ThreadPoolExecutor

import dicom
from dicom import XA_CONTEXT, LateContext, Request
from harness import Test
from objects import make


OLD, NEW = "the-name-before-the-reload.example", "the-name-after-the-reload.example"


with Test() as t:
	pacs = t.pacs()
	context = pacs.context
	assert isinstance(context, ssl.SSLContext)
	gateway = t.gateway(pacs)
	pacs.context = late = LateContext(context)
	modality = t.connect(gateway, context=dicom.client_context(t.pki, "angio"))
	with ThreadPoolExecutor() as pool:
		answer = pool.submit(modality.request, contexts=[XA_CONTEXT])
		assert late.came.wait(dicom.PATIENCE)
		gateway.reload({"destinations.0.tls.server_name": "elsewhere.test"})
		late.word.set()
		assert isinstance(answer.result(), Request)
	obj = make("explicit")
	status = modality.store(obj).status
	line = gateway.audit(event="instance", sop_instance=obj.sop_instance)[-1]
	assert status & 0xFF00 == 0xA700 and line["reason"] == "destination-name", line
	assert pacs.stored.empty(), "it has the object"
	pacs.context = context
	gateway.reload({})
	assert modality.store(make("explicit")).status == 0
	assert pacs.stored.get(timeout=dicom.PATIENCE)
	modality.release()

	gateway.reload({"destinations.0.tls.server_name": OLD})
	pacs.context = late = LateContext(context)
	modality = t.connect(gateway, context=dicom.client_context(t.pki, "angio"))
	with ThreadPoolExecutor() as pool:
		answer = pool.submit(modality.request, contexts=[XA_CONTEXT])
		assert late.came.wait(dicom.PATIENCE)
		gateway.reload({"destinations.0.tls.server_name": NEW})
		late.word.set()
		assert isinstance(answer.result(), dicom.Rejection)
	line = gateway.audit(event="association", reason="destination-name")[-1]
	assert OLD in line["detail"], line
