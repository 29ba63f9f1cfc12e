#!/bin/bash
# Goal: --check says nothing is wrong with a configuration that works, and changes nothing.
. "$(dirname "$0")/../lib/test.sh"

configure
expect "--check is content" "$CATHGATED" --config "$work/cathgate.conf" --check \
	>"$work/check.log" 2>&1
expect "no audit log is begun" test ! -e "$work/audit.jsonl"
expect "--version says which" grep -qE '[0-9]+\.[0-9]+\.[0-9]+' <("$CATHGATED" --version)
