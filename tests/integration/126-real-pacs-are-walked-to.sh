#!/bin/bash
# Goal: `cathgate diagnose --destination` finds the way to DCMTK's archive behind stunnel and to
# storescp, and says what is wrong where one doesn't know its AE title, speaks no TLS, or has
# left.
. "$(dirname "$0")/../lib/test.sh"

# diagnose SETTING...: as the gateway would go, with these settings changed
diagnose() {
	python3 "$lib/config.py" "$work" "$pki" "$pacs_port" limits.connect_seconds=20 "$@" \
		>"$work/cathgate.conf"
	"$CATHGATE" diagnose --destination pacs --config "$work/cathgate.conf" \
		>"$work/diagnose.log" 2>&1
}

says() {
	tr -s ' \n' ' ' <"$work/diagnose.log" | grep -qF "$1"
}

start_dcmqrscp
expect "all is well with dcmqrscp" diagnose
expect "it names the implementation" says "there is OFFIS_DCMTK"
expect "a wrong AE title fails" fails diagnose destinations.0.called_ae_title=NOBODY
expect "it is told so" says "rejected it: it doesn't know the called AE title"
expect "and where" says "correct \`called_ae_title\` (line"

pacs_port=$archive_port
expect "plain DICOM fails" fails diagnose
expect "it is told so" says "FAILED TLS"
expect "plain DICOM is walked to where it is configured" diagnose destinations.0.tls=none

start_storescp
expect "all is well with storescp" diagnose
expect "it is told so" says "All steps passed"
kill "$server_pid"
wait "$server_pid" || :
expect "nobody there fails" fails diagnose
expect "it is told so" says "nothing listens on that port"
