#!/bin/sh
# The Debian packages of a release, each built in a fresh tree of that release, so that its
# dependencies are that release's whatever this machine runs.
#	make-packages.sh SUITE FOLDER [ARCHITECTURE...]
#	sh systemd/package/make-packages.sh bookworm /srv/packages		amd64 and arm64
# SUITE is bookworm or trixie. Needs mmdebstrap, and root or unprivileged user namespaces; for
# an architecture other than this machine's Debian's cross compiler is in the tree.
set -eu
[ $# -ge 2 ] || { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0" >&2; exit 2; }
suite=$1 folder=$2
shift 2
[ $# -gt 0 ] || set -- amd64 arm64
root=$(cd "$(dirname "$0")/../.." && pwd)
own=$(dpkg --print-architecture)
mirror=${CATHGATE_MIRROR:-http://deb.debian.org/debian}
command -v mmdebstrap >/dev/null || { echo "apt-get install mmdebstrap" >&2; exit 2; }
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 0755 "$work"

# The host's own way to the mirror, and the sources without what was built of them.
apt-config dump | grep -E '^Acquire::(https?::|Check-)' >"$work/apt.conf" || true
echo 'APT::Install-Recommends "false";' >>"$work/apt.conf"
tar -C "$root" --exclude=./build --exclude=./.git -cf "$work/source.tar" .

# What is needed here, and of the package's architecture.
tools=cmake,ninja-build,pkg-config,python3,openssl,dpkg-dev,file,gcc,g++
libraries="libdcmtk-dev libssl-dev libconfig-dev libsystemd-dev libjansson-dev libseccomp-dev zlib1g-dev"

build() {
	architecture=$1 include=$tools cross=
	for library in $libraries; do
		include=$include,$library:$architecture
	done
	case $architecture in
	"$own") ;;
	arm64)
		include=$include,gcc-aarch64-linux-gnu,g++-aarch64-linux-gnu
		cross=-DCMAKE_TOOLCHAIN_FILE=/source/tests/cross/aarch64.cmake
		;;
	*)
		echo "$architecture can't be built on $own; build it on one of its own" >&2
		exit 2
		;;
	esac
	cat >"$work/build.sh" <<-SCRIPT
		set -e
		cmake -G Ninja -S /source -B /build -DCMAKE_BUILD_TYPE=RelWithDebInfo \
			-DBUILD_TESTING=OFF -DCATHGATE_WERROR=ON $cross
		cmake --build /build
		cd /build
		dpkg-architecture -f -a$architecture -c cpack -G DEB -B /packages
	SCRIPT
	mmdebstrap --variant=minbase --dpkgopt=force-unsafe-io --architectures="$own$([ -z "$cross" ] || echo ",$architecture")" \
		--include="$include" --aptopt="$work/apt.conf" \
		--customize-hook='mkdir -p "$1/source" "$1/packages"' \
		--customize-hook="tar-in $work/source.tar /source" \
		--customize-hook="upload $work/build.sh /build.sh" \
		--customize-hook='chroot "$1" sh /build.sh' \
		--customize-hook='cd "$1/packages" && tar -c *.deb >"$1/packages.tar"' \
		--customize-hook="download /packages.tar $work/packages.tar" \
		"$suite" /dev/null "$mirror"
	tar -C "$folder" -xf "$work/packages.tar"
}

for architecture; do
	build "$architecture"
done
ls -l "$folder"/*.deb
