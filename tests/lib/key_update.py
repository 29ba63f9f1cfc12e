"""TLS 1.3 with key updates (RFC 8446 4.6.3), which Python's ssl can't send: OpenSSL's own
library, called directly. A KeyUpdate is a record that holds no data."""
import ctypes
import ctypes.util

from dicom import Closed

FILETYPE_PEM, VERIFY_PEER = 1, 1
NOT_REQUESTED, REQUESTED = 0, 1

ssl = ctypes.CDLL("libssl.so.3", use_errno=True)
for name, result, arguments in (
	("TLS_method", ctypes.c_void_p, ()),
	("SSL_CTX_new", ctypes.c_void_p, (ctypes.c_void_p,)),
	("SSL_CTX_use_certificate_chain_file", ctypes.c_int, (ctypes.c_void_p, ctypes.c_char_p)),
	("SSL_CTX_use_PrivateKey_file", ctypes.c_int,
	 (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)),
	("SSL_CTX_load_verify_locations", ctypes.c_int,
	 (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)),
	("SSL_CTX_set_verify", None, (ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)),
	("SSL_new", ctypes.c_void_p, (ctypes.c_void_p,)),
	("SSL_set_fd", ctypes.c_int, (ctypes.c_void_p, ctypes.c_int)),
	("SSL_accept", ctypes.c_int, (ctypes.c_void_p,)),
	("SSL_connect", ctypes.c_int, (ctypes.c_void_p,)),
	("SSL_do_handshake", ctypes.c_int, (ctypes.c_void_p,)),
	("SSL_key_update", ctypes.c_int, (ctypes.c_void_p, ctypes.c_int)),
	("SSL_read", ctypes.c_int, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)),
	("SSL_write", ctypes.c_int, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)),
):
	function = getattr(ssl, name)
	function.restype, function.argtypes = result, arguments


class Stream:
	"""As much of a socket as dicom.Association needs, over a connected one."""

	def __init__(self, sock, pki, name, ca="hospital-ca", is_server=False):
		self.sock = sock
		self.sock.settimeout(None)	# OpenSSL reads from a blocking descriptor
		context = ssl.SSL_CTX_new(ssl.TLS_method())
		for done in (
			ssl.SSL_CTX_use_certificate_chain_file(context, f"{pki}/{name}.crt".encode()),
			ssl.SSL_CTX_use_PrivateKey_file(context, f"{pki}/{name}.key".encode(),
							FILETYPE_PEM),
			ssl.SSL_CTX_load_verify_locations(context, f"{pki}/{ca}.crt".encode(), None),
		):
			assert done == 1
		ssl.SSL_CTX_set_verify(context, VERIFY_PEER, None)
		self.ssl = ssl.SSL_new(context)
		ssl.SSL_set_fd(self.ssl, sock.fileno())
		if (ssl.SSL_accept if is_server else ssl.SSL_connect)(self.ssl) != 1:
			raise Closed()

	def recv(self, size):
		buffer = ctypes.create_string_buffer(size)
		count = ssl.SSL_read(self.ssl, buffer, size)
		return buffer.raw[:max(count, 0)]

	def sendall(self, content):
		if content and ssl.SSL_write(self.ssl, content, len(content)) != len(content):
			raise Closed()

	def update_keys(self, answer=NOT_REQUESTED):
		if ssl.SSL_key_update(self.ssl, answer) != 1 or ssl.SSL_do_handshake(self.ssl) != 1:
			raise Closed()

	def flood(self, content=b"", each=1):
		"""Key updates until the other end has had enough; a byte of `content` after
		each of so many, as long as there is some. How many were sent."""
		sent = 0
		try:
			while True:
				self.update_keys()
				sent += 1
				if content and sent % each == 0:
					self.sendall(content[:1])
					content = content[1:]
		except Closed:
			return sent

	def settimeout(self, seconds):
		pass

	def close(self):
		self.sock.close()
