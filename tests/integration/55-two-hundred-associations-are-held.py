"""Goal: 200 associations stay open at once and each still stores."""
from harness import Test, eventually
from objects import make

with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs)
	held = [t.associate(gateway) for _ in range(200)]
	assert len(gateway.associations()) == 200
	for modality in held:
		assert modality.store(make("explicit")).status == 0
	for modality in held:
		modality.release()
	eventually(lambda: not gateway.associations())
	assert pacs.stored.qsize() == 200
