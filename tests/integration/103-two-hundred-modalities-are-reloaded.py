"""Goal: with 200 modalities a reload takes effect while associations are open: each is recorded
with what it changed, none of the open ones is touched, and the next association sees the new
set. How long a reload takes is a figure of tests/bench/crowds.py."""
from crowd import modality
from dicom import XA_CONTEXT, Rejection
from harness import Test
from objects import make

with Test() as t:
	many = {f"modalities.{number}": modality(number) for number in range(1, 200)}
	gateway = t.gateway(t.pacs(), many)
	held = [t.associate(gateway) for _ in range(50)]
	for number in range(10):
		many["modalities.7"] = modality(number + 1000)
		detail = gateway.reload(many)
		assert f"modality modality-{number + 1000} added" in detail, detail
	for association in held:
		assert association.store(make("explicit")).status == 0

	many["modalities.0.ae_titles"] = ["OTHER"]
	gateway.reload(many)
	answer = t.connect(gateway).request(contexts=[XA_CONTEXT])
	assert isinstance(answer, Rejection), answer
	t.associate(gateway, calling="OTHER").release()
