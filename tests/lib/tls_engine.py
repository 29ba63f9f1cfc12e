"""TLS over a socket by hand, so that a test can cut what is sent, or have an alert sent."""
import os
import ssl

import dicom
from dicom import Closed

RUINED = b"\x17\x03\x03\x00\x40" + os.urandom(64)	# a record that nobody's key opens


class Engine:
	"""As much of a socket as dicom.Association needs. `cut` makes pieces of what it sends
	first, which are sent one by one."""

	def __init__(self, sock, context, cut=None, **how):
		self.sock = sock
		self.sock.settimeout(dicom.PATIENCE)
		self.came, self.goes = ssl.MemoryBIO(), ssl.MemoryBIO()
		self.cut = cut
		self.tls = context.wrap_bio(self.came, self.goes, **how)
		self.repeat(self.tls.do_handshake)

	def flush(self):
		if content := self.goes.read():
			for piece in self.cut(content) if self.cut else [content]:
				self.sock.sendall(piece)
			self.cut = None

	def repeat(self, call, *arguments):
		while True:
			try:
				return call(*arguments)
			except ssl.SSLWantReadError:
				self.flush()
				if not (content := self.sock.recv(65536)):
					raise Closed() from None
				self.came.write(content)
			finally:
				self.flush()

	def recv(self, size):
		return self.repeat(self.tls.read, size)

	def sendall(self, content):
		self.repeat(self.tls.write, content)

	def settimeout(self, seconds):
		self.sock.settimeout(seconds)

	def close(self):
		self.sock.close()

	def send_alert(self):
		"""bad_record_mac, as if what the gateway sent were ruined."""
		self.came.write(RUINED)
		try:
			while True:
				self.tls.read(65536)
		except ssl.SSLWantReadError:
			raise AssertionError("it took the ruined record") from None
		except ssl.SSLError:
			self.flush()
