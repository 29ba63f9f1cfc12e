"""Goal: after many associations, good and bad, the supervisor, the auditor, the keeper, the
dialler and the forker hold no more descriptors than before, and no child is left behind."""
import socket

from dicom import XA_CONTEXT
from harness import Test, children, descriptors, eventually
from objects import make


def visit(number):
	way = number % 4
	if way == 0:
		modality = t.associate(gateway)
		assert modality.store(make("explicit")).status == 0
		modality.release()
	elif way == 1:
		t.associate(gateway).close()
	elif way == 2:
		t.connect(gateway).request(calling="NOBODY", contexts=[XA_CONTEXT])
	else:
		with socket.create_connection(("127.0.0.1", gateway.port)) as stranger:
			stranger.sendall(b"not TLS")


def is_quiet():
	return children(gateway.pid, but_for=("observer", "scribe")) == sorted(family[1:])


with Test() as t:
	gateway = t.gateway(t.pacs())
	family = [gateway.pid, *map(gateway.helper, ("auditor", "keeper", "dialler", "forker"))]
	for number in range(4):
		visit(number)
	eventually(is_quiet)
	before = [descriptors(pid) for pid in family]
	for number in range(80):
		visit(number)
	eventually(is_quiet)
	eventually(lambda: all(descriptors(pid) <= count
			       for pid, count in zip(family, before)))
