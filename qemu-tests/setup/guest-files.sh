#!/bin/bash
# Builds shadowctl and lays it out, with its systemd unit, as the guests get it: out/guest-files.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/../.."
. qemu-tests/setup/common.sh
[ -d tools/shadowctl ] || exit 0

files=out/guest-files
mkdir -p out
dotnet publish tools/shadowctl/command -c Release -o out/shadowctl -nologo -v quiet >out/shadowctl.log 2>&1 ||
    die "shadowctl could not be built: $(grep -m1 -E 'error' out/shadowctl.log || tail -1 out/shadowctl.log)"
rm -rf "$files"
mkdir -p "$files"/usr/local/sbin "$files"/etc/systemd/system/multi-user.target.wants "$files"/etc/rc.d
cp out/shadowctl/shadowctl "$files/usr/local/sbin/"
cp tools/shadowctl/shadowctl-ready.service "$files/etc/systemd/system/"
ln -s ../shadowctl-ready.service "$files/etc/systemd/system/multi-user.target.wants/"
cp tools/shadowctl/shadowctl-data.service tools/shadowctl/shadowctl-promoted.target "$files/etc/systemd/system/"
mkdir -p "$files"/etc/systemd/system-generators "$files"/etc/udev/rules.d
cp tools/shadowctl/shadowctl-generator "$files/etc/systemd/system-generators/"
chmod 755 "$files/etc/systemd/system-generators/shadowctl-generator"
cp tools/shadowctl/59-shadowctl.rules "$files/etc/udev/rules.d/"
# The small guest has no systemd, and its tests read the console.
printf '#!/bin/sh\nexec /usr/local/sbin/shadowctl ready --finish >/var/log/shadowctl 2>&1\n' >"$files/etc/rc.d/shadowctl"
chmod 755 "$files/etc/rc.d/shadowctl" "$files/usr/local/sbin/shadowctl"
