"""Goal: standard error leads into a pipe that is full and nobody reads: the gateway serves
all the same, and stops when it is told to."""
import fcntl
import os
import socket

from harness import Test
from objects import make


def pipe_in_place_of_the_log(gateway):
	os.mkfifo(gateway.log_file)
	reader = os.open(gateway.log_file, os.O_RDONLY | os.O_NONBLOCK)
	gateway.log = lambda: os.read(reader, 65536).decode()	# only while it starts
	gateway.start()
	gateway.log = lambda: ""
	fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
	writer = os.open(gateway.log_file, os.O_WRONLY | os.O_NONBLOCK)
	try:
		while os.write(writer, b"\n"):
			pass
	except BlockingIOError:
		pass


with Test() as t:
	pacs = t.pacs()
	gateway = t.configured(pacs)
	pipe_in_place_of_the_log(gateway)
	for count in range(5):	# each of them is worth a line
		with socket.create_connection(("127.0.0.1", gateway.port)) as stranger:
			stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
		gateway.wait_audit_beyond(count, reason="not-tls")
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	modality.release()
	assert gateway.stop() == 0
