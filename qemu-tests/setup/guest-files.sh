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
units=$files/etc/systemd/system
mkdir -p "$files"/usr/sbin "$files"/etc/rc.d "$files"/etc/systemd/system-generators "$files"/etc/udev/rules.d "$units"/{multi-user,emergency,rescue}.target.wants
cp out/shadowctl/shadowctl "$files/usr/sbin/"
cp tools/shadowctl/*.service tools/shadowctl/*.target "$units/"
ln -s ../shadowctl-ready.service "$units/multi-user.target.wants/"
for mode in emergency rescue; do ln -s ../shadowctl-fail@.service "$units/$mode.target.wants/shadowctl-fail@$mode.service"; done
cp tools/shadowctl/shadowctl-generator "$files/etc/systemd/system-generators/"
chmod 755 "$files/etc/systemd/system-generators/shadowctl-generator"
cp tools/shadowctl/59-shadowctl.rules "$files/etc/udev/rules.d/"
# The small guest has no systemd, and its tests read the console.
printf '#!/bin/sh\nexec /usr/sbin/shadowctl ready --finish >/var/log/shadowctl 2>&1\n' >"$files/etc/rc.d/shadowctl"
chmod 755 "$files/etc/rc.d/shadowctl" "$files/usr/sbin/shadowctl"
