#!/bin/sh
# Boots the tree's systemd as PID 1 of the namespaces that this runs in (see machine.py).
# What the host has is shown read-only or not at all; the network is a loopback of its own.
#	boot.sh TREE UPPER BUILD KEEP	overlays: TREE stays as it is, and BUILD unless KEEP is given
set -eu
tree=$1 upper=$2 build=$3 keep=$4
machine=$upper/machine

mount --make-rprivate /
mkdir -p "$upper/changes" "$upper/work" "$machine"
mount -t overlay -o "lowerdir=$tree,upperdir=$upper/changes,workdir=$upper/work" overlay "$machine"
cd "$machine"
mkdir -p src/build "$upper/built" "$upper/building"
if [ "$keep" ]; then
	mount --bind "$build" src/build
else
	mount -t overlay -o "lowerdir=$build,upperdir=$upper/built,workdir=$upper/building" overlay src/build
fi
mount -t proc -o nosuid,noexec,nodev proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro,nosuid,noexec,nodev sysfs sys
mount -t cgroup2 -o nosuid,noexec,nodev cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp
mount -t tmpfs -o mode=0755,nosuid tmpfs dev
for node in null zero full random urandom tty; do
	: >"dev/$node"
	mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ip link set lo up
hostname cathgate-test

# Not chroot: whoever is in one may make no user namespace, which PrivateUsers= needs.
mkdir run/host
pivot_root . run/host
cd /
umount -l /run/host
rmdir /run/host
mount --make-rshared / # as systemd expects of whoever starts it: credentials are mounts
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	/lib/systemd/systemd --show-status=no
