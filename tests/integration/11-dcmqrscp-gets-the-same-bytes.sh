#!/bin/bash
# Goal: DCMTK's archive behind stunnel writes the same bytes through the gateway as straight
# from the sender, in every kind of encoding, and the audit log has their hashes. (Its
# database knows no private SOP classes.)
. "$(dirname "$0")/../lib/test.sh"

start_dcmqrscp
start_gateway
the_same_bytes explicit implicit big-endian deflated jpeg rle dose-sr undefined-lengths \
	empty-sequences odd-charset secondary-capture odd-length
