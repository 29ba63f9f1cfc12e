#!/bin/sh
# What Debian's policy asks of the files, once they are where the package will have them.
#	stage.sh STAGE VERSION		run by cpack before it packs
set -eu
stage=$1 version=$2
here=$(dirname "$0")
doc=$stage/usr/share/doc/cathgate

install -m 0644 "$here/copyright" "$doc/copyright"
ln -sf copyright "$doc/LICENSE" # Debian has the text; the copyright file says where
gzip -9nc "$here/changelog" >"$doc/changelog.Debian.gz"
install -D -m 0644 "$here/cathgate.bash-completion" \
	"$stage/usr/share/bash-completion/completions/cathgate"
ln -sf cathgate "$stage/usr/share/bash-completion/completions/cathgated"
if [ -d "$stage/usr/share/man" ]; then
	find "$stage/usr/share/man" -type f ! -name '*.gz' -exec gzip -9n {} +
fi
python3 "$here/sbom.py" "$version" "$stage/usr/sbin/cathgated" "$stage/usr/bin/cathgate" \
	>"$doc/cathgate.spdx.json"
find "$stage" -type d -exec chmod 0755 {} +
find "$stage" -type f ! -path '*/bin/*' ! -path '*/sbin/*' -exec chmod 0644 {} +
