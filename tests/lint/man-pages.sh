#!/bin/sh
# Goal: each man page is well-formed, and named as what it describes.
cd "$(dirname "$0")/../.." || exit 2
command -v mandoc >/dev/null || exit 77
status=0
for page in docs/man/*.[1-8]; do
	mandoc -T lint -W warning "$page" || status=1
	name=$(basename "$page")
	grep -qx "\.Nm ${name%.*}" "$page" || {
		echo "$page: its name is another: write .Nm ${name%.*}"
		status=1
	}
done
exit $status
