#!/bin/bash
# Goal: storescp writes the same bytes through the gateway as straight from the sender, in
# every kind of encoding, and the audit log has their hashes.
. "$(dirname "$0")/../lib/test.sh"

start_storescp
start_gateway
the_same_bytes private-class explicit implicit big-endian deflated jpeg rle dose-sr \
	undefined-lengths empty-sequences odd-charset secondary-capture odd-length
