#!/usr/bin/env python3
"""Bad connections, so many a second, evenly spaced: a process of its own, so that it
disturbs nobody's clock but the gateway's.

	flood.py PORT PKI RATE KIND[,KIND…] ADDRESS[,ADDRESS…]

It prints "ready", floods while the last line on its standard input was "on", and ends with
the input; then it prints, as JSON, how many of each kind came from each address. Addresses and
kinds take turns.
"""
import asyncio
import json
import pathlib
import ssl
import sys
from collections import Counter

import dicom

SILENT_SECONDS = 0.5
WAIT_SECONDS = 5


async def silent(reader, writer):
	await asyncio.wait_for(reader.read(1), SILENT_SECONDS)


async def garbage(reader, writer):
	writer.write(b"\x7f\x00garbage, and more of it")
	await asyncio.wait_for(reader.read(), WAIT_SECONDS)


async def plain(reader, writer):
	writer.write(dicom.associate_rq(contexts=[dicom.XA_CONTEXT]))
	await asyncio.wait_for(reader.read(), WAIT_SECONDS)


async def leave(reader, writer):
	return


async def refused(reader, writer):
	await asyncio.wait_for(reader.read(), WAIT_SECONDS)


def client_hello(context):
	"""The first flight of a handshake: the same for each, so that it costs nothing here."""
	sent = ssl.MemoryBIO()
	try:
		context.wrap_bio(ssl.MemoryBIO(), sent,
				 server_hostname="gateway.test").do_handshake()
	except ssl.SSLWantReadError:
		return sent.read()


def half(hello):
	"""Lets the gateway sign and send, and leaves."""
	async def kind(reader, writer):
		writer.write(hello)
		await asyncio.wait_for(reader.read(1), WAIT_SECONDS)
	return kind


def contexts(pki):
	"""None: no TLS."""
	anonymous = dicom.client_context(pki, None)
	stranger = dicom.client_context(pki, "modality-stranger")
	return {"silent": (silent, None), "garbage": (garbage, None), "plain": (plain, None),
		"leave": (leave, None), "half": (half(client_hello(anonymous)), None),
		"anonymous": (refused, anonymous), "stranger": (refused, stranger)}


async def one(port, kind, context, address):
	more = {"ssl": context, "server_hostname": "gateway.test"} if context else {}
	writer = None
	try:
		reader, writer = await asyncio.open_connection(
			"127.0.0.1", port, local_addr=(address, 0), **more)
		await kind(reader, writer)
	except (OSError, asyncio.TimeoutError, ssl.SSLError):
		pass	# it is meant to fail
	finally:
		if writer:
			writer.transport.abort()


class Switch(asyncio.Protocol):
	def __init__(self):
		self.on = asyncio.Event()
		self.ended = False

	def data_received(self, data):
		if data.split()[-1] == b"on":
			self.on.set()
		else:
			self.on.clear()

	def connection_lost(self, exc):
		self.ended = True
		self.on.set()


async def main():
	port, pki, rate, kinds, addresses = sys.argv[1:]
	known = contexts(pathlib.Path(pki))
	kinds, addresses = kinds.split(","), addresses.split(",")
	loop = asyncio.get_running_loop()
	_, switch = await loop.connect_read_pipe(Switch, sys.stdin)
	made, running, number = Counter(), set(), 0
	due = loop.time()
	print("ready", flush=True)
	while True:
		if not switch.on.is_set():
			await switch.on.wait()
			due = loop.time()
		if switch.ended:
			break
		kind = kinds[number % len(kinds)]
		address = addresses[number // len(kinds) % len(addresses)]
		number += 1
		made[f"{kind} {address}"] += 1
		task = asyncio.create_task(one(int(port), *known[kind], address))
		running.add(task)
		task.add_done_callback(running.discard)
		due += 1 / float(rate)
		await asyncio.sleep(max(due - loop.time(), 0))
	if running:
		await asyncio.wait(running)
	print(json.dumps(made), flush=True)

asyncio.run(main())
