#!/bin/sh
# A sample for alerts.command: posts each alert, as the JSON object that it is, to an
# address that takes such: a chat's webhook, a pager, a program of your own.
#
#	alerts: { command = [ "/usr/local/sbin/cathgate-alert-webhook",
#		"https://hooks.hospital.example/cathgate" ]; };
set -eu
exec curl -sS --fail --max-time 25 --output /dev/null \
	--header 'Content-Type: application/json' --data-binary @- --url "$1"
