#!/bin/sh
# Goal: each man page is well-formed, and named as what it describes; cathgate.conf(5) has
# every key of the sample.
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
for key in $(sed -En 's,^[ {(/]*([a-z_0-9]+)(:| =).*,\1,p' conf/cathgate.conf | sort -u); do
	grep -qiw "$key" docs/man/cathgate.conf.5 || {
		echo "cathgate.conf(5) lacks $key"
		status=1
	}
done
exit $status
