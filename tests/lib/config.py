#!/usr/bin/env python3
"""A configuration for cathgated that works, and any change to it.

	config.py WORK PKI PACS-PORT [PATH=VALUE...]	prints it

A PATH is dotted, lists count from 0: limits.idle_seconds=1. A VALUE is JSON, else text;
null takes the setting away.
"""
import hashlib
import json
import pathlib
import ssl
import sys

ENOUGH = 100000		# no test shall meet a limit that it doesn't ask for


def fingerprint(certificate):
	return hashlib.sha256(ssl.PEM_cert_to_DER_cert(
		pathlib.Path(certificate).read_text())).hexdigest()


def working(work, pki, pacs_port):
	def tls(name, ca, **more):
		return {"certificate": f"{pki}/{name}.crt", "key": f"{pki}/{name}.key",
			"ca": f"{pki}/{ca}.crt", **more}
	return {
		"gateway": {"name": "test"},
		"listen": [{
			"address": "127.0.0.1", "port": 0,
			"tls": tls("gateway", "modalities-ca", crl=f"{pki}/modalities.crl"),
		}],
		"modalities": [{
			"name": "angio", "ae_titles": ["CATHLAB3"],
			"called_ae_titles": ["CATHGATE"],
			"certificate": {"sha256": [fingerprint(f"{pki}/angio.crt")]},
			"destination": "pacs",
			"max_associations": 1000, "max_handshakes_per_minute": ENOUGH,
		}],
		"destinations": [{
			"name": "pacs", "host": "127.0.0.1", "port": pacs_port,
			"called_ae_title": "PACS",
			"tls": tls("gateway-client", "hospital-ca", server_name="pacs.test"),
		}],
		"audit": {"file": f"{work}/audit.jsonl", "signing_key": f"{pki}/audit.key",
			  "pseudonym_key": f"{pki}/pseudonym.key",
			  "journal": "off"},	# nobody's machine is to hold what tests did
		"limits": {
			"max_associations": 1000, "max_handshakes": 1000,
			"max_associations_per_address": 1000,
			"handshakes_per_address_per_minute": ENOUGH,
			"grace_seconds": 5,
		},
	}


def change(config, path, value):
	*way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
	for key in way:
		if isinstance(config, dict):
			config = config.setdefault(key, {})
		else:
			config = config[key]
	if value is None:
		del config[last]
	elif isinstance(config, list) and last == len(config):
		config.append(value)
	else:
		config[last] = value


def text(value):
	"""A value in libconfig's syntax."""
	if isinstance(value, bool):
		return "true" if value else "false"
	if isinstance(value, int):
		return str(value) + ("L" if abs(value) > 0x7FFFFFFF else "")
	if isinstance(value, str):
		return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
	if isinstance(value, dict):
		return "{\n" + members(value) + "}"
	if value and isinstance(value[0], dict):
		return "(" + ",\n".join(text(item) for item in value) + ")"
	return "[" + ", ".join(text(item) for item in value) + "]"


def members(config):
	return "".join(f"{key} = {text(value)};\n" for key, value in config.items())


def render(work, pki, pacs_port, changes):
	config = working(work, pki, pacs_port)
	for path, value in changes.items():
		change(config, path, value)
	return members(config)


def main():
	work, pki, port, *changes = sys.argv[1:]
	parsed = {}
	for change_text in changes:
		path, _, value = change_text.partition("=")
		try:
			parsed[path] = json.loads(value)
		except ValueError:
			parsed[path] = value
	print(render(work, pki, int(port), parsed), end="")


if __name__ == "__main__":
	main()
